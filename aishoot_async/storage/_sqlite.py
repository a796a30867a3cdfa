"""SQLite files of one format: made whole, and checked when they are opened. Blocking."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import attrs

from ._files import atomic_write, open_regular

T = TypeVar("T")
_DAMAGE: Final = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LACKING: Final = {
    sqlite3.SQLITE_BUSY: "another program has it open, such as a backup or a database browser",
    sqlite3.SQLITE_CANTOPEN: "it, or a file beside it, cannot be opened or made",
    sqlite3.SQLITE_FULL: "there is no room left",
    sqlite3.SQLITE_IOERR: "the disk, or the connection to it, has failed",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_PERM: "this user may not use it",
    sqlite3.SQLITE_READONLY: "this user may not write to it, or the disk is read-only",
}


class DamagedFileError(Exception):
    """A SQLite file is none of the format, or of another version, or its content is wrong; the message says which."""


@attrs.frozen(kw_only=True)
class SqliteFormat:
    """A format of SQLite files.

    Attributes:
        name: what such a file is, for messages: "journal of a job".
        application_id: SQLite's ``PRAGMA application_id``, by which such a file is told from others.
        version: the schema version that this release reads and writes.
        schema: the SQL that makes the tables.
    """

    name: str
    application_id: int
    version: int
    schema: str

    def create(self, path: Path, fill: Callable[[sqlite3.Connection], object] = lambda _: None) -> None:
        """Make a file. It appears whole, so that an empty one is known to be damaged.

        Args:
            path: the file.
            fill: writes the first rows.

        Raises:
            OSError: as the file system does.
        """
        with contextlib.closing(sqlite3.connect(":memory:")) as memory:
            memory.executescript(self.schema)
            memory.execute(f"PRAGMA application_id = {self.application_id}")
            memory.execute(f"PRAGMA user_version = {self.version}")
            with memory:
                fill(memory)
            content = memory.serialize()
        with atomic_write(path) as file:
            file.write(content)

    def open(
        self, path: Path, read: Callable[[sqlite3.Connection], T], *, autocommit: bool = False
    ) -> tuple[sqlite3.Connection, T]:
        """Open a file that is there, check it and read it. Each commit is on the disk when it returns.

        Args:
            path: the file.
            read: reads the content. A ``ValueError``, ``KeyError``, ``TypeError`` or ``RecursionError`` that it raises
                means that the content is wrong.
            autocommit: begin no transaction by itself (``isolation_level=None``).

        Returns:
            The connection, which several threads may use one after the other, and what was read.

        Raises:
            DamagedFileError: it is none of this format, or damaged.
            OSError, sqlite3.Error: something is lacking to use it, such as room, a permission or a descriptor.
        """
        try:
            database = sqlite3.connect(
                path.absolute().as_uri() + "?mode=rw",
                uri=True,
                check_same_thread=False,
                isolation_level=None if autocommit else "DEFERRED",
            )
            try:
                self._check(database)
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                return database, read(database)
            except BaseException:
                database.close()
                raise
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, RecursionError) as error:
            if not is_damage(error):
                _raise_reason(error, path)
                raise
            raise DamagedFileError(" ".join(str(error).split())) from error

    def _check(self, database: sqlite3.Connection) -> None:
        found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if found[0] != self.application_id:
            raise ValueError(f"it is no {self.name}")
        if found[1] != self.version:
            raise ValueError(f"unsupported schema version {found[1]} (this release reads {self.version})")
        (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if result != "ok":
            raise ValueError(result)


def is_damage(error: Exception) -> bool:
    """Tell whether what opening a SQLite file raised says that its content is wrong; otherwise something was lacking.

    Args:
        error: SQLite's, or that of a check of the content.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def explain_sqlite_error(error: sqlite3.Error) -> str:
    """Say what SQLite said, and what is lacking as far as its code tells."""
    lacking = _LACKING.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF)
    return str(error) if lacking is None else f"{lacking} ({error})"


def _raise_reason(error: Exception, path: Path) -> None:
    """Raise what the system says, where SQLite could not open a file: it keeps that to itself.

    Args:
        error: what SQLite raised.
        path: the file, which this process has no connection to: closing it would drop the locks of that.

    Raises:
        OSError: what the system says to opening the file, or to making one beside it.
    """
    if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CANTOPEN:
        return
    os.close(open_regular(path, os.O_RDWR))
    with tempfile.TemporaryFile(dir=path.parent) as probe:
        probe.write(b" ")
