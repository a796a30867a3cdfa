"""The thread that has the state file, and a whole file put in place of another. The only code that blocks."""

import asyncio
import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

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
        done = asyncio.get_running_loop().run_in_executor(self._pool, guarded, work, *arguments)
        await outlast(done)
        return done.result()

    def close(self) -> None:
        """End the thread, when it is done with what it has."""
        self._pool.shutdown(wait=False)


async def outlast(work: "asyncio.Future[Any]") -> None:
    """Wait until work has ended, however it ends; then a cancellation of the caller goes on."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not work.cancelled():
            work.exception()  # retrieved
        raise cancelled


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


def replace_file(path: Path, content: bytes) -> None:
    """Put a whole file in the place of another, or of none; it is on the disk at the end.

    Raises:
        OSError: as the file system does; nothing is left then.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # without it the name may be lost with the power
    finally:
        os.close(descriptor)
