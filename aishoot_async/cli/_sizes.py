"""Amounts of bytes as people write them."""

import re
from collections.abc import Sequence
from typing import Any, Final

from cyclopts import Token

_SIZE: Final = re.compile(r"(\d{1,15})\s*(?:([KMGT])(?:i?B)?|B)?", re.ASCII | re.IGNORECASE)
_POWERS: Final = {None: 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(_kind: Any, tokens: Sequence[Token]) -> int:
    """Read a number of bytes, or one such as ``256M`` or ``1 GiB``: each step is 1024.

    Raises:
        ValueError: it is none, or 0.
    """
    text = tokens[0].value
    found = _SIZE.fullmatch(text.strip())
    size = 0 if found is None else int(found[1]) * 1024 ** _POWERS[found[2] and found[2].upper()]
    if size < 1:
        msg = f'"{text}" is no size such as 256M or 1G'
        raise ValueError(msg)
    return size
