"""A file or a folder of this machine as a destination. Blocking."""

import errno
import hashlib
import os
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import attrs

from ...errors import JobError
from ...storage import atomic_write, fsync_folder


@attrs.frozen
class _Local(ABC):
    """What a file and a folder of this machine share.

    Attributes:
        path: the file or the folder.
        error: what is raised.
    """

    path: Path
    error: type[JobError] = JobError

    @abstractmethod
    def _at(self, name: str) -> Path:
        """Return the path of a name."""

    @property
    def display_name(self) -> str:
        return str(self.path)

    @property
    def is_single(self) -> bool:
        return bool(self.file_name)

    @property
    @abstractmethod
    def file_name(self) -> str: ...

    def size(self, name: str) -> int | None:
        return _size(self._at(name))

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        found = ((name, self.size(name)) for name in names)
        return {name: size for name, size in found if size is not None}

    def check_replaceable(self, name: str) -> None:
        path = self._at(name)
        folder, mode = path.parent, _mode(path)
        if mode is None and path_exists(folder) and not folder.is_dir():
            raise self.error(f"{folder} is no folder any more: move it away, and the same call goes on")
        # A link is replaced itself; what it leads to is not touched.
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise self.error(f"{path} is {what} now, and is not replaced: move it away, and the same call goes on")

    def contains(self, name: str, size: int, sha256: str) -> bool:
        path = self._at(name)
        return _size(path) == size and path.is_file() and _sha256(path) == sha256

    def publish(self, staged: Path, name: str) -> None:
        target = self._at(name)
        if not target.parent.is_dir():
            target.parent.mkdir()
            fsync_folder(target.parent.parent)
        staged.replace(target)
        fsync_folder(target.parent)

    def read(self, name: str) -> bytes | None:
        path = self._at(name)
        # No export leaves a link there, and a pipe would be waited for.
        is_file = path.is_file() and not path.is_symlink()
        return path.read_bytes() if is_file else None


@attrs.frozen
class LocalFile(_Local):
    """One file."""

    @property
    def file_name(self) -> str:
        """See `Destination.file_name`."""
        return self.path.name

    @property
    def state_dir(self) -> Path:
        """See `Destination.state_dir`."""
        return self.path.with_name(f".{self.path.name}.aishoot")

    def prepare(self) -> None:
        if self.path.exists() and not self.path.is_file():
            what = "a directory" if self.path.is_dir() else "no regular file"
            raise self.error(f"cannot write {self.path}: it is {what}")
        self.state_dir.mkdir(exist_ok=True)

    def find_conflict(self, is_job_file: Callable[[str], bool]) -> str | None:  # noqa: ARG002
        """See `Destination.find_conflict`."""
        return self.display_name if os.path.lexists(self.path) else None

    def _at(self, name: str) -> Path:
        return self.path.with_name(name)

    def list_files(self, folder: str) -> Sequence[str]:  # noqa: ARG002
        """See `Destination.list_files`."""
        return [self.path.name] if self.path.exists() else []

    def write(self, name: str, content: bytes) -> None:
        """Write nothing: there is no other file beside this one."""

    def remove(self, name: str) -> None:
        if name == self.path.name:
            _remove(self.path)


@attrs.frozen
class LocalFolder(_Local):
    """A folder."""

    @property
    def file_name(self) -> str:
        """See `Destination.file_name`."""
        return ""

    @property
    def state_dir(self) -> Path:
        """See `Destination.state_dir`."""
        return self.path / ".aishoot"

    def prepare(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            what = "its name is not that of a file that can be written" if self.path.is_file() else "no file either"
            raise self.error(f"cannot write {self.path}: it is no folder, and {what}")
        self.state_dir.mkdir(parents=True, exist_ok=True)

    def find_conflict(self, is_job_file: Callable[[str], bool]) -> str | None:
        """See `Destination.find_conflict`."""
        found = sorted(self.path.iterdir()) if self.path.is_dir() else ()
        return next((str(path) for path in found if is_job_file(path.name)), None)

    def _at(self, name: str) -> Path:
        return self.path / name

    def list_files(self, folder: str) -> Sequence[str]:
        """See `Destination.list_files`."""
        inside = self.path / folder
        found = inside.iterdir() if inside.is_dir() else ()
        return sorted(str(path.relative_to(self.path)) for path in found)

    def write(self, name: str, content: bytes) -> None:
        with atomic_write(self.path / name) as file:
            file.write(content)

    def remove(self, name: str) -> None:
        _remove(self.path / name)


def path_exists(path: Path) -> bool:
    """Return whether anything stands under a path, be it a link that leads nowhere.

    Raises:
        OSError: nobody can tell; that is not the same as nothing.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    fsync_folder(path.parent)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads to itself
            return None
        raise


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def empty_folder(folder: Path, *, keep: Collection[str] = ()) -> None:
    """Remove what a folder holds, but for the names to keep.

    The workers of a driver that was killed may still be at work there: what they leave they remove themselves.
    """
    if not folder.is_dir():
        return
    for found in folder.iterdir():
        if found.name in keep:
            continue
        try:
            shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTEMPTY}:
                raise
