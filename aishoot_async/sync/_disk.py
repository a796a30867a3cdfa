"""The thread that has the state file."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ..disk import finished
from ..errors import SyncError

T = TypeVar("T")
GO_ON = "What is done is remembered: make a new plan, and go on from there"


class DiskThread:
    """One thread: what is put into it is done in order."""

    def __init__(self) -> None:
        """Start none yet."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="aishoot-sync")

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do a piece of work. No thread can be cancelled: a caller that is goes on when the work is done.

        Raises:
            SyncError: the file system or SQLite refuses.
        """
        return await finished(asyncio.get_running_loop().run_in_executor(self._pool, guarded, work, *arguments))

    def close(self) -> None:
        """End the thread, when it is done with what it has."""
        self._pool.shutdown(wait=False)


def guarded(work: Callable[..., T], *arguments: Any) -> T:
    """Turn what the file system and SQLite raise into a `SyncError`."""
    try:
        return work(*arguments)
    except OSError as error:
        where = "" if error.filename is None else f" {error.filename}"
        problem = f"cannot use{where}: {error.strerror or error}"
    except sqlite3.Error as error:
        problem = f"cannot write the state: {error}"
    raise SyncError(f"{problem}. {GO_ON}")
