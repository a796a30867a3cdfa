"""Threads for work that blocks, which no cancellation leaves half done."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from anyio import CancelScope

from ..errors import AIShootError
from ._sqlite import explain_sqlite_error

T = TypeVar("T")


class DiskExecutor:
    """Threads for work that blocks; what the file system and SQLite raise there becomes an error of ours."""

    def __init__(self, count: int, database: str, make_error: Callable[[str], AIShootError]) -> None:
        """Start none yet.

        Args:
            count: how many; one does in order what it is given.
            database: what SQLite's file is called.
            make_error: makes the error from its message.
        """
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="aishoot-disk")
        self._database = database
        self._make_error = make_error

    def start(self, work: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Begin a piece of work; see `wait_uncancellable`."""
        return asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, work, *arguments)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do a piece of work. A caller that is cancelled goes on when it is done.

        Raises:
            AIShootError: the file system or SQLite refuses.
        """
        return await wait_uncancellable(self.start(work, *arguments))

    def close(self) -> None:
        """End the threads, when they are done with what they have."""
        self._pool.shutdown(wait=False)

    def _guarded(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return work(*arguments)
        except OSError as error:
            where = "" if error.filename is None else f" {error.filename}"
            raise self._make_error(f"cannot use{where}: {error.strerror or error}") from error
        except sqlite3.Error as error:
            raise self._make_error(f"cannot use {self._database}: {explain_sqlite_error(error)}") from error


async def wait_uncancellable(work: "asyncio.Future[T]") -> T:
    """Wait for work in a thread.

    No thread can be cancelled: its end is waited for, and then the cancellation goes on.
    """
    cancelled: asyncio.CancelledError | None = None
    with CancelScope(shield=True):
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        if not work.cancelled():
            work.exception()  # retrieved
        raise cancelled
    return work.result()
