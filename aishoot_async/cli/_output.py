"""Data on stdout: a table for people, tab-separated lines for pipes, a JSON object a line for programs."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from shutil import get_terminal_size
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.table import Table

from aishoot_async import Pager
from aishoot_async.export import lines

from ._console import Console
from ._errors import DONE, FAILED
from ._signals import Stopped
from ._streams import OutputError
from ._text import printable

_MAX_COLUMNS: Final = 7
_SAMPLE_SIZE: Final = 50
_MAX_CELL_WIDTH: Final = 40
GAP: Final = 2
_MIN_CELL_WIDTH: Final = 16  # so much of a cell says what it is


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print a table to a terminal, or tab-separated lines with a heading to a pipe."""
    heading = [printable(column) for column in columns]
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    if not heading:
        return
    if sys.stdout.isatty():
        _print_table(heading, cells)
    else:
        sys.stdout.writelines("\t".join(line) + "\n" for line in (heading, *cells))


def _print_table(heading: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    room, height = get_terminal_size()
    # The size is told, because rich takes every dumb terminal for one of 80 columns.
    terminal = RichConsole(markup=False, highlight=False, emoji=False, width=room, height=height)
    widths = fit_columns([max(map(cell_len, column)) for column in zip(heading, *cells, strict=True)], room)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for at, width in enumerate(widths):
        # The first is what a row is named by: cut short, nobody could type it.
        table.add_column(heading[at], width=width, no_wrap=at > 0, overflow="ellipsis" if at else "fold")
    for row in cells:
        table.add_row(*row[: len(widths)])
    terminal.print(table)
    if left_out := heading[len(widths) :]:
        terminal.print(f"(in a wider window, or with --json: {', '.join(left_out)})", style="dim")


def fit_columns(wanted: Sequence[int], room: int) -> list[int]:
    """Return the widths of the first column and of as many others as find room; what is left goes to those cut short.

    Rich would squeeze all columns alike, and cut the first one, too.
    """
    widths: list[int] = []
    for width in wanted:
        least = min(width, room) if not widths else GAP + min(width, _MIN_CELL_WIDTH)
        if least > room:
            break
        widths.append(least if not widths else least - GAP)
        room -= least
    for at, width in enumerate(widths):
        more = min(wanted[at] - width, room)
        widths[at] += more
        room -= more
    return widths


async def print_listing(pager: Pager[Any], limit: int | None) -> None:
    """Print each item's own JSON on a line, page by page."""
    left = limit
    async with pager.pages() as walk:
        async for page in walk:
            print_data(lines(page.raw[:left]))
            left = None if left is None else max(0, left - len(page.raw))
            if left == 0:
                break


def print_data(text: bytes) -> None:
    """Print data as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text)


def print_done(show: Callable[[], object], done: str, what: str, console: Console) -> int:
    """Print what was changed at the service, and say on stderr what was done where stdout does not take it.

    Also if its reader is gone: nobody is to do it again only to read of it.

    Args:
        show: prints it.
        done: what was done, with the ids that nobody could find again: "created SKU sku-1".
        what: what is printed: "its JSON".
        console: says the rest.

    Returns:
        The exit code, which alone tells it where stderr is closed, too.

    Raises:
        Stopped: a signal interrupted the write; what was done is said.
    """
    try:
        show()
        sys.stdout.flush()
    except OutputError as error:
        console.error(f"{done}; {what} could not be written to stdout: {error.reason}")
        return FAILED
    except Stopped:
        console.warn(f"{done}; {what} was not written to stdout")
        raise
    return DONE


def print_json(*records: Mapping[str, Any]) -> None:
    """Print a JSON object a line."""
    print_data(b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records))


def choose_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Choose columns for rows whose fields nobody has documented: short values that most rows have, the id first."""
    sample = rows[:_SAMPLE_SIZE]
    filled: Counter[str] = Counter()
    width: Counter[str] = Counter()
    for row in sample:
        for name, value in row.items():
            if value is not None and not isinstance(value, dict | list):
                filled[name] += 1
                width[name] = max(width[name], len(str(value)))
    usual = [name for name in filled if 2 * filled[name] >= len(sample)]
    names = [name for name in usual if width[name] <= _MAX_CELL_WIDTH] or usual
    # sorted() is stable: after the id, the service's own order stays.
    return sorted(names, key=lambda name: name != "id")[:_MAX_COLUMNS]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
