"""Readers of catalog files, one a file format: each yields rows, and reports what is wrong with the file."""

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import attrs

from .. import jsontext
from ..errors import CatalogError, ConfigurationError, UnexpectedResponseError
from ._rows import Heading, ParsedRow, ProblemSink, fields_of, require
from ._structure import column_of, is_blank

_DELIMITERS: Final = ",;\t|"
_LONGEST: Final = 10_000  # characters of a heading that are looked at to tell its delimiter
# A byte order mark of UTF-16, as it is read here.
_UTF_16: Final = ("\udcff\udcfe", "\udcfe\udcff")
# How Excel says what cuts its cells; saved again, that line has as many cells as the others.
_SAID: Final = re.compile(r'\ufeff*"?sep=(?P<delimiter>[!#-/:-@\[-`{-~\t])"?[,;\t]*\s*', re.IGNORECASE)
_SENTENCES: Final = {
    "unexpected end of data": "a quote is opened in the row that begins here, and never closed: is the file cut off?",
    "',' expected after '\"'": "a quote is closed in the middle of a cell; a quote inside of quotes is doubled",
}
_BOM: Final = b"\xef\xbb\xbf"
_ROWS_AT_ONCE: Final = 4096


def csv_rows(path: Path, report: ProblemSink) -> Iterator[ParsedRow]:
    """Read CSV in UTF-8, with or without a byte order mark; an empty cell states nothing."""
    # What is no UTF-8 becomes what no text may hold, so that its row can be named.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = [file.readline()]
        while start[-1].isspace():
            start.append(file.readline())
        if not start[-1]:
            report(None, None, "it is empty: a catalog has at least a heading")
            return
        if start[-1].startswith(_UTF_16):
            report(None, None, "it is UTF-16: save it as UTF-8")
            return
        said = _SAID.fullmatch(start[-1])
        if said is not None:
            start[-1] = "\n"  # so that lines count on
            start.append(file.readline())
        # Each of several files that were put one behind the other may have brought its own mark.
        lines = (line.lstrip("\ufeff") for line in itertools.chain(start, file))
        delimiter = said["delimiter"] if said is not None else _delimiter(start[-1].lstrip("\ufeff"))
        records = _csv_records(lines, delimiter, report)
        for line, names in records:
            fields = fields_of([name.strip() for name in names], line, report)
            if fields is not None and not require(fields, line, report, "the column "):
                # A heading of "key, name" says that the blanks between the cells are none of theirs.
                is_padded = any(name != name.strip() for name in names)
                yield from _csv_items(records, Heading(fields, line, "line", report), is_padded=is_padded)
            return
        report(None, None, "it has no heading")


def _csv_items(records: Iterable[tuple[int, list[str]]], heading: Heading, *, is_padded: bool) -> Iterator[ParsedRow]:
    width, report = len(heading.fields), heading.report
    for line, given in records:
        cells = [cell.strip() for cell in given] if is_padded else given
        while len(cells) > width and is_blank(cells[-1]):
            cells.pop()
        if len(cells) != width:
            report(line, None, f"the row has {_counted(len(cells))}, and the heading {width}")
            continue
        stated = {field: cell for field, cell in heading.pair(line, cells).items() if cell}
        foreign = [field for field, cell in stated.items() if not _is_text(cell)]
        for field in foreign:
            report(line, field, f"{field} is not UTF-8")
        if not foreign:
            yield line, stated


def _csv_records(lines: Iterable[str], delimiter: str, report: ProblemSink) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, and the line that it begins in."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report(line, None, _SENTENCES.get(str(error), f"the row cannot be read: {error}"))
        else:
            if not all(map(is_blank, cells)):
                yield line, cells


