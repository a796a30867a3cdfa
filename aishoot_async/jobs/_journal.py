"""The journal: what is on the disk for sure. SQLite; a row is written after the bytes that it speaks of.

Blocking, and safe to use from several threads.
"""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Final

import attrs

from ..errors import JobError
from ..storage import DamagedFileError, SqliteFormat, create_sqlite, open_sqlite, transaction
from ._units import PartSet, Unit, read_unit

VERSION: Final = 1
_FORMAT: Final = SqliteFormat(
    application_id=0x41534A31,
    version=VERSION,
    schema="""
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unit (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
""",
)


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
            self._db, _ = open_sqlite(path, _FORMAT, self._read_all)
        except DamagedFileError as problem:
            raise error(
                f"the journal {path} is damaged ({problem}); nothing was touched. Begin anew with restart=True, or "
                f"choose another place"
            ) from problem

    @classmethod
    def create(cls, path: Path, *, error: type[JobError] = JobError, part_set: type[PartSet] = PartSet) -> "Journal":
        """Begin a journal. It appears whole, so that an empty one is known to be damaged."""
        create_sqlite(path, _FORMAT)
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
            return self._read_units(self._db)

    def _read_all(self, database: sqlite3.Connection) -> None:
        self._read_units(database)
        database.execute("SELECT * FROM fact").fetchall()

    def _read_units(self, database: sqlite3.Connection) -> dict[str, Unit]:
        rows = database.execute("SELECT name, record FROM unit").fetchall()
        return {name: read_unit(json.loads(record), self._part_set) for name, record in rows}

    def save(self, *units: Unit, **facts: str) -> None:
        """Write rows and facts, all of them or none."""
        rows = [(unit.name, json.dumps(attrs.asdict(unit))) for unit in units]
        with self._lock, transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO unit VALUES (?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", list(facts.items()))
