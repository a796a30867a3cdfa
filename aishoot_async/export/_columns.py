"""Columns of CSV, as they are named; and those that no item has: a misspelt one would be empty, and nobody told."""

import difflib
from collections.abc import Sequence
from typing import Final

from .. import jsontext

BOM: Final = "\ufeff"
"""The byte order mark by which Excel knows UTF-8; a file begins with it if the name of its first column does."""
_MAX_NAMES: Final = 1000
_SUGGESTED: Final = 3


def marked(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Give the columns of a file that begins with a byte order mark."""
    return tuple(f"{'' if at else BOM}{column}" for at, column in enumerate(columns))


def names_of(columns: Sequence[str]) -> list[str]:
    """Give the columns by their names alone."""
    return [column.removeprefix(BOM) for column in columns]


class ColumnWatch:
    """Looks at items until each column has been in one of them. Threads may share one."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Look for columns: paths into the JSON, such as ``model.name``."""
        self._unseen = {column: column.split(".") for column in names_of(columns)}
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
