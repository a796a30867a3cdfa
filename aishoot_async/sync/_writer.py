"""Group commit: many who write at once share one transaction, and each goes on when it is on the disk."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any, TypeAlias

from ..concurrency import wait_done
from ..storage import DiskExecutor, transaction

Statement: TypeAlias = tuple[str, Sequence[Any]]


class Writer:
    """Writes statements, in the order in which they come."""

    def __init__(self, database: sqlite3.Connection, thread: DiskExecutor) -> None:
        """Write nothing yet."""
        self._database = database
        self._thread = thread
        self._waiting: list[Statement] = []
        self._next: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self.commits: int = 0

    def put(self, statements: Sequence[Statement]) -> "asyncio.Future[None]":
        """Hand over statements that belong together; what is given is done when they are on the disk."""
        loop = asyncio.get_running_loop()
        self._waiting.extend(statements)
        if self._next is None:
            self._next = loop.create_future()
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        return self._next

    async def write(self, *statements: Statement) -> None:
        """Write, and go on when it is on the disk. A caller that is cancelled has written all the same.

        Raises:
            SyncError: it cannot be written.
        """
        await asyncio.shield(self.put(statements))

    async def drain(self) -> None:
        """Wait until all is on the disk, or has failed."""
        while self._writing is not None:
            await wait_done(self._writing)

    async def _write(self) -> None:
        while self._next is not None:
            # Whoever can run now may still join.
            await asyncio.sleep(0)
            statements, done = self._waiting, self._next
            self._waiting, self._next = [], None
            try:
                await self._thread.run(self._commit, statements)
            except Exception as error:  # noqa: BLE001  # theirs who wait for it
                done.set_exception(error)
                done.exception()  # retrieved, should nobody wait any more
            else:
                done.set_result(None)
        self._writing = None

    def _commit(self, statements: Sequence[Statement]) -> None:
        with transaction(self._database):
            for statement, values in statements:
                self._database.execute(statement, values)
        self.commits += 1
