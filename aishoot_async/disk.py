"""Whole files, brought to the disk, and work in threads that no cancellation leaves half done."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, TypeVar

from anyio import CancelScope

T = TypeVar("T")


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Open a file beside ``path``, which takes its place at the end; if that is not reached, nothing is left of it.

    It blocks, and is on the disk when it returns.

    Raises:
        OSError: as the file system does.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # "x" and the usual mode: the umask decides who may read it, as for any file.
    file = beside.open("xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Without it a new name may be lost with the power, although the bytes are not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def finished(work: "asyncio.Future[T]") -> T:
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