def _delimiter(heading: str) -> str:
    """Choose what cuts the heading into the most columns of a catalog, or at least into the most."""

    def cut(delimiter: str) -> tuple[int, int]:
        names: list[str] = next(csv.reader([heading[:_LONGEST]], delimiter=delimiter))
        return sum(column_of(name) is not None for name in names), len(names)

    return max(_DELIMITERS, key=cut)


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _counted(cells: int) -> str:
    return f"{cells} cell{'' if cells == 1 else 's'}"


def json_rows(path: Path, report: ProblemSink) -> Iterator[ParsedRow]:
    """Read JSON Lines in UTF-8; ``null`` states that there is nothing. Blank lines are skipped."""
    empty = True
    reported: set[str] = set()
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            row = text.removeprefix(_BOM)
            if row.strip():
                empty = False
                stated = _json_fields(row, line, report, reported)
                if stated is not None:
                    yield line, stated
    if empty:
        report(None, None, "it is empty")


def _json_fields(row: bytes, line: int, report: ProblemSink, reported: set[str]) -> dict[str, Any] | None:
    try:
        members = jsontext.members(row)
        values = {name: jsontext.value(text) for name, text in members.items()}
    except UnexpectedResponseError as error:
        report(line, error.keys[0] if error.keys else None, str(error))
        return None
    fields = fields_of(members, line, report, reported)
    if fields is None:
        return None
    stated = Heading(fields, line, "line", report).pair(line, values.values())
    if type(stated.get("key")) is int:
        stated["key"] = list(members.values())[fields.index("key")].decode().strip()  # digit for digit
    return stated


def parquet_rows(path: Path, report: ProblemSink) -> Iterator[ParsedRow]:
    """Read Parquet; null and empty text state nothing."""
    pa, pq = import_pyarrow()
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            fields = fields_of(file.schema_arrow.names, None, report)
            if fields is None or require(fields, None, report, "the column "):
                return
            heading = Heading(fields, None, "row", report)
            number = 0
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                for cells in zip(*(_column_values(column, pa) for column in batch.columns), strict=True):
                    number += 1
                    yield number, dict(_parquet_fields(heading.pair(number, cells)))
    except pa.ArrowException as error:
        report(None, None, f"it cannot be read as Parquet; is it cut off? ({error})")


def _parquet_fields(cells: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, cell in cells.items():
        if cell is not None and cell != "":
            yield field, str(cell) if field == "key" and type(cell) is int else cell


def _column_values(column: Any, pa: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        # The bytes that are no text stay bytes, and are refused as such in their row.
        values = column.cast(pa.binary()).to_pylist()
        values = [_decoded(value) for value in values]
    return values


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def import_pyarrow() -> tuple[Any, Any]:
    """Import pyarrow and pyarrow.parquet, which are an extra and not typed.

    Raises:
        ConfigurationError: they are not installed.
    """
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        msg = "a catalog in Parquet needs pyarrow: pip install 'aishoot-async[data]'"
        raise ConfigurationError(msg) from error


@attrs.frozen
class CatalogFormat:
    """A file format of catalogs.

    Attributes:
        name: the format's name.
        unit: what a row's number counts.
        read: yields each row's number and the fields that it states.
    """

    name: str
    unit: str
    read: Callable[[Path, ProblemSink], Iterator[ParsedRow]]


_CSV: Final = CatalogFormat("csv", "line", csv_rows)
_JSON_LINES: Final = CatalogFormat("jsonl", "line", json_rows)
_PARQUET: Final = CatalogFormat("parquet", "row", parquet_rows)
FORMATS: Final[Mapping[str, CatalogFormat]] = {
    ".csv": _CSV,
    ".tsv": _CSV,
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".parquet": _PARQUET,
}
"""The readable formats, by the suffix of the file's name."""


def format_of(path: Path) -> CatalogFormat:
    """Return the format that a catalog's name says.

    Raises:
        CatalogError: it says none.
    """
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        msg = f"{path}: the name of a catalog ends in {', '.join(FORMATS)}"
        raise CatalogError(msg) from None
