"""Bytes that are on the disk once a function here returns. All of it blocks."""

import errno
import hashlib
import os
from pathlib import Path
from typing import Any, Final

from ..storage import fsync_folder

_CHUNK: Final = 1024 * 1024


def move(source: Path, target: Path) -> None:
    """Give a file its name, in place of what had it."""
    if not target.parent.is_dir():
        target.parent.mkdir()
        fsync_folder(target.parent.parent)
    source.replace(target)
    fsync_folder(target.parent)


def remove(path: Path) -> None:
    """Take a file away, if it is there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    fsync_folder(path.parent)


def is_there(path: Path) -> bool:
    """Tell whether anything stands under a path, be it a link that leads nowhere.

    Raises:
        OSError: nobody can tell; that is not the same as nothing.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def sha256_of(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class GrowingFile:
    """A file that is written at its end, hashed as it grows, and can be cut back."""

    def __init__(self, path: Path) -> None:
        """Begin an empty one."""
        self.path = path
        self.size = 0
        # Unbuffered: whatever a failed write leaves behind is on the disk, and not sent after it when it is closed.
        self._file: Any = path.open("w+b", buffering=0)
        self._hash = hashlib.sha256()

    @classmethod
    def cut_back(cls, path: Path, size: int) -> "GrowingFile | None":
        """Cut a file back to its first ``size`` bytes; ``None`` if it has fewer."""
        try:
            file: Any = path.open("r+b", buffering=0)
        except FileNotFoundError:
            return None
        if os.fstat(file.fileno()).st_size < size:
            file.close()
            return None
        grown = cls.__new__(cls)
        grown.path, grown.size, grown._file, grown._hash = path, size, file, hashlib.sha256()  # noqa: SLF001
        file.truncate(size)
        left = size
        while left:
            read = file.read(min(left, _CHUNK))
            if not read:
                raise OSError(errno.EIO, "the file is cut short by somebody else", str(path))
            grown._hash.update(read)  # noqa: SLF001
            left -= len(read)
        return grown

    @property
    def sha256(self) -> str:
        """The hash of what has been written."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Write at the end."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._hash.update(data)
        self.size += len(data)

    def sync(self) -> None:
        """Bring it to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close it."""
        self._file.close()
