"""Pure: checks of arguments, made before any I/O. Each check returns the value that it accepts.

Options of sessions, walks and jobs raise `ConfigurationError`. What is sent to the service, its ids and its fields,
raises `RequestValidationError`, which names the field.
"""

import os
import re
import sys
from collections.abc import Collection
from typing import Any, Final, TypeGuard, cast
from urllib.parse import quote

from .errors import ConfigurationError, RequestValidationError

_UNSENDABLE: Final = r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"


def is_int(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer. A boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return is_int(value) or isinstance(value, float)


def path_text(value: object) -> str | None:
    """Return the text of a path that a file can have; ``None`` for bytes, a text with NUL, and what is no path."""
    try:
        text = cast("object", os.fspath(cast("Any", value)))
    except TypeError:
        return None
    return text if isinstance(text, str) and text and "\0" not in text else None


# What follows checks options, and raises ConfigurationError.


def check_int(name: str, value: object, least: int, most: int | None = None) -> int:
    """Accept an integer from ``least`` to ``most``.

    Raises:
        ConfigurationError: the value is no integer, or out of range.
    """
    if not is_int(value) or value < least:
        raise ConfigurationError(f"{name} must be a whole number from {least}, not {value!r}")
    if most is not None and value > most:
        # Python refuses to write the largest numbers in decimal.
        raise ConfigurationError(
            f"{name} must be a whole number from {least} to {most}, not one of {value.bit_length()} bits"
        )
    return value


def check_seconds(name: str, value: object) -> float:
    """Accept a finite number of seconds from 0.

    Raises:
        ConfigurationError: the value is none.
    """
    # Compared with the largest float, so that NaN, infinity and an integer that no clock can add all fail.
    if not _is_number(value) or not 0 <= value <= sys.float_info.max:
        raise ConfigurationError(f"{name} must be a number of seconds from 0, not {value!r}")
    return value


def check_positive(name: str, value: object) -> float:
    """Accept a finite number above 0.

    Raises:
        ConfigurationError: the value is none.
    """
    if not _is_number(value) or not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{name} must be a positive number, not {value!r}")
    return value


def check_bool(name: str, value: object) -> bool:
    """Accept a boolean.

    Raises:
        ConfigurationError: the value is none.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {value!r}")
    return value


def check_choice(name: str, value: object, choices: Collection[str | None]) -> None:
    """Accept one of at least two choices.

    Raises:
        ConfigurationError: the value is none of them.
    """
    if value not in choices:
        *others, last = ("None" if choice is None else f'"{choice}"' for choice in choices)
        raise ConfigurationError(f"{name} must be {', '.join(others)} or {last}, not {value!r}")


# What follows checks what is sent to the service, and raises RequestValidationError.


def refuse_field(field: str, wanted: str, value: object) -> RequestValidationError:
    """Return the error for a field that is not what it must be."""
    return RequestValidationError(f"{field} must be {wanted}, not {value!r}", field=field)


def path_segment(field: str, value: object) -> str:
    """Encode an opaque id as exactly one path segment.

    Raises:
        RequestValidationError: no path can name it: it is empty, ``.`` or ``..`` (servers and proxies resolve these,
            encoded or not), or holds a control character or a lone surrogate.
    """
    return quote(check_opaque_id(field, value, but=(".", "..")), safe="")


def check_opaque_id(field: str, value: object, *, but: Collection[str] = ()) -> str:
    """Accept an opaque id, except for some.

    Raises:
        RequestValidationError: it is one of those, is empty, or holds a control character or a lone surrogate.
    """
    if is_opaque_id(value) and value not in but:
        return value
    other = f" other than {' and '.join(map(repr, but))}" if but else ""
    raise refuse_field(field, f"a non-empty string{other}, without control characters and lone surrogates", value)


def is_opaque_id(value: object) -> TypeGuard[str]:
    """Return whether a value can be an id that the service has given."""
    return isinstance(value, str) and value != "" and not re.search(_UNSENDABLE, value)


def check_text(field: str, value: object) -> str:
    """Accept a string that UTF-8 can carry.

    Raises:
        RequestValidationError: the value is none.
    """
    if not isinstance(value, str):
        raise refuse_field(field, "a string", value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refuse_field(field, "text without lone surrogates", value) from error
    return value


def check_nonblank(field: str, value: object) -> str:
    """Accept a non-blank string that UTF-8 can carry.

    Raises:
        RequestValidationError: the value is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise refuse_field(field, "a non-blank string", value)
    return check_text(field, value)


def check_flag(field: str, value: object) -> bool:
    """Accept true or false, and nothing that only looks like it.

    Raises:
        RequestValidationError: the value is neither.
    """
    if not isinstance(value, bool):
        raise refuse_field(field, "True or False", value)
    return value


def check_brief_id(value: object) -> int:
    """Accept the integer that a brief is named by.

    Raises:
        RequestValidationError: the value is none.
    """
    if not is_int(value):
        raise refuse_field("brief_id", "an integer", value)
    return value


def check_body(value: object, wanted: type) -> None:
    """Accept a request body of the operation's type.

    Raises:
        RequestValidationError: it is something else.
    """
    if not isinstance(value, wanted):
        raise RequestValidationError(
            f"this operation takes a {wanted.__name__}, not a {type(value).__name__}", field="sku"
        )
