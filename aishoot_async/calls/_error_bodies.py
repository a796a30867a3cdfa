"""Pure: what the body of an error says, in the forms that services, gateways and frameworks write.

the platform's, Spring's             {"error": "Bad Request", "message": "...", "timestamp": "..."}
OAuth's                              {"error": "invalid_grant", "error_description": "..."}
RFC 9457 (problem+json)              {"type": "...", "title": "Bad Request", "detail": "...", "status": 400}
an object in the error's place       {"error": {"code": "...", "message": "..."}}
a list, of objects or texts          {"errors": [{"title": "...", "detail": "..."}]}, {"message": ["...", "..."]}
by field                             {"errors": {"name": ["..."]}}
text                                 "..." as JSON, or plain
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import attrs

from .. import jsontext
from ..errors import UnexpectedResponseError

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
