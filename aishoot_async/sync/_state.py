"""The state of a sync, held open by one process: what is in memory is on the disk, or will be before it matters."""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from ..config import canonical_url
from ..errors import SyncError
from ..storage import DiskExecutor, file_lock
from ._fields import Fields
from ._life import End, Kind, Operation, Owned
from ._schema import Content, open_database
from ._writer import Statement, Writer

_INTEND: Final = (
    "INSERT INTO operation (number, kind, key, sku_id, listing, tries, wanted, at, state)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')"
)
_FORGET: Final = "DELETE FROM item WHERE key = ?"
_END: Final = "UPDATE operation SET state = ?, ended = ?, note = ? WHERE number = ?"
# Not "or replace": that would quietly take a SKU away from another item.
_KEEP: Final = (
    "INSERT INTO item (key, sku_id, applied, row, settled, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE"
    " SET sku_id = excluded.sku_id, applied = excluded.applied, row = excluded.row, settled = excluded.settled,"
    " at = excluded.at"
)


class State:
    """What is remembered between two runs.

    Attributes:
        path: the file.
        owned: the items that have a SKU, by their keys.
        keys: those keys, by the SKUs' ids.
        open: the operations of unknown outcome, by their numbers.
        seen: the number of the listing that had a SKU first, by the SKU's id.
    """

    def __init__(self, path: Path, content: Content, writer: Writer, clock: Callable[[], float]) -> None:
        """Take what the file holds."""
        self.path = path
        self.owned = content.owned
        self.keys = {item.sku_id: item.key for item in content.owned.values()}
        self.open = content.open
        self._doubts: dict[str, dict[int, Operation]] = {}
        for operation in content.open.values():
            self._doubt(operation)
        self.seen = content.seen
        self._meta = content.meta
        self._pictures = content.pictures
        self._hashed: list[Statement] = []
        self._last_number = content.last_number
        self._writer = writer
        self._clock = clock

    @property
    def identity(self) -> str:
        """Which state file this is, wherever it lies."""
        return self._meta["id"]

    @property
    def organization(self) -> str | None:
        """Whose SKUs they are, where that was ever named."""
        return self._meta["organization"] or None

    @property
    def revision(self) -> int:
        """How far the state is: it moves on whenever something is applied."""
        return int(self._meta["revision"])

    @property
    def listing(self) -> int:
        """The number of the last listing that was seen whole."""
        return int(self._meta["listing"])

    @property
    def commits(self) -> int:
        """How often something was brought to the disk."""
        return self._writer.commits

    def age(self, item: Owned) -> float:
        """Give the seconds since the last operation on an item ended; 0 where the clock was put back."""
        return max(0.0, self._clock() - item.at)

    def _fact(self, name: str, value: str) -> Statement:
        self._meta[name] = value
        return "INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value)

    async def move_on(self, organization: str | None = None) -> None:
        """Begin another revision: plans made before are stale. What an earlier apply ended is not needed any more."""
        statements: list[Statement] = [
            self._fact("revision", str(self.revision + 1)),
            ("DELETE FROM operation WHERE state != 'open' AND number < ?", (self._last_number,)),
        ]
        if organization is not None:
            statements.append(self._fact("organization", organization))
        await self._writer.write(*statements)

    async def saw(self, sku_ids: Iterable[str]) -> None:
        """Remember the SKUs of a listing that was seen whole."""
        number = self.listing + 1
        statements = [self._fact("listing", str(number))]
        for sku_id in sku_ids:
            if sku_id not in self.seen:
                self.seen[sku_id] = number
                statements.append(("INSERT OR IGNORE INTO seen VALUES (?, ?)", (sku_id, number)))
        await self._writer.write(*statements)

    def begin(self, kind: Kind, key: str, wanted: Fields, *, sku_id: str | None = None, tries: int = 0) -> Operation:
        """Make an operation; `intend` writes it down."""
        self._last_number += 1
        return Operation(
            number=self._last_number,
            kind=kind,
            key=key,
            sku_id=sku_id,
            wanted=wanted,
            listing=self.listing,
            tries=tries,
        )

    async def intend(self, operation: Operation) -> None:
        """Write an operation down: only then may it be sent. A caller that is cancelled here never sends it."""
        self.open[operation.number] = operation
        self._doubt(operation)
        row = (
            operation.number,
            operation.kind,
            operation.key,
            operation.sku_id,
            operation.listing,
            operation.tries,
            _json(operation.wanted),
            self._clock(),
        )
        try:
            await self._writer.write((_INTEND, row))
        except asyncio.CancelledError:
            self._writer.put([self._ended(operation, "failed", "never sent")])
            raise

    async def end(self, operation: Operation, end: End, *, note: str | None = None, item: Owned | None = None) -> None:
        """Write down how an operation ended, and what the item is now."""
        statements = [self._ended(operation, end, note)]
        if item is not None:
            statements += self._kept(attrs.evolve(item, at=self._clock()))
        await self._writer.write(*statements)

    async def keep(self, *items: Owned) -> None:
        """Write items down about which nothing was done just now."""
        statements = [statement for item in items for statement in self._kept(item)]
        if statements:
            await self._writer.write(*statements)

    @property
    def adopted(self) -> int:
        """How many SKUs were adopted since there is this state."""
        return int(self._meta.get("adopted", "0"))

    async def adopt(self, item: Owned) -> None:
        """Write an item down that has become ours just now."""
        fact = self._fact("adopted", str(self.adopted + 1))
        await self._writer.write(fact, *self._kept(attrs.evolve(item, at=self._clock())))

    async def rename(self, keys: Mapping[str, str]) -> None:
        """Give items, and what is in doubt about them, other keys; what had such a key is nobody's then."""
        statements: list[Statement] = []
        for old, new in keys.items():
            item = self.owned.pop(old, None)
            if item is not None:
                before = self.owned.pop(new, None)
                if before is not None:
                    self.keys.pop(before.sku_id, None)
                self.owned[new] = attrs.evolve(item, key=new)
                self.keys[item.sku_id] = new
                statements += self._superseded(new)
                statements += [(_FORGET, (new,)), ("UPDATE item SET key = ? WHERE key = ?", (new, old))]
            for number, operation in self.open.items():
                if operation.key == old:
                    self.open[number] = attrs.evolve(operation, key=new)
            statements.append(("UPDATE operation SET key = ? WHERE key = ? AND state = 'open'", (new, old)))
        self._doubts.clear()
        for operation in self.open.values():
            self._doubt(operation)
        await self._writer.write(*statements)

    async def forget(self, key: str, operation: Operation | None = None) -> None:
        """Let an item be nobody's; ``operation``: the delete that did it."""
        statements = [] if operation is None else [self._ended(operation, "done", None)]
        item = self.owned.pop(key, None)
        if item is not None:
            self.keys.pop(item.sku_id, None)
            statements.append((_FORGET, (key,)))
        await self._writer.write(*statements, *self._superseded(key))

    def doubts(self, key: str) -> Sequence[Operation]:
        """Give the updates and deletes of an item of which no outcome is known."""
        return list(self._doubts.get(key, {}).values())

    def _doubt(self, operation: Operation) -> None:
        if operation.kind != "create":
            self._doubts.setdefault(operation.key, {})[operation.number] = operation

    def _ended(self, operation: Operation, end: End, note: str | None) -> Statement:
        self.open.pop(operation.number, None)
        self._doubts.get(operation.key, {}).pop(operation.number, None)
        return _END, (end, self._clock(), note, operation.number)

    def _superseded(self, key: str) -> list[Statement]:
        """End what was in doubt about an item: it does not matter any more."""
        return [self._ended(found, "done", "superseded") for found in self.doubts(key)]

    def _kept(self, item: Owned) -> list[Statement]:
        before = self.owned.get(item.key)
        if before is not None:
            self.keys.pop(before.sku_id, None)
        self.owned[item.key] = item
        self.keys[item.sku_id] = item.key
        row = None if item.row is None else _json(item.row)
        values = (item.key, item.sku_id, _json(item.applied), row, _json(sorted(item.settled)), item.at)
        return [(_KEEP, values), *self._superseded(item.key)]

    def recall(self, path: str, size: int, mtime_ns: int) -> str | None:
        """Give the identifier of a picture that was hashed before, and has not changed since."""
        found = self._pictures.get(path)
        return found[2] if found is not None and found[:2] == (size, mtime_ns) else None

    def remember(self, picture: Any) -> None:
        """Remember the identifier of a picture; `save_pictures` writes it down."""
        values = (str(picture.path), picture.size, picture.mtime_ns, picture.identifier)
        self._pictures[values[0]] = values[1:]
        self._hashed.append(("INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?)", values))

    async def save_pictures(self) -> None:
        """Write down what was remembered of pictures."""
        if self._hashed:
            hashed, self._hashed = self._hashed, []
            await self._writer.write(*hashed)

    async def drain(self) -> None:
        """Wait until all is on the disk."""
        await self._writer.drain()


