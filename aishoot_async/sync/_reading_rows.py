"""A row of a catalog, whatever file it comes from: what its columns are called, and what their values mean."""

import difflib
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import attrs

from .. import jsontext
from ..errors import RequestValidationError, UnexpectedResponseError
from ..models import WIRE_NAMES, SkuCreate
from ._item import CatalogItem
from ._keys import clean_key
from ._pictures import SUFFIXES
from ._structure import cell_problem, is_heading, row_problem

COLUMNS: Final = {
    "key": "key",
    **{wire: field for field, wire in WIRE_NAMES.items()},
    **{field: field for field in WIRE_NAMES},
}
"""What a column may be called, and the field that it is."""
_NEEDED: Final = {"key": "key", "name": "name", "front_image": "frontImage"}
_PICTURES: Final = ("front_image", "back_image")
_SUFFIXES: Final = tuple(SUFFIXES)
_SEPARATORS: Final = frozenset({"/", os.sep, os.altsep or os.sep})
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE: Final = re.compile(r"\s*\d{1,100}\s*", re.ASCII)
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

Stated = tuple[int, dict[str, Any]]
"""A row: its line, and what it states by field."""


class Complain(Protocol):
    """Takes a problem."""

    def __call__(self, line: int | None, field: str | None, problem: str, key: str | None = None, /) -> object:
        """Take its line, field and key, where it has any, and a sentence."""
        ...


def fields_of(names: Iterable[str], line: int | None, complain: Complain) -> list[str] | None:
    """Give the field that each name is; ``None`` when there was something to complain of."""
    found: list[str] = []
    sound = True
    for place, name in enumerate(names, 1):
        field = COLUMNS.get(name)
        problem = None
        if not name:
            problem = f"column {place} has no name"
        elif field is None:
            problem = f"{name!r} is no column of a catalog{_meant(name)}"
        elif field in found:
            problem = f"{field} is there twice"
        if problem is not None:
            sound = False
            complain(line, field or name or None, problem)
        found.append(field or "")
    return found if sound else None


def miss(fields: Collection[str], line: int | None, complain: Complain, what: str = "") -> bool:
    """Complain of each field that every SKU needs and that is not there; say whether there is one."""
    missing = [field for field in _NEEDED if field not in fields]
    for field in missing:
        complain(line, field, f"{what}{_NEEDED[field]} is missing")
    return bool(missing)


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name, COLUMNS, n=1)
    return f". Did you mean {close[0]}?" if close else f"; there are key, {', '.join(WIRE_NAMES.values())}"


@attrs.frozen
class RowReader:
    """Makes items of rows.

    Attributes:
        folder: where the paths of pictures begin: the catalog file's own folder.
        complain: told of each field of a row that cannot be right.
    """

    folder: Path
    complain: Complain
    _there: dict[str, bool] = attrs.field(factory=dict, init=False)  # whether a picture is; asked once

    def item(self, line: int, stated: Mapping[str, Any]) -> CatalogItem | None:
        """Make an item of what a row states; text is read as a cell of a table is.

        Returns:
            The item, or ``None`` when there was something to complain of, or the row is the heading once more: files
            that were put one behind the other have one each.
        """
        if is_heading(stated):
            return None
        problem = row_problem(stated)
        if problem is not None:
            self.complain(line, None, problem)
            return None
        values: dict[str, Any] = {field: self._value(field, value) for field, value in stated.items()}
        problems = [*_key_problems(values), *_cell_problems(values)]
        wrong = {field for field, _ in problems}
        problems += [found for found in self._picture_problems(values) if found[0] not in wrong]
        key = values.pop("key", None)
        named = key if isinstance(key, str) else None
        for field, problem in problems:
            self.complain(line, field, problem, named)
        if not (miss(stated, line, self.complain) or problems):
            try:
                return CatalogItem(key, SkuCreate(**values), line=line)
            except RequestValidationError:
                pass
        for field, problem in _field_problems(values):
            self.complain(line, field, problem, named)
        return None

    def _value(self, field: str, value: Any) -> Any:
        """Read what a cell says; what cannot be read stays as it is, and is refused as that."""
        if not isinstance(value, str):
            return value
        if field in _PICTURES:
            return os.path.join(self.folder, value) if _is_path(value) else value  # noqa: PTH118  # fast
        if field == "is_in_wardrobe":
            return _FLAGS.get(value.strip().lower(), value)
        if field == "project_ids":
            return _numbers(value)
        if field == "key":
            return clean_key(value) or value
        return value if field == "name" else value.strip()

    def _picture_problems(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        for field in _PICTURES:
            path = values.get(field)
            if isinstance(path, str) and _is_path(path):
                if path not in self._there:
                    self._there[path] = os.path.isfile(path)  # noqa: PTH113  # fast
                if not self._there[path]:
                    yield field, f"{field} names a picture, and there is no file {path}"


def _is_path(value: str) -> bool:
    return not _SEPARATORS.isdisjoint(value) or value.lower().endswith(_SUFFIXES)


def _key_problems(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    key = values.get("key", "-")
    if not isinstance(key, str):
        yield "key", f"key must be text or a whole number, not {key!r}"
    elif not clean_key(key):
        yield "key", "key is blank"
    elif not key.isprintable() and any(unicodedata.category(char) in _CONTROLS for char in key):
        yield "key", f"key holds a control character: {key!r}"


def _cell_problems(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for field, value in values.items():
        problem = cell_problem(field, value)
        if problem is not None:
            yield field, problem


def _field_problems(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Name every field that is wrong, not the first alone."""
    for field, value in values.items():
        alone: dict[str, Any] = {"name": "-", "front_image": "-", field: value}
        try:
            SkuCreate(**alone)
        except RequestValidationError as error:
            yield field, str(error)


def _numbers(text: str) -> Any:
    """Read ``[1, 2]`` or ``1;2``."""
    if text.lstrip().startswith("["):
        try:
            return jsontext.value(text.encode())
        except UnexpectedResponseError:
            return text
    parts = text.split(";")
    return [int(part) for part in parts] if all(map(_WHOLE.fullmatch, parts)) else text
