"""Pure: what an answer's status and headers mean, and the error that it becomes."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from multidict import istr

from ..errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    UnprocessableError,
)
from ..secret import Secret, scrub_bytes, scrub_text
from ..transport import Response, can_decode, unreadable_coding
from ._error_bodies import Said, read_error

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


def is_success(status: int) -> bool:
    """Tell a 2xx."""
    return 200 <= status < 300  # noqa: PLR2004  # as RFC 9110, 15.3 has it


def request_id(headers: Mapping[str, str], secrets: Sequence[Secret]) -> str | None:
    """Find what the service calls this request; no header is documented, so the usual ones are looked at."""
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
    """Make the error of an answer, from the platform's error body where there is one."""
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
    return printable(scrub_text(text, secrets)[:length])


def printable(text: str) -> str:
    """Escape what a server must not write into a line: a line break, what steers a terminal, a lone surrogate."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in _JOINERS else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
