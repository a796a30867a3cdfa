"""Work that blocks, in threads: away from the event loop, and never left half done by a cancellation."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ..disk import finished
from ..errors import ExportError

T = TypeVar("T")


class Disk:
    """The threads of one export."""

    def __init__(self, threads: int) -> None:
        """Start none yet."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="aishoot-export")

    def start(self, work: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Begin a piece of work; see `finished`."""
        return asyncio.get_running_loop().run_in_executor(self._pool, _guarded, work, *arguments)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do a piece of work. A caller that is cancelled goes on when it is done.

        Raises:
            ExportError: the file system or the journal refuses.
        """
        return await finished(self.start(work, *arguments))

    def close(self) -> None:
        """End the threads; nothing may be under way."""
        self._pool.shutdown(wait=False)


class Strand:
    """Work of one brief, piece after piece; one is under way while the caller prepares the next."""

    def __init__(self, disk: Disk) -> None:
        """Have nothing under way."""
        self._disk = disk
        self._under_way: asyncio.Future[Any] | None = None

    async def put(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Begin a piece when the one before is done.

        Raises:
            ExportError: the one before has failed.
        """
        await self.settle()
        self._under_way = self._disk.start(work, *arguments)

    async def settle(self) -> None:
        """Wait for what is under way.

        Raises:
            ExportError: it has failed.
        """
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            await finished(under_way)


def _guarded(work: Callable[..., T], *arguments: Any) -> T:
    try:
        return work(*arguments)
    except OSError as error:
        where = "" if error.filename is None else f" {error.filename}"
        problem = f"cannot write{where}: {error.strerror or error}"
    except sqlite3.Error as error:
        problem = f"cannot write the journal: {error}"
    raise ExportError(f"{problem}. What is finished is kept: put that right, and the same call goes on from there")