def _json(value: Mapping[str, Any] | list[str]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def state_path(path: object) -> Path:
    """Read the name of a state file.

    Raises:
        SyncError: it is none.
    """
    try:
        name: object = os.fspath(path)  # type: ignore[call-overload]
    except TypeError:
        name = None
    if not isinstance(name, str) or not name or "\0" in name:
        raise SyncError(f"state must be the path of a file, not {path!r}")
    return Path(name).absolute()


def disk_thread() -> DiskExecutor:
    """Make the one thread that has a state file: what is put into it is done in order."""
    return DiskExecutor(1, "the state", _refusal)


def _refusal(problem: str) -> SyncError:
    return SyncError(f"{problem}. What is done is remembered: make a new plan, and go on from there")


@asynccontextmanager
async def opened(
    path: Path, service: str, organization: str | None, clock: Callable[[], float] = time.time
) -> AsyncGenerator[State]:
    """Hold a state open, a new one where there is none, and let nobody else have it meanwhile.

    Raises:
        LockedError: another process, or another task, has it.
        SyncError: it is damaged, foreign, or cannot be written.
    """
    thread, held = disk_thread(), ExitStack()
    found: list[tuple[sqlite3.Connection, Content]] = []
    state: State | None = None
    try:
        # A caller that is cancelled here never sees what was opened, and it must be closed all the same.
        await thread.run(lambda: found.append(_open(path, service, organization, held)))
        database, content = found[0]
        state = State(path, content, Writer(database, thread), clock)
        yield state
    finally:
        try:
            if state is not None:
                await state.drain()
        finally:
            try:
                await thread.run(held.close)
            finally:
                thread.close()


def _open(path: Path, service: str, organization: str | None, held: ExitStack) -> tuple[sqlite3.Connection, Content]:
    if path.is_dir() or not path.parent.is_dir():
        raise SyncError(f"the state {path} cannot be: name a file in a folder that is there")
    taken = f"another sync has the state {path} just now; wait for it, or name another file"
    held.enter_context(file_lock(path.with_name(f"{path.name}.lock"), 0, taken))
    database, content = open_database(path, service)
    held.callback(database.close)
    for what, ours, theirs in (
        # An earlier release wrote a URL down as it was spelled.
        ("service", canonical_url(service), canonical_url(content.meta["service"])),
        ("organization", organization, content.meta["organization"]),
    ):
        # An organization need not be named, as long as there are no pictures.
        if ours and theirs and ours != theirs:
            raise SyncError(f"the state {path} belongs to the {what} {theirs}, and this is {ours}; nothing was done")
    return database, content
