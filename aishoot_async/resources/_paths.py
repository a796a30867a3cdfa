"""Pure: an id's way into a path, and no further."""

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
    if not isinstance(value, str) or value in {"", ".", ".."} or _CONTROLS.search(value):
        msg = f"{field} must be a non-empty string other than '.' and '..', without control characters, not {value!r}"
        raise RequestValidationError(msg, field=field)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        msg = f"{field} must be text without lone surrogates, not {value!r}"
    raise RequestValidationError(msg, field=field)
