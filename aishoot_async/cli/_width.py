"""How wide the output is: what the environment or the terminal says, within bounds that text can be laid out in.

Rich and cyclopts read COLUMNS and the terminal by themselves, take whatever number they find, and never end on some.
So what they would find is put right once, before either is imported.
"""

import os
from typing import Final

MIN_WIDTH: Final = 40
MAX_WIDTH: Final = 1000
_DEFAULT_WIDTH: Final = 80
_MAX_HEIGHT: Final = 1000
_STREAMS: Final = (0, 1, 2)


def settle_width() -> None:
    """Set COLUMNS where it, or the terminal, gives no usable width; a usable terminal may still change its size."""
    said = _number(os.environ.get("COLUMNS"))
    found = said or _terminal_width()
    width = min(max(found or _DEFAULT_WIDTH, MIN_WIDTH), MAX_WIDTH)
    if width != found or (said is None and "COLUMNS" in os.environ):
        os.environ["COLUMNS"] = str(width)
    if not 0 < (_number(os.environ.get("LINES")) or 0) <= _MAX_HEIGHT:
        os.environ.pop("LINES", None)


def _number(text: str | None) -> int | None:
    """Read a positive number; one of very many digits is a large one."""
    digits = (text or "").lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits[:9])


def _terminal_width() -> int | None:
    """Return the width of the first stream that is a terminal with a size, as rich does."""
    for descriptor in _STREAMS:
        try:
            if columns := os.get_terminal_size(descriptor).columns:
                return columns
        except OSError:
            continue
    return None
