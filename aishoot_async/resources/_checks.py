"""Pure: what a caller hands to an operation, checked before any I/O, and an id's way into a path."""

import re
from typing import Final
from urllib.parse import quote

from ..errors import RequestValidationError

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def path_segment(field: str, value: object) -> str:
    """Encode an opaque id as exactly one path segment.

    Raises:
        RequestValidationError: no path can name it: it is empty, ``.`` or ``..`` (servers and proxies resolve these,
            encoded or not), or holds a control character or a lone surrogate.
    """
    if value in {".", ".."} or not _is_opaque(value):
        msg = f"{field} must be a non-empty string other than '.' and '..', without control characters, not {value!r}"
        raise RequestValidationError(msg, field=field)
    return quote(utf8_text(field, value), safe="")


def opaque(field: str, value: object) -> str:
    """Accept an opaque id that stands in a query.

    Raises:
        RequestValidationError: it is empty, or holds a control character or a lone surrogate.
    """
    if not _is_opaque(value):
        msg = f"{field} must be a non-empty string without control characters, not {value!r}"
        raise RequestValidationError(msg, field=field)
    return utf8_text(field, value)


def _is_opaque(value: object) -> bool:
    return isinstance(value, str) and value != "" and not _CONTROLS.search(value)


def utf8_text(field: str, value: object) -> str:
    """Accept a string that UTF-8 can carry.

    Raises:
        RequestValidationError: it is none.
    """
    if not isinstance(value, str):
        msg = f"{field} must be a string, not {value!r}"
        raise RequestValidationError(msg, field=field)
    try:
        value.encode()
    except UnicodeEncodeError:
        msg = f"{field} must be text without lone surrogates, not {value!r}"
    else:
        return value
    raise RequestValidationError(msg, field=field)


def check_integer(field: str, value: object) -> None:
    """Accept an integer; a boolean is none.

    Raises:
        RequestValidationError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{field} must be an integer, not {value!r}"
        raise RequestValidationError(msg, field=field)


def check_body(value: object, wanted: type) -> None:
    """Accept a request body of the operation's type.

    Raises:
        RequestValidationError: it is something else.
    """
    if not isinstance(value, wanted):
        msg = f"this operation takes a {wanted.__name__}, not a {type(value).__name__}"
        raise RequestValidationError(msg, field="sku")
