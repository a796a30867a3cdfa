"""Pages kept on disk until it is known that they are all there are, and a count of what two passes have in common.

A database of SQLite's that has no name: its file is removed as soon as it is open (where the system cannot do that,
when it is closed), so no crash leaves one behind, and a short listing never reaches the disk. It lies where SQLite puts
its temporary files: ``SQLITE_TMPDIR``, ``TMPDIR``, ``/var/tmp`` or ``/tmp``. All of this blocks: call it in threads.
"""

import contextlib
import sqlite3
from collections.abc import Generator, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any, Final

import attrs

from .. import jsontext
from ..errors import PagingError
from ._listing import Sheet

BYTES_AT_ONCE: Final = 2**20
"""How much a thread is sent to the disk with, and comes back with, more or less."""
_SHORT: Final = 40
_SCHEMA: Final = """
    PRAGMA temp_store = FILE;
    ATTACH '' AS spool;
    PRAGMA spool.journal_mode = OFF;
    PRAGMA spool.synchronous = OFF;
    BEGIN;
    CREATE TABLE spool.page (at INTEGER PRIMARY KEY, sheet BLOB);
    CREATE TABLE spool.row (key BLOB, named INTEGER, pass INTEGER);
"""
_COMPARISON: Final = """
    SELECT total(named * max(now - 1, 0)), total(max(now - before, 0)), total(max(before - now, 0))
    FROM (
        SELECT named, sum(pass = :now) AS now, sum(pass = :now - 1) AS before
        FROM spool.row GROUP BY named, key
    )
"""


@attrs.frozen(kw_only=True)
class Comparison:
    """What the latest pass gave, beside the one before it.

    Attributes:
        twice: rows that it gave again, by their ids.
        came: rows that the one before did not give; told by their ids, or their JSON where they have none.
        gone: rows that only the one before gave.
    """

    twice: int
    came: int
    gone: int


@attrs.frozen(kw_only=True)
class Kept:
    """What is kept of a page; see `Sheet`."""

    asked: int
    skip: int
    total: int | None
    raws: Sequence[bytes]


class Spool:
    """Holds the pages of the latest pass, and the marks of its rows and of those of the pass before it."""

    def __init__(self) -> None:
        """Open nothing yet."""
        # Who is cancelled leaves its thread behind, at work.
        self._lock = Lock()
        self._database: sqlite3.Connection | None = None
        self._closed = False
        self._pass = 0
        self._pages = 0

    def begin(self) -> None:
        """Make room for the pages of another pass."""
        with self._opened() as database:
            self._pass += 1
            self._pages = 0
            database.execute("DELETE FROM spool.page")
            database.execute("DELETE FROM spool.row WHERE pass < ?", [self._pass - 1])

    def add(self, sheets: Sequence[Sheet[Any]]) -> None:
        """Keep pages."""
        rows = [(_mark(key), isinstance(key, str), self._pass) for sheet in sheets for key in sheet.keys]
        with self._opened() as database:
            database.executemany("INSERT INTO spool.row VALUES (?, ?, ?)", rows)
            pages = [(at, _text(sheet)) for at, sheet in enumerate(sheets, self._pages)]
            database.executemany("INSERT INTO spool.page VALUES (?, ?)", pages)
            self._pages += len(pages)

    def compare(self) -> Comparison:
        """Compare the latest pass with the one before it."""
        with self._opened() as database:
            twice, came, gone = database.execute(_COMPARISON, {"now": self._pass}).fetchone()
        return Comparison(twice=int(twice), came=int(came), gone=int(gone))

    def read(self, at: int) -> Sequence[Kept]:
        """Give some of the latest pass's pages, from that place on; the first is at 0."""
        found: list[Kept] = []
        size = 0
        with self._opened() as database:
            for (text,) in database.execute("SELECT sheet FROM spool.page WHERE at >= ? ORDER BY at", [at]):
                found.append(_kept(text))
                size += len(text)
                if size >= BYTES_AT_ONCE:
                    break
        return found

    def close(self) -> None:
        """Give the disk back; closing twice is closing once."""
        with self._lock:
            self._closed = True
            if self._database is not None:
                self._database.close()
                self._database = None

    def __del__(self) -> None:
        """Close what nobody is left to close."""
        self.close()

    @contextlib.contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                msg = "the walk was closed"
                raise PagingError(msg)
            try:
                if self._database is None:
                    # Used in one thread after the other; the lock keeps them apart.
                    self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                    self._database.executescript(_SCHEMA)
                yield self._database
            except sqlite3.Error as error:
                msg = f"a strict walk keeps what it reads in a temporary file, and cannot ({error})"
                raise PagingError(msg) from error


def _mark(key: str | bytes) -> bytes:
    text = key.encode(errors="surrogatepass") if isinstance(key, str) else key
    # A digest is longer than what is kept as it is, so that neither is taken for the other.
    return text if len(text) <= _SHORT else blake2b(text, digest_size=_SHORT + 1).digest()


def _text(sheet: Sheet[Any]) -> bytes:
    return jsontext.encode([sheet.asked, sheet.skip, sheet.total, jsontext.raw_list(sheet.raws)])


def _kept(text: bytes) -> Kept:
    asked, skip, total, rows = jsontext.elements(text)
    return Kept(
        asked=int(asked),
        skip=int(skip),
        total=None if total == b"null" else int(total),
        raws=jsontext.elements(rows),
    )
