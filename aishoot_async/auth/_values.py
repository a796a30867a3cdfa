"""Pure: single values as auth servers and credential files hold them."""

from typing import Final

from ..errors import ConfigurationError
from ..secret import Secret

_LAST_SECOND: Final = 16_725_225_600.0  # the beginning of the year 2500, in Unix seconds


def usable(value: object) -> Secret | None:
    """Read a token that a server or a file holds, without white space around it; ``None`` for what is none."""
    try:
        return Secret(value.strip() if isinstance(value, str) else value)
    except ConfigurationError:
        return None
    finally:
        del value  # a traceback may show this frame's variables


def seconds(value: object) -> float | None:
    """Read a number of seconds from 0, also one that is written as a string; ``None`` for anything else.

    It is a time since 1970 or how long a token lives. One that would end after the year 2500 is taken for
    milliseconds, as other clients and servers write them; if that would, too, it is no time.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if number >= _LAST_SECOND:
        number /= 1000
    return number if 0 <= number < _LAST_SECOND else None
