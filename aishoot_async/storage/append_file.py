"""A file that is written at its end, and can be cut back to what a journal says of it. Blocking."""

import errno
import hashlib
import os
from pathlib import Path
from typing import Any, Final

_CHUNK: Final = 1024 * 1024


class AppendFile:
    """A file that is written at its end, hashed as it grows, and can be cut back."""

    def __init__(self, path: Path) -> None:
        """Begin an empty one."""
        self.path = path
        self.size: int = 0
        # Unbuffered: whatever a failed write leaves behind is on the disk, and not sent after it when it is closed.
        self._file: Any = path.open("w+b", buffering=0)
        self._hash = hashlib.sha256()

    @classmethod
    def cut_back(cls, path: Path, size: int) -> "AppendFile | None":
        """Cut a file back to its first ``size`` bytes; ``None`` if it has fewer."""
        try:
            file: Any = path.open("r+b", buffering=0)
        except FileNotFoundError:
            return None
        if os.fstat(file.fileno()).st_size < size:
            file.close()
            return None
        opened = cls.__new__(cls)
        opened.path, opened.size, opened._file, opened._hash = path, size, file, hashlib.sha256()  # noqa: SLF001
        file.truncate(size)
        left = size
        while left:
            read = file.read(min(left, _CHUNK))
            if not read:
                raise OSError(errno.EIO, "the file is cut short by somebody else", str(path))
            opened._hash.update(read)  # noqa: SLF001
            left -= len(read)
        return opened

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
