"""What is read from files and stdin: JSON objects, and ids one a line."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, cast

from aishoot_async import RequestValidationError

from ._streams import read_all

STDIN: Final = "-"
_WHOLE: Final = re.compile(r"[+-]?\d{1,30}", re.ASCII)


def read_object(place: Path) -> dict[str, Any]:
    """Read a JSON object from a file, or from stdin for ``-``; a byte order mark and UTF-16 are read too.

    Raises:
        RequestValidationError: it cannot be read, is no JSON object, or names a member more than once.
    """
    text = _read(place)
    try:
        found: Any = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        raise _refusal(f"{_named(place)} holds no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _refusal(f"{_named(place)} must hold a JSON object")
    return cast("dict[str, Any]", found)


def read_ids(given: Sequence[str], *, stdin: bool) -> list[str]:
    """Give the ids that are named, each once, and then those that stdin holds, one a line.

    Raises:
        RequestValidationError: there is none, or stdin cannot be read.
    """
    named = list(given)
    if stdin:
        # Bytes that are no UTF-8 become what no id may hold, and are refused as such.
        text = _read(Path(STDIN)).decode("utf-8-sig", "surrogateescape")
        named += [line for line in (line.removesuffix("\r") for line in text.split("\n")) if line]
    if not named:
        msg = "name at least one id"
        raise RequestValidationError(msg, field="ids")
    return list(dict.fromkeys(named))


def read_numbers(place: Path) -> list[int]:
    """Read whole numbers, one a line, from a file, or from stdin for ``-``; blank lines are passed over.

    Raises:
        RequestValidationError: it cannot be read, or a line is no number.
    """
    numbers: list[int] = []
    for at, line in enumerate(_read(place).decode("utf-8-sig", "surrogateescape").splitlines(), 1):
        text = line.strip()
        if text and not _WHOLE.fullmatch(text):
            msg = f"{_named(place)}, line {at}: {text!r} is no whole number"
            raise RequestValidationError(msg, field="briefs_from")
        numbers += [int(text)] if text else []
    return numbers


def _read(place: Path) -> bytes:
    try:
        return read_all() if str(place) == STDIN else place.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _refusal(f"cannot read {_named(place)}: {getattr(error, 'strerror', None) or error}") from error


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is no number in JSON"
    raise ValueError(msg)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            msg = f"it names {name} {times} times"
            raise ValueError(msg)
    return dict(pairs)


def _refusal(problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field="body")


def _named(place: Path) -> str:
    return "stdin" if str(place) == STDIN else str(place)
