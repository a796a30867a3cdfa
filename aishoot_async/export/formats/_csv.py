"""CSV: columns that are named, and those that no item has: a misspelt one would be empty, and nobody told."""

import csv
import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, cast

import attrs

from ... import jsontext
from ...errors import RequestValidationError
from ...models import Page
from ._base import Encoder, Format

BOM: Final = "\ufeff"
"""The byte order mark by which Excel knows UTF-8."""
_MAX_NAMES: Final = 1000
_SUGGESTED: Final = 3


def _check_columns(columns: object) -> tuple[str, ...]:
    """Return the columns of a CSV file: paths into the JSON, such as ``model.name``.

    Raises:
        RequestValidationError: there are none, one is no path, or one is named twice.
    """
    if columns is None:
        raise RequestValidationError(
            'CSV needs columns, paths into the JSON such as "id" or "model.name"; a .jsonl file holds all of each item',
            field="columns",
        )
    given = cast("Sequence[Any]", columns if isinstance(columns, list | tuple) else ())
    named = tuple(given)
    if not named or not all(isinstance(path, str) and all(path.split(".")) for path in named):
        raise RequestValidationError(f"columns must be paths such as model.name, not {columns!r}", field="columns")
    if len(set(named)) < len(named):
        raise RequestValidationError("a column is named twice", field="columns")
    return named


class ColumnWatch:
    """Looks at items until each column has been in one of them. Threads may share one."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Look for columns: paths into the JSON, such as ``model.name``."""
        self._unseen = {column: column.split(".") for column in columns}
        # By columns: which name of the path was missing, and what stood beside it.
        self._missing: dict[str, tuple[str, set[str]]] = {}
        self._looked_at = 0

    def look(self, items: Sequence[bytes]) -> None:
        """Look at items for the columns that have been in none so far."""
        self._looked_at += len(items)
        for item in items:
            if not self._unseen:
                return
            for column, path in list(self._unseen.items()):
                if self._is_in(item, column, path):
                    self._unseen.pop(column, None)

    def _is_in(self, item: bytes, column: str, path: Sequence[str]) -> bool:
        for name in path:
            if jsontext.kind(item) != "an object":
                return False
            members = jsontext.members(item)
            if name not in members:
                _, beside = self._missing.setdefault(column, (name, set()))
                if len(beside) < _MAX_NAMES:
                    beside.update(members)
                return False
            item = members[name]
        return True

    def problems(self) -> list[str]:
        """Return a sentence for each column that was in none of the items; none where there was no item."""
        return [self._problem(column) for column in self._unseen] if self._looked_at else []

    def _problem(self, column: str) -> str:
        said = f"column {column} is in none of the items that were read ({self._looked_at:,}), and empty in every row"
        return f"{said}{_suggestion(*self._missing.get(column, (column, set[str]())))}"


def _suggestion(wanted: str, found: set[str]) -> str:
    """Name those that differ in a few letters, or only in case and underscores."""
    by_letters = {_letters(name): name for name in sorted(found)}
    close = difflib.get_close_matches(_letters(wanted), by_letters, n=_SUGGESTED)
    return f". Did you mean {' or '.join(by_letters[letters] for letters in close)}?" if close else ""


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


@attrs.frozen(kw_only=True)
class Csv(Format):
    """CSV, which shows a part of each item."""

    name: ClassVar[str] = "csv"
    splittable: ClassVar[bool] = True
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "columns": "columns are for CSV; {other} holds all of each item",
            "bom": "bom is for CSV; {other} has no byte order mark",
        }
    )

    columns: tuple[str, ...] = attrs.field(default=None, converter=_check_columns)
    bom: bool = False
    watch: ColumnWatch = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(lambda self: ColumnWatch(self.columns), takes_self=True)
    )

    def encoder(self, brief_id: int | None) -> Encoder:  # noqa: ARG002
        return _CsvEncoder(self)

    def recorded_columns(self) -> Sequence[str]:
        """Return the columns; the first begins with the byte order mark where files do."""
        first, *others = self.columns
        return [f"{BOM if self.bom else ''}{first}", *others]

    def warnings(self) -> Sequence[str]:
        """Return a sentence for each column that was in none of the items."""
        return self.watch.problems()


class _CsvEncoder:
    """CSV as RFC 4180 has it: a projection. Strings come as text, all else as its JSON; null and missing are empty."""

    def __init__(self, csv_format: "Csv") -> None:
        self._format = csv_format
        self._paths = [column.split(".") for column in csv_format.columns]

    def begin(self) -> bytes:
        return (BOM if self._format.bom else "").encode() + self._rows([self._format.columns])

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        for page in pages:
            self._format.watch.look(page.raw)
        yield self._rows([[_cell(item, path) for path in self._paths] for page in pages for item in page.raw])

    def end(self, *, empty: bool) -> bytes:  # noqa: ARG002
        return b""

    @staticmethod
    def _rows(rows: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()


def _cell(item: bytes, path: Sequence[str]) -> str:
    for name in path:
        if jsontext.kind(item) != "an object":
            return ""
        item = jsontext.members(item).get(name, b"null")
    match jsontext.kind(item):
        case "a string":
            return str(jsontext.value(item))
        case "null":
            return ""
        case _:
            return jsontext.compact(item).decode()
