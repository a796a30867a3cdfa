"""SQLite files: what is wrong with one that cannot be opened."""

import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from ._files import open_regular

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


def raise_reason(error: Exception, path: Path) -> None:
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
