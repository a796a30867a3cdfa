"""Pure: a file of JSON that somebody may have edited: its objects are taken apart member by member.

What cannot be right is named by its place.
"""

import difflib
import json
import math
import reprlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar, cast

from ..models import WIRE_NAMES

T = TypeVar("T")

_FIELD_OF: Final = {wire: field for field, wire in WIRE_NAMES.items()}


class ProblemError(Exception):
    """Something of a file that cannot be right: a sentence."""


def parse_json(text: bytes) -> Any:
    """Read JSON; a member that is there twice, and a number that cannot be written again, are problems."""
    try:
        return json.loads(
            text, object_pairs_hook=_object_of, parse_constant=_refuse_constant, parse_float=_finite_number
        )
    except RecursionError as error:
        raise ProblemError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ProblemError("it is not UTF-8") from error
    except ValueError as error:
        raise ProblemError(f"it cannot be read as JSON ({error})") from error


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ProblemError(f"an object of it has the member {shorten(twice)} twice{_key_of(members)}")
    return members


def _key_of(members: Mapping[str, Any]) -> str:
    return f" (key {shorten(members['key'])})" if "key" in members else ""


def _refuse_constant(text: str) -> Any:
    raise ProblemError(f"{text} is no number of JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ProblemError(f"the number {reprlib.repr(text)} is too large")
    return number


def shorten(value: object) -> str:
    """Show a value in a sentence, however large it is."""
    return reprlib.repr(value)


class Members:
    """The members of an object, taken one after the other; what is left in the end is unknown."""

    def __init__(self, value: object, where: str, known: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise ProblemError(f"{where} must be an object, not {shorten(value)}")
        self.where = where
        self._values = cast("dict[str, Any]", value)
        for name in self._values:
            if name not in known:
                raise ProblemError(f"{where} has the unknown member {shorten(name)}{_meant(name, known)}")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str, check: Callable[[object], T | None], what: str) -> T:
        """Return a member that has to be there; ``check`` returns ``None`` for a value that cannot be right."""
        if name not in self._values:
            raise ProblemError(f"{self.where} lacks {name}, which is {what}")
        found = check(self._values[name])
        if found is None:
            raise ProblemError(f"{name} of {self.where} must be {what}, not {shorten(self._values[name])}")
        return found

    def take_if(self, name: str, check: Callable[[object], T | None], what: str) -> T | None:
        """Return a member that may be left out, or be null."""
        return None if self._values.get(name) is None else self.take(name, check, what)


def _meant(name: str, known: Collection[str]) -> str:
    field = _FIELD_OF.get(name)
    close = [field] if field in known else difflib.get_close_matches(name[:100], known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def text(value: object) -> str | None:
    """Accept what can be stored and sent."""
    if not isinstance(value, str) or "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        return None
    return value


def path_text(value: object) -> str | None:
    """Accept the path of a file; bytes of a name that are no UTF-8 are lone surrogates."""
    return value if isinstance(value, str) and value and "\0" not in value else None


def filled_text(value: object) -> str | None:
    return text(value) or None


def count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def line_number(value: object) -> int | None:
    return count(value) or None


def whole_number(value: object) -> int | None:
    return value if type(value) is int else None


def text_list(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    texts = tuple(map(text, cast("list[object]", value)))
    return cast("tuple[str, ...]", texts) if None not in texts else None


def any_list(value: object) -> list[Any] | None:
    return cast("list[Any]", value) if isinstance(value, list) else None


def any_object(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


TEXT: Final = "text without NUL and lone surrogates"
FILLED_TEXT: Final = f"{TEXT}, and not empty"
COUNT: Final = "a whole number from 0"
TEXT_LIST: Final = "a list of texts"
PATH: Final = "the path of a file"
