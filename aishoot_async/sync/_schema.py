"""The state file: SQLite, made whole, checked when it is opened, and read into memory. Blocking."""

import contextlib
import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any, Final

import attrs

from ..errors import SyncError
from ..storage import atomic_write, is_damage, raise_reason
from ._life import Operation, Owned

VERSION: Final = 1
_ID: Final = 0x41534A32
_SCHEMA: Final = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (
    key TEXT PRIMARY KEY, sku_id TEXT NOT NULL UNIQUE, applied TEXT NOT NULL, row TEXT, settled TEXT NOT NULL,
    at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE operation (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, sku_id TEXT, wanted TEXT NOT NULL,
    listing INTEGER NOT NULL, tries INTEGER NOT NULL, at REAL NOT NULL, state TEXT NOT NULL, ended REAL, note TEXT);
CREATE TABLE seen (sku_id TEXT PRIMARY KEY, listing INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE picture (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, identifier TEXT NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {_ID};
PRAGMA user_version = {VERSION};
"""


@attrs.define(kw_only=True)
class Content:
    """What a state file holds.

    Attributes:
        meta: facts: ``id``, ``service``, ``organization``, ``revision``, ``listing``.
        owned: the items that have a SKU, by their keys.
        open: the operations of unknown outcome, by their numbers.
        last_number: the largest number that an operation has had.
        seen: the number of the listing that had a SKU first, by the SKU's id.
        pictures: what is remembered of pictures, by their paths: size, time and identifier.
    """

    meta: dict[str, str]
    owned: dict[str, Owned]
    open: dict[int, Operation]
    last_number: int
    seen: dict[str, int]
    pictures: dict[str, tuple[int, int, str]]


def open_database(path: Path, service: str) -> tuple[sqlite3.Connection, Content]:
    """Open a state file, a new one where there is none, and read it.

    Raises:
        OSError, sqlite3.Error: as the file system does.
        SyncError: it is damaged, or no state file of this version.
    """
    if not path.exists():
        if path.with_name(f"{path.name}-wal").exists():
            raise SyncError(f"the state {path} is gone, and only its journal {path.name}-wal is left; nothing was done")
        with atomic_write(path) as file:
            file.write(_new(service))
    try:
        database = sqlite3.connect(
            path.absolute().as_uri() + "?mode=rw", uri=True, check_same_thread=False, isolation_level=None
        )
        try:
            _check(database)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            return database, _read(database)
        except BaseException:
            database.close()
            raise
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
        if not is_damage(error):
            raise_reason(error, path)
            raise
        problem = f"{path} cannot be read as the state of a sync ({' '.join(str(error).split())})"
    raise SyncError(f"{problem}; nothing was done, and nothing was changed. Name another file, or bring back a copy")


def _new(service: str) -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:")) as memory:
        memory.executescript(_SCHEMA)
        facts = {"id": str(uuid.uuid4()), "service": service, "organization": "", "revision": "0", "listing": "0"}
        with memory:
            memory.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        return memory.serialize()


def _check(database: sqlite3.Connection) -> None:
    marks = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if marks[0] != _ID:
        raise ValueError("it is something else")
    if marks[1] != VERSION:
        raise ValueError(f"it has version {marks[1]}, and this library reads version {VERSION}")
    (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise ValueError(said)


def _read(database: sqlite3.Connection) -> Content:
    meta = dict(database.execute("SELECT name, value FROM meta").fetchall())
    if not meta["id"] or int(meta["revision"]) < 0 or int(meta["listing"]) < 0:
        raise ValueError("its facts are no facts")
    owned = [
        Owned(
            key=key,
            sku_id=sku_id,
            applied=_object(applied),
            row=None if row is None else _object(row),
            settled=frozenset(json.loads(settled)),
            at=at,
        )
        for key, sku_id, applied, row, settled, at in database.execute(
            "SELECT key, sku_id, applied, row, settled, at FROM item"
        )
    ]
    operations = [
        Operation(
            number=number, kind=kind, key=key, sku_id=sku_id, wanted=_object(wanted), listing=listing, tries=tries
        )
        for number, kind, key, sku_id, wanted, listing, tries in database.execute(
            "SELECT number, kind, key, sku_id, wanted, listing, tries FROM operation WHERE state = 'open'"
            " ORDER BY number"
        )
    ]
    (last,) = database.execute("SELECT coalesce(max(number), 0) FROM operation").fetchone()
    pictures = database.execute("SELECT path, size, mtime_ns, identifier FROM picture").fetchall()
    return Content(
        meta=meta,
        owned={item.key: item for item in owned},
        open={operation.number: operation for operation in operations},
        last_number=last,
        seen=dict(database.execute("SELECT sku_id, listing FROM seen").fetchall()),
        pictures={path: (size, mtime_ns, identifier) for path, size, mtime_ns, identifier in pictures},
    )


def _object(text: str) -> dict[str, Any]:
    found: Any = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("a row is no object")
    return found  # pyright: ignore[reportUnknownVariableType]
