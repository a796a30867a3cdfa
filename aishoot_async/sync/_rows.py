"""A row of a catalog, whatever file it comes from: what its columns are called, and what their values mean."""

import difflib
import os
import re
import reprlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import attrs

from .. import jsontext
from ..errors import RequestValidationError, UnexpectedResponseError
from ..models import WIRE_NAMES, SkuCreate
from ._catalog import CatalogItem
from ._images import SUFFIXES
from ._keys import clean_key
from ._structure import cell_problem, column_of, heading_problem, is_blank, is_heading, is_unnamed, row_problem

_SPELLINGS: Final = ("key", *WIRE_NAMES.values(), *WIRE_NAMES)
_LONGEST: Final = 100  # characters of a name that are looked at to tell which one is meant
_NEEDED: Final = {"key": "key", "name": "name", "front_image": "frontImage"}
_PICTURES: Final = ("front_image", "back_image")
_SUFFIXES: Final = tuple(SUFFIXES)
_SEPARATORS: Final = frozenset({"/", os.sep, os.altsep or os.sep})
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE: Final = re.compile(r"\s*\d{1,100}\s*", re.ASCII)
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

ParsedRow = tuple[int, dict[str, Any]]
"""The number of a row, and the values that it states, by field."""


class ProblemSink(Protocol):
    """Collects what is wrong with a catalog file."""

    def __call__(self, line: int | None, field: str | None, problem: str, key: str | None = None, /) -> object:
        """Add a problem: its line, field and key, if it has any, and a sentence."""
        ...


def fields_of(
    names: Iterable[str], line: int | None, report: ProblemSink, reported: set[str] | None = None
) -> list[str] | None:
    """Return the field that each name means; an empty text for a column without a name.

    Args:
        names: the headings, or the members of an object.
        line: their line.
        report: receives each name that is no column, or is there twice.
        reported: names that were reported before, and are not reported again; new ones are added.

    Returns:
        The fields; ``None`` if a name was wrong.
    """
    found: dict[str, str] = {}
    fields: list[str] = []
    reported = set() if reported is None else reported
    sound = True
    for name in names:
        field = "" if is_unnamed(name) else column_of(name)
        problem = None
        if field is None:
            problem = heading_problem(name) or f"{name!r} is no column of a catalog{_meant(name)}"
        elif field in found:
            spelled = "" if found[field] == name else f": as {found[field]!r} and {name!r}"
            problem = f"{field} is there twice{spelled}"
        elif field:
            found[field] = name
        if problem is not None:
            sound = False
            if name not in reported:
                report(line, field or name, problem)
            reported.add(name)
        fields.append(field or "")
    return fields if sound else None


@attrs.frozen
class Heading:
    """The columns of a table.

    Attributes:
        fields: the field of each column; an empty text if it has no name.
        line: the line of the headings.
        unit: what a row's number counts.
        report: receives each column without a name that holds something, once.
    """

    fields: Sequence[str]
    line: int | None
    unit: str
    report: ProblemSink
    _reported: set[int] = attrs.field(factory=set, init=False)

    def pair(self, line: int, cells: Iterable[Any]) -> dict[str, Any]:
        """Return the cells of a row by their fields."""
        paired: dict[str, Any] = {}
        for place, (field, cell) in enumerate(zip(self.fields, cells, strict=True), 1):
            if field:
                paired[field] = cell
            elif place not in self._reported and not is_blank(cell):
                self._reported.add(place)
                problem = f"column {place} has no name, and {self.unit} {line} holds {reprlib.repr(cell)} in it"
                self.report(self.line, None, problem)
        return paired


def require(fields: Collection[str], line: int | None, report: ProblemSink, what: str = "") -> bool:
    """Report the fields that every SKU needs and that are missing; return whether any is."""
    missing = [field for field in _NEEDED if field not in fields]
    for field in missing:
        report(line, field, f"{what}{_NEEDED[field]} is missing")
    return bool(missing)


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name[:_LONGEST], _SPELLINGS, n=1)
    return f". Did you mean {close[0]}?" if close else f"; there are key, {', '.join(WIRE_NAMES.values())}"


@attrs.frozen
class RowReader:
    """Makes items of rows.

    Attributes:
        folder: the catalog file's folder, to which paths of images are relative.
        report: receives each field of a row that cannot be right.
    """

    folder: Path
    report: ProblemSink
    _is_file: dict[str, bool] = attrs.field(factory=dict, init=False)  # by path; many items may share an image

    def item(self, line: int, stated: Mapping[str, Any]) -> CatalogItem | None:
        """Make an item of what a row states; text is read as a cell of a table is.

        Returns:
            The item; ``None`` if a problem was reported, if the row is blank, or if it repeats the heading, as
            concatenated files do.
        """
        if all(map(is_blank, stated.values())) or is_heading(stated):
            return None
        problem = row_problem(stated)
        if problem is not None:
            self.report(line, None, problem)
            return None
        values: dict[str, Any] = {field: self._value(field, value) for field, value in stated.items()}
        problems = [*_key_problems(values), *_cell_problems(values)]
        wrong = {field for field, _ in problems}
        problems += [found for found in self._picture_problems(values) if found[0] not in wrong]
        key = values.pop("key", None)
        named = key if isinstance(key, str) else None
        for field, problem in problems:
            self.report(line, field, problem, named)
        if not (require(stated, line, self.report) or problems):
            try:
                return CatalogItem(key, SkuCreate(**values), line=line)
            except RequestValidationError:
                pass
        for field, problem in _field_problems(values):
            self.report(line, field, problem, named)
        return None

    def _value(self, field: str, value: Any) -> Any:
        """Read a cell; one that cannot be read stays text, which `SkuCreate` refuses."""
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
                if path not in self._is_file:
                    self._is_file[path] = os.path.isfile(path)  # noqa: PTH113  # fast
                if not self._is_file[path]:
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
    """Yield every field that `SkuCreate` refuses, not only the first."""
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
