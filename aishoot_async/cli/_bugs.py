"""An error that nobody has thought of: it is ours, and is shown whole, but for tokens."""

import os
import platform
import re
import traceback
from collections.abc import Sequence
from typing import Final

from aishoot_async._version import __version__

from ._failures import FAILED
from ._talk import Talk

_TOKENS: Final = ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN")
# A token that came from elsewhere: as a header shows it, or in the form of a JSON Web Token.
_LOOKS_LIKE_ONE: Final = re.compile(r"(?<=Bearer )[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_MASK: Final = "[token]"


def confess(arguments: Sequence[str]) -> int:
    """Report the error that is being handled; give the exit code."""
    Talk.named_in(arguments).trace(
        "this is a bug in aishoot-async; please report it with the lines below",
        _without_tokens(traceback.format_exc()),
        version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
    )
    return FAILED


def _without_tokens(text: str) -> str:
    for name in _TOKENS:
        if os.environ.get(name):
            text = text.replace(os.environ[name], _MASK)
    return _LOOKS_LIKE_ONE.sub(_MASK, text)
