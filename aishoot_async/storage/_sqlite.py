"""SQLite files with an application id, a schema version and an integrity check. Blocking."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Mapping
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
    """The content of a SQLite file is wrong: damaged, another program's, or of another schema version."""


@attrs.frozen(kw_only=True)
class SqliteFormat:
    """What identifies the SQLite files of one kind.

    Attributes:
        application_id: the number that marks them; see SQLite's ``PRAGMA application_id``.
        version: the schema version, from 1.
        schema: the statements that create the tables.
        earlier: the release that wrote each earlier schema version, and what to do with such a file: a clause such as
            ``"release 0.1 wrote it; finish the job with that release"``.
    """

    application_id: int
    version: int
    schema: str
    earlier: Mapping[int, str] = {}


def create_sqlite(
    path: Path, kind: SqliteFormat, fill: Callable[[sqlite3.Connection], object] = lambda _: None
) -> None:
    """Create a SQLite file atomically, so that an empty one is known to be damaged.

    Args:
        path: the file.
        kind: its format.
        fill: writes the first rows.

    Raises:
        OSError: as the file system does.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as memory:
        memory.executescript(kind.schema)
        memory.execute(f"PRAGMA application_id = {kind.application_id}")
        memory.execute(f"PRAGMA user_version = {kind.version}")
        with memory:
            fill(memory)
        content = memory.serialize()
    with atomic_write(path) as file:
        file.write(content)


def open_sqlite(
    path: Path, kind: SqliteFormat, read: Callable[[sqlite3.Connection], T]
) -> tuple[sqlite3.Connection, T]:
    """Open and check a SQLite file that exists. Every commit is synced to the disk.

    Args:
        path: the file.
        kind: the format that it must have.
        read: reads the content; raises ValueError, KeyError, TypeError or RecursionError where that is wrong.

    Returns:
        The connection, in autocommit mode and usable from any thread (see `transaction`), and what was read.

    Raises:
        DamagedFileError: the content is wrong; nothing was changed.
        OSError, sqlite3.Error: something is lacking to use it, such as room, a permission or a descriptor.
    """
    try:
        database = sqlite3.connect(
            path.absolute().as_uri() + "?mode=rw", uri=True, check_same_thread=False, isolation_level=None
        )
        try:
            _check(database, kind)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            return database, read(database)
        except BaseException:
            database.close()
            raise
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, RecursionError) as error:
        if not is_damage(error):
            raise_reason(error, path)
            raise
        raise DamagedFileError(" ".join(str(error).split())) from error


def _check(database: sqlite3.Connection, kind: SqliteFormat) -> None:
    application_id, version = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if application_id != kind.application_id:
        raise ValueError("it is something else")
    if version != kind.version:
        wrote = kind.earlier.get(version, "a later release wrote it: upgrade" if version > kind.version else "unknown")
        raise ValueError(f"unsupported schema version {version} ({wrote}; this release reads {kind.version})")
    (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise ValueError(problem)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Generator[None]:
    """Execute statements in one transaction: committed at the end of the block, rolled back on error."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        yield


def is_damage(error: Exception) -> bool:
    """Return whether an error of opening a SQLite file means that its content is wrong, and not that something lacks.

    Args:
        error: SQLite's, or that of a check of the content.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def explain_sqlite_error(error: sqlite3.Error) -> str:
    """Return what SQLite said, and what is lacking as far as its code tells."""
    lacking = _LACKING.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF)
    return str(error) if lacking is None else f"{lacking} ({error})"


def raise_reason(error: Exception, path: Path) -> None:
    """Raise the system's reason where SQLite could not open a file: SQLite keeps that to itself.

    Args:
        error: what SQLite raised.
        path: the file, to which this process has no connection: closing it would drop that connection's locks.

    Raises:
        OSError: what the system says to opening the file, or to making one beside it.
    """
    if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CANTOPEN:
        return
    os.close(open_regular(path, os.O_RDWR))
    with tempfile.TemporaryFile(dir=path.parent) as probe:
        probe.write(b" ")
