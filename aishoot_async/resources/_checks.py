"""Pure: what a caller hands to an operation, checked before any I/O, and an id's way into a path."""

import re
from collections.abc import Collection
from typing import Final, TypeGuard
from urllib.parse import quote

from ..errors import RequestValidationError

_UNSENDABLE: Final = r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"


def path_segment(field: str, value: object) -> str:
    """Encode an opaque id as exactly one path segment.

    Raises:
        RequestValidationError: no path can name it: it is empty, ``.`` or ``..`` (servers and proxies resolve these,
            encoded or not), or holds a control character or a lone surrogate.
    """
    return quote(opaque_id(field, value, but=(".", "..")), safe="")


def opaque_id(field: str, value: object, *, but: Collection[str] = ()) -> str:
    """Accept an opaque id, except for some.

    Raises:
        RequestValidationError: it is one of those, is empty, or holds a control character or a lone surrogate.
    """
    if is_opaque_id(value) and value not in but:
        return value
    other = "".join(f" other than {refused!r}" for refused in but)
    msg = f"{field} must be a non-empty string{other}, without control characters and lone surrogates, not {value!r}"
    raise RequestValidationError(msg, field=field)


def is_opaque_id(value: object) -> TypeGuard[str]:
    """Tell whether a value can be an id that the service has given."""
    return isinstance(value, str) and value != "" and not re.search(_UNSENDABLE, value)


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
    except UnicodeEncodeError as error:
        msg = f"{field} must be text without lone surrogates, not {value!r}"
        raise RequestValidationError(msg, field=field) from error
    return value


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
