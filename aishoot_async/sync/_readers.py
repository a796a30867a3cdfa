"""A catalog as CSV: with comma, semicolon, tab or bar, as its first line says, or told from the heading."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ._rows import Complain, Heading, Stated, fields_of, miss
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
        said = _SAID.fullmatch(start[-1])
        if said is not None:
            start[-1] = "\n"  # so that lines count on
            start.append(file.readline())
        # Each of several files that were put one behind the other may have brought its own mark.
        lines = (line.lstrip("\ufeff") for line in itertools.chain(start, file))
        delimiter = said["delimiter"] if said is not None else _delimiter(start[-1].lstrip("\ufeff"))
        records = _records(lines, delimiter, complain)
        for line, names in records:
            fields = fields_of([name.strip() for name in names], line, complain)
            if fields is not None and not miss(fields, line, complain, "the column "):
                # A heading of "key, name" says that the blanks between the cells are none of theirs.
                is_padded = any(name != name.strip() for name in names)
                yield from _rows(records, Heading(fields, line, "line", complain), is_padded=is_padded)
            return
        complain(None, None, "it has no heading")


def _rows(records: Iterable[tuple[int, list[str]]], heading: Heading, *, is_padded: bool) -> Iterator[Stated]:
    width, complain = len(heading.fields), heading.complain
    for line, given in records:
        cells = [cell.strip() for cell in given] if is_padded else given
        while len(cells) > width and is_blank(cells[-1]):
            cells.pop()
        if len(cells) != width:
            complain(line, None, f"the row has {_counted(len(cells))}, and the heading {width}")
            continue
        stated = {field: cell for field, cell in heading.pair(line, cells).items() if cell}
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
