"""The journal: what is on the disk for sure. SQLite; a row is written after the bytes that it speaks of.

Blocking, and safe to use from several threads.
"""

import contextlib
import json
import sqlite3
import threading
from pathlib import Path
from typing import Final

import attrs

from ..disk import is_damage, raise_reason, replacing
from ..errors import JobError
from ._units import PartSet, Unit, read_unit

VERSION: Final = 1
_ID: Final = 0x41534A31
_SCHEMA: Final = f"""
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unit (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {_ID};
PRAGMA user_version = {VERSION};
"""


class Journal:
    """The journal of one job, or of one shard of it."""

    def __init__(self, path: Path, *, error: type[JobError] = JobError, part_set: type[PartSet] = PartSet) -> None:
        """Open a journal that is there.

        Args:
            path: its file.
            error: what is raised.
            part_set: what a kind of job keeps of each unit.

        Raises:
            JobError: it is damaged, or none of ours.
            OSError, sqlite3.Error: something is lacking to use it, such as room, a permission or a descriptor.
        """
        self.path = path
        self._part_set = part_set
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True, check_same_thread=False)
            try:
                self._check()
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self.units()
                self._db.execute("SELECT * FROM fact").fetchall()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, RecursionError) as problem:
            if not is_damage(problem):
                raise_reason(problem, path)
                raise
            raise error(
                f"the journal {path} is damaged ({problem}); nothing was touched. Begin anew with restart=True, or "
                f"choose another place"
            ) from problem

    def _check(self) -> None:
        header = [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if header[0] != _ID:
            raise ValueError("it is no journal of a job")
        if header[1] != VERSION:
            raise ValueError(f"schema version {header[1]} (this release reads {VERSION})")
        (said,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise ValueError(said)

    @classmethod
    def create(cls, path: Path, *, error: type[JobError] = JobError, part_set: type[PartSet] = PartSet) -> "Journal":
        """Begin a journal. It appears whole, so that an empty one is known to be damaged."""
        with contextlib.closing(sqlite3.connect(":memory:")) as memory:
            memory.executescript(_SCHEMA)
            content = memory.serialize()
        with replacing(path) as file:
            file.write(content)
        return cls(path, error=error, part_set=part_set)

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._db.close()

    def fact(self, name: str) -> str | None:
        """Read a fact of the job."""
        with self._lock:
            row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def unit(self, name: str) -> Unit:
        """Read the row of a unit."""
        with self._lock:
            row = self._db.execute("SELECT record FROM unit WHERE name = ?", (name,)).fetchone()
        return Unit(name=name) if row is None else read_unit(json.loads(row[0]), self._part_set)

    def units(self) -> dict[str, Unit]:
        """Read every row."""
        with self._lock:
            rows = self._db.execute("SELECT name, record FROM unit").fetchall()
        return {name: read_unit(json.loads(record), self._part_set) for name, record in rows}

    def save(self, *units: Unit, **facts: str) -> None:
        """Write rows and facts, all of them or none."""
        rows = [(unit.name, json.dumps(attrs.asdict(unit))) for unit in units]
        with self._lock, self._db:
            self._db.executemany("INSERT OR REPLACE INTO unit VALUES (?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", list(facts.items()))
