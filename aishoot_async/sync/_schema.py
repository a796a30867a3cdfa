"""The state file: SQLite, made whole, checked when it is opened, and read into memory. Blocking."""

import json
import sqlite3
import uuid
from pathlib import Path
from typing import Any, Final

import attrs

from ..errors import SyncError
from ..storage import DamagedFileError, SqliteFormat, create_sqlite, open_sqlite
from ._operations import Operation, TrackedSku

FORMAT: Final = SqliteFormat(
    application_id=0x41534A32,
    version=1,
    schema="""
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
""",
)


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
    owned: dict[str, TrackedSku]
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
        facts = {"id": str(uuid.uuid4()), "service": service, "organization": "", "revision": "0", "listing": "0"}
        create_sqlite(path, FORMAT, lambda new: new.executemany("INSERT INTO meta VALUES (?, ?)", facts.items()))
    try:
        return open_sqlite(path, FORMAT, _read)
    except DamagedFileError as error:
        raise SyncError(
            f"{path} cannot be read as the state of a sync ({error}); nothing was done, and nothing was changed. "
            f"Name another file, or bring back a copy"
        ) from error


def _read(database: sqlite3.Connection) -> Content:
    meta = dict(database.execute("SELECT name, value FROM meta").fetchall())
    if not meta["id"] or int(meta["revision"]) < 0 or int(meta["listing"]) < 0:
        raise ValueError("its facts are no facts")
    owned = [
        TrackedSku(
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
