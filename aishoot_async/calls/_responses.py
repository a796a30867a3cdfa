"""Pure: what the status, the headers and the body of a response mean, and the error that it becomes.

The body of an error is read in the forms that services, gateways and frameworks write:

the platform's, Spring's             {"error": "Bad Request", "message": "...", "timestamp": "..."}
OAuth's                              {"error": "invalid_grant", "error_description": "..."}
RFC 9457 (problem+json)              {"type": "...", "title": "Bad Request", "detail": "...", "status": 400}
an object in the error's place       {"error": {"code": "...", "message": "..."}}
a list, of objects or texts          {"errors": [{"title": "...", "detail": "..."}]}, {"message": ["...", "..."]}
by field                             {"errors": {"name": ["..."]}}
text                                 "..." as JSON, or plain
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import attrs
from multidict import istr

from .. import jsontext
from ..errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    UnexpectedResponseError,
    UnprocessableError,
)
from ..secret import Secret, scrub_bytes, scrub_text
from ..transport import Response, can_decode, unreadable_coding

BODY_KEPT: Final = 64 * 1024
_RETRY_AFTER_LENGTH: Final = 1000  # characters; what is longer is neither a number nor a date
# Of Persian and Indic words, and of emoji: they steer no terminal.
_JOINERS: Final = "\u200c\u200d"
# Folded already: each answer is asked for all of them.
_REQUEST_ID_HEADERS: Final = tuple(
    map(istr, ("X-Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Trace-Id", "CF-Ray"))
)
_BY_STATUS: Final = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
_NAMES: Final = ("error", "title", "code", "type", "name")
_SENTENCES: Final = ("message", "detail", "error_description", "errorMessage", "description", "defaultMessage", "msg")
_LISTS: Final = ("errors", "details", "violations")
_HOLDERS: Final = ("error", "fault", "problem")
_NOTHING: Final[Mapping[str, Any]] = {}
_LISTED: Final = 5
_NO_TYPE: Final = "about:blank"
_TEXT_READ: Final = 4096
# What begins so is a page, or JSON that was cut short.
_NO_TEXT: Final = ("<", "{", "[")


def is_success(status: int) -> bool:
    """Tell whether a status is 2xx."""
    return 200 <= status < 300  # noqa: PLR2004  # as RFC 9110, 15.3 has it


def request_id(headers: Mapping[str, str], secrets: Sequence[Secret]) -> str | None:
    """Return the service's id of this request. The API documents no such header, so the usual ones are read."""
    for name in _REQUEST_ID_HEADERS:
        if found := headers.get(name):
            return _short(found, 200, secrets)
    return None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3), seconds or a date: seconds from now, ``None`` for anything else."""
    text = headers.get("Retry-After", "").strip()
    if len(text) > _RETRY_AFTER_LENGTH:
        return None
    seconds = None
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
            # A date without a zone is read as UTC: HTTP knows no other.
            seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def status_error(
    response: Response, *, method: str, path: str, now: datetime, secrets: Sequence[Secret] = ()
) -> APIStatusError:
    """Return the error of a response, with what its body says."""
    encoding = response.headers.get("Content-Encoding", "")
    said = read_error(response.body[:BODY_KEPT]) if can_decode(encoding) else Said(message=unreadable_coding(encoding))
    kind = _BY_STATUS.get(response.status, ServerError if response.status >= 500 else APIStatusError)  # noqa: PLR2004
    return kind(
        response.status,
        method=method,
        path=path,
        error=_text(said.error, secrets) or _short(response.reason, 1000, secrets) or None,
        message=_text(said.message, secrets),
        timestamp=_text(said.timestamp, secrets),
        request_id=request_id(response.headers, secrets),
        body=scrub_bytes(response.body, secrets)[:BODY_KEPT],
        retry_after=retry_after(response.headers, now),
    )


def _text(said: str | None, secrets: Sequence[Secret]) -> str | None:
    return None if said is None else _short(said, 1000, secrets)


def _short(text: str, length: int, secrets: Sequence[Secret]) -> str:
    # Cut after the tokens were taken out, or half of one could be left.
    return escape_controls(scrub_text(text, secrets)[:length])


def escape_controls(text: str) -> str:
    """Escape what a server must not write into a line: a line break, what steers a terminal, a lone surrogate."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in _JOINERS else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


@attrs.frozen(kw_only=True)
class Said:
    """What the body of an error says.

    Attributes:
        error: the short name.
        message: the sentence.
        timestamp: the time, as it stands there.
    """

    error: str | None = None
    message: str | None = None
    timestamp: str | None = None


def read_error(body: bytes) -> Said:
    """Read the body of an error; of one that says nothing readable, nothing."""
    if not body.strip():
        return Said()
    try:
        said: object = jsontext.value(body)
    except UnexpectedResponseError:
        return Said(message=_plain_text(body))
    if isinstance(said, dict):
        return _of_object(cast("Mapping[str, Any]", said))
    if isinstance(said, str):
        return Said(message=said if said.strip() else None)
    return Said(message=_listed(said))


def _plain_text(body: bytes) -> str | None:
    # The last letter may be cut in two.
    text = body[:_TEXT_READ].decode("utf-8", "replace").rstrip("\ufffd").strip()
    is_binary = "\ufffd" in text or "\0" in text
    return None if is_binary or text.startswith(_NO_TEXT) or not any(map(str.isalpha, text)) else text


def _of_object(said: Mapping[str, Any]) -> Said:
    holders = (said.get(name) for name in _HOLDERS)
    inside = next((cast("Mapping[str, Any]", holder) for holder in holders if isinstance(holder, dict)), _NOTHING)
    return Said(
        error=_first(said, _NAMES) or _first(inside, _NAMES),
        message=_sentence(said) or _sentence(inside),
        timestamp=_scalar(said.get("timestamp")),
    )


def _sentence(said: Mapping[str, Any]) -> str | None:
    sentence = _first(said, _SENTENCES)
    if sentence is not None:
        return sentence
    return next(filter(None, (_listed(said.get(name)) for name in (*_SENTENCES, *_LISTS))), None)


def _first(said: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((text for name in names if (text := _scalar(said.get(name))) is not None and text != _NO_TYPE), None)


def _scalar(value: object) -> str | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or not str(value).strip():
        return None
    return str(value)


def _listed(value: object) -> str | None:
    """Join what a list, or an object by fields, says."""
    texts: list[str] = []
    for text in _texts(value):
        if len(texts) == _LISTED:
            texts.append("...")
            break
        texts.append(text)
    return "; ".join(texts) or None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for field, inside in cast("Mapping[str, Any]", value).items():
            text = _scalar(inside) or _flat(inside)
            if text:
                yield f"{field}: {text}"
    elif isinstance(value, list):
        for element in cast("list[object]", value):
            said = _scalar(element)
            if said is None and isinstance(element, dict):
                members = cast("Mapping[str, Any]", element)
                said = _first(members, _SENTENCES) or _first(members, _NAMES)
            if said:
                yield said


def _flat(value: object) -> str:
    elements = cast("list[object]", value) if isinstance(value, list) else []
    return ", ".join(text for element in elements[:_LISTED] if (text := _scalar(element)))
