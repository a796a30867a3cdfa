"""The journal: what is on the disk for sure. SQLite; a row is written after the bytes that it speaks of.

Blocking, and safe to use from several threads.
"""

import contextlib
import json
import sqlite3
import threading
from pathlib import Path
from typing import Final

from ..errors import ExportError
from ..storage import atomic_write, is_damage, raise_reason
from ._life import Unit, from_plain, to_plain

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

    def __init__(self, path: Path) -> None:
        """Open a journal that is there.

        Raises:
            ExportError: it is damaged, or none of ours.
            OSError, sqlite3.Error: something is lacking to use it, such as room, a permission or a descriptor.
        """
        self.path = path
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
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            if not is_damage(error):
                raise_reason(error, path)
                raise
            problem = f"the journal {path} is damaged ({error})"
        else:
            return
        raise ExportError(f"{problem}; nothing was touched. Begin anew with restart=True, or choose another place")

    def _check(self) -> None:
        marks = [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if marks != [_ID, VERSION]:
            raise ValueError("it is none of this version")
        (said,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise ValueError(said)

    @classmethod
    def create(cls, path: Path) -> "Journal":
        """Begin a journal. It appears whole, so that an empty one is known to be damaged."""
        with contextlib.closing(sqlite3.connect(":memory:")) as memory:
            memory.executescript(_SCHEMA)
            content = memory.serialize()
        with atomic_write(path) as file:
            file.write(content)
        return cls(path)

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
        """Read a brief's row."""
        with self._lock:
            row = self._db.execute("SELECT record FROM unit WHERE name = ?", (name,)).fetchone()
        return Unit(name=name) if row is None else from_plain(json.loads(row[0]))

    def units(self) -> dict[str, Unit]:
        """Read every row."""
        with self._lock:
            rows = self._db.execute("SELECT name, record FROM unit").fetchall()
        return {name: from_plain(json.loads(record)) for name, record in rows}

    def save(self, *units: Unit, **facts: str) -> None:
        """Write rows and facts, all of them or none."""
        rows = [(unit.name, json.dumps(to_plain(unit))) for unit in units]
        with self._lock, self._db:
            self._db.executemany("INSERT OR REPLACE INTO unit VALUES (?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", list(facts.items()))
