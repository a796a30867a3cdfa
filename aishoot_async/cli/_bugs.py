"""An error that nobody has thought of: it is ours, and is shown whole, but for tokens."""

import os
import platform
import re
import traceback
from collections.abc import Sequence
from typing import Final

from aishoot_async._version import __version__
from aishoot_async.secret import SHORTEST_TOKEN

from ._failures import FAILED
from ._talk import Talk

_TOKENS: Final = ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN")
# A token that came from elsewhere: as a header shows it, or in the form of a JSON Web Token, which has three parts.
_IN_HEADER: Final = re.compile(r"(?<=Bearer )[\w.~+/=-]+")
_DOTTED: Final = re.compile(r"[\w.-]++")
_WEB_TOKEN: Final = re.compile(r"\beyJ")
_PARTS: Final = 3
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
        token = os.environ.get(name, "")
        if len(token) >= SHORTEST_TOKEN:
            text = text.replace(token, _MASK)
    return _DOTTED.sub(_without_web_token, _IN_HEADER.sub(_MASK, text))


def _without_web_token(found: re.Match[str]) -> str:
    word = found[0]
    begins = _WEB_TOKEN.search(word)
    # Told from the first to the last of its dots: to try each place where one may begin takes too long in a long word.
    if begins is None or word.count(".", begins.start()) < _PARTS - 1:
        return word
    return word[: begins.start()] + _MASK
