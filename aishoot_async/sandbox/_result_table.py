"""The results of briefs, as a piece table: a brief is a few runs of consecutive serial numbers, in order.

Rows are rendered from their serials when they are read. So a brief of a million results costs one row of SQLite, a page
costs what a page holds, and inserting or deleting anywhere only splits a run.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from aishoot_async.sandbox._demo import result_text

Run = tuple[int, int]
"""First serial, length."""


def cut_runs(runs: Iterable[Run], position: int) -> tuple[list[Run], list[Run]]:
    """Split runs into those before a position and those from it on."""
    before: list[Run] = []
    after: list[Run] = []
    for first, length in runs:
        head = min(max(position, 0), length)
        if head:
            before.append((first, head))
        if head < length:
            after.append((first + head, length - head))
        position -= length
    return before, after


class ResultTable:
    """The briefs of one sandbox."""

    def __init__(self, connection: sqlite3.Connection, *, seed: int, integer_ids: bool) -> None:
        """Work on an open database."""
        self._db = connection
        self._seed = seed
        self._integer_ids = integer_ids

    def fill(self, sizes: Mapping[int, int]) -> None:
        """Add briefs with so many results each."""
        with self._db:
            self._db.executemany("INSERT INTO briefs VALUES (?, ?)", [(brief, n + 1) for brief, n in sizes.items()])
            self._db.executemany(
                "INSERT INTO runs VALUES (?, 0, 1, ?)", [(brief, n) for brief, n in sizes.items() if n]
            )

    def drop(self, brief: int) -> None:
        """Forget a brief and its results. Raises `KeyError` for one that is not there."""
        self._runs(brief)
        with self._db:
            self._db.execute("DELETE FROM runs WHERE brief_id = ?", (brief,))
            self._db.execute("DELETE FROM briefs WHERE id = ?", (brief,))

    def total(self, brief: int) -> int:
        """How many results a brief has. Raises `KeyError` for an unknown brief."""
        return sum(length for _, length in self._runs(brief))

    def page(self, brief: int, offset: int, limit: int | None) -> list[str]:
        """Return the JSON of up to `limit` (None: all) results from an offset on; `KeyError` for an unknown brief."""
        _, rest = cut_runs(self._runs(brief), offset)
        wanted = rest if limit is None else cut_runs(rest, limit)[0]
        return [
            result_text(self._seed, brief, serial, integer_ids=self._integer_ids)
            for first, length in wanted
            for serial in range(first, first + length)
        ]

    def insert(self, brief: int, position: int, count: int) -> None:
        """Insert new results at a position counted from 0 (beyond the end: at the end)."""
        before, after = cut_runs(self._runs(brief), position)
        with self._db:
            first = self._db.execute("SELECT next_serial FROM briefs WHERE id = ?", (brief,)).fetchone()[0]
            self._db.execute("UPDATE briefs SET next_serial = next_serial + ? WHERE id = ?", (count, brief))
            self._store(brief, [*before, (first, count), *after])

    def delete(self, brief: int, position: int, count: int) -> None:
        """Delete up to `count` results from a position on."""
        before, rest = cut_runs(self._runs(brief), position)
        with self._db:
            self._store(brief, [*before, *cut_runs(rest, count)[1]])

    def _runs(self, brief: int) -> list[Run]:
        statement = "SELECT first_serial, length FROM runs WHERE brief_id = ? ORDER BY place"
        runs: list[Run] = self._db.execute(statement, (brief,)).fetchall()
        if not runs and self._db.execute("SELECT 1 FROM briefs WHERE id = ?", (brief,)).fetchone() is None:
            raise KeyError(brief)
        return runs

    def _store(self, brief: int, runs: list[Run]) -> None:
        self._db.execute("DELETE FROM runs WHERE brief_id = ?", (brief,))
        self._db.executemany(
            "INSERT INTO runs VALUES (?, ?, ?, ?)",
            [(brief, place, first, length) for place, (first, length) in enumerate(runs)],
        )
