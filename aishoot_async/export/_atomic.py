"""A file that is there whole or not at all. The only code that calls fsync."""

import contextlib
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Open a file beside ``path``, which takes its place at the end; if that is not reached, nothing is left of it.

    Blocking: to be used in a worker thread.

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
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Without it the new name may be lost with the power, although the bytes are not.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
