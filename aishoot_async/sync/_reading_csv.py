"""A catalog as CSV: with comma, semicolon or tab, told from the heading."""

import csv
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ._reading_rows import COLUMNS, Complain, Stated, fields_of, miss

_DELIMITERS: Final = ",;\t"
_LONGEST: Final = 10_000  # characters of a heading that are looked at to tell its delimiter
# A byte order mark of UTF-16, as it is read here.
_UTF_16: Final = ("\udcff\udcfe", "\udcfe\udcff")
_SENTENCES: Final = {
    "unexpected end of data": "a quote is opened in the row that begins here, and never closed: is the file cut off?",
    "',' expected after '\"'": "a quote is closed in the middle of a cell; a quote inside of quotes is doubled",
}


def csv_rows(path: Path, complain: Complain) -> Iterator[Stated]:
    """Give each row's line and what it states; an empty cell states nothing.

    Args:
        path: the file; UTF-8, with or without a byte order mark.
        complain: told of each problem.
    """
    # What is no UTF-8 becomes what no text may hold, so that its row can be named.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = [file.readline()]
        while start[-1].isspace():
            start.append(file.readline())
        if not start[-1]:
            complain(None, None, "it is empty: a catalog has at least a heading")
            return
        if start[-1].startswith(_UTF_16):
            complain(None, None, "it is UTF-16: save it as UTF-8")
            return
        # Each of several files that were put one behind the other may have brought its own mark.
        lines = (line.lstrip("\ufeff") for line in itertools.chain(start, file))
        records = _records(lines, _delimiter(start[-1].lstrip("\ufeff")), complain)
        for line, heading in records:
            fields = fields_of([name.strip() for name in heading], line, complain)
            if fields is not None and not miss(fields, line, complain, "the column "):
                # A heading of "key, name" says that the blanks between the cells are none of theirs.
                is_padded = any(name != name.strip() for name in heading)
                yield from _rows(records, fields, complain, is_padded=is_padded)
            return


def _rows(
    records: Iterable[tuple[int, list[str]]], fields: list[str], complain: Complain, *, is_padded: bool
) -> Iterator[Stated]:
    for line, given in records:
        cells = [cell.strip() for cell in given] if is_padded else given
        if len(cells) != len(fields):
            complain(line, None, f"the row has {_counted(len(cells))}, and the heading {len(fields)}")
            continue
        stated = {field: cell for field, cell in zip(fields, cells, strict=True) if cell}
        foreign = [field for field, cell in stated.items() if not _is_text(cell)]
        for field in foreign:
            complain(line, field, f"{field} is not UTF-8")
        if not foreign:
            yield line, stated


def _records(lines: Iterable[str], delimiter: str, complain: Complain) -> Iterator[tuple[int, list[str]]]:
    """Give each record that is not blank, and the line that it begins in."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            complain(line, None, _SENTENCES.get(str(error), f"the row cannot be read: {error}"))
        else:
            if len(cells) > 1 or "".join(cells).strip():
                yield line, cells


def _delimiter(heading: str) -> str:
    """Choose what cuts the heading into the most columns of a catalog, or at least into the most."""

    def cut(delimiter: str) -> tuple[int, int]:
        names: list[str] = next(csv.reader([heading[:_LONGEST]], delimiter=delimiter))
        return sum(name.strip() in COLUMNS for name in names), len(names)

    return max(_DELIMITERS, key=cut)


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _counted(cells: int) -> str:
    return f"{cells} cell{'' if cells == 1 else 's'}"
