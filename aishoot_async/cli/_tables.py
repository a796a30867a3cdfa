"""Rows on stdout: a table for people, tab-separated lines for pipes, a JSON object a line for programs."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_COLUMNS_AT_MOST: Final = 7
_LOOKED_AT: Final = 50
_WIDE: Final = 40


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print a table to a terminal, or tab-separated lines with a heading to a pipe."""
    if sys.stdout.isatty():
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        Console(markup=False, highlight=False).print(table)
        return
    sys.stdout.write("\t".join(columns) + "\n")
    for row in rows:
        sys.stdout.write("\t".join(_cell(row.get(column)) for column in columns) + "\n")


def print_data(text: bytes) -> None:
    """Print data as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text)


def choose_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Choose columns for rows whose fields nobody has documented: short values that most rows have, the id first."""
    looked_at = rows[:_LOOKED_AT]
    filled: Counter[str] = Counter()
    width: Counter[str] = Counter()
    for row in looked_at:
        for name, value in row.items():
            if value is not None and not isinstance(value, dict | list):
                filled[name] += 1
                width[name] = max(width[name], len(str(value)))
    usual = [name for name in filled if 2 * filled[name] >= len(looked_at)]
    names = [name for name in usual if width[name] <= _WIDE] or usual
    # sorted() is stable: after the id, the service's own order stays.
    return sorted(names, key=lambda name: name != "id")[:_COLUMNS_AT_MOST]


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    # A line break or a tab would break the row; a control could steer the terminal.
    return "".join(char if char.isprintable() else " " for char in text)
