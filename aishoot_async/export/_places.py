"""Where parts appear: a file or a folder of this machine. Blocking."""

import errno
import os
import re
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs

from ..errors import ExportError
from ..storage import atomic_write
from ._files import is_there, move, remove, sha256_of
from ._formats import Format
from ._life import Part

SKUS: Final = "skus"
"""The unit of an export of SKUs: its parts lie at the top."""
MANIFEST: Final = "_manifest"
SUCCESS: Final = "_SUCCESS"
_OURS: Final = re.compile(rf"(brief_id=-?\d+|part-\d{{5,}}\..+|{MANIFEST}.*\.(ndjson|jsonl)|{SUCCESS}.*)")


class Place(Protocol):
    """A destination.

    Attributes:
        title: how users call it.
        home: the folder of the journal, the locks and what is staged.
        is_single: it holds one part.
    """

    @property
    def title(self) -> str: ...
    @property
    def home(self) -> Path: ...
    @property
    def is_single(self) -> bool: ...

    def prepare(self) -> None:
        """See that it can be written to.

        Raises:
            ExportError: it cannot.
        """
        ...

    def foreign(self) -> str | None:
        """Name something there that a job would write over; asked when no journal says what is there."""
        ...

    def size(self, name: str) -> int | None:
        """Give the size of what stands under a name; ``None`` if nothing does."""
        ...

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        """Give the sizes of what stands under many names; what is not there is left out."""
        ...

    def check_replaceable(self, name: str) -> None:
        """See that a part can be given a name, whatever stands there now.

        Raises:
            ExportError: a folder does, or something else that is no file.
        """
        ...

    def holds(self, name: str, part: Part) -> bool:
        """Whether a part stands under a name, as far as can be told without fetching it."""
        ...

    def names(self, unit: str) -> Sequence[str]:
        """Name the parts of a unit that are there, whoever has written them."""
        ...

    def part_name(self, unit: str, number: int) -> str:
        """Name a part."""
        ...

    def publish(self, staged: Path, name: str) -> None:
        """Give a staged part its name, in place of what had it.

        Raises:
            ExportError: it does not stand there then; it is still staged.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """Read a small file; ``None`` if no file stands there."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole.

        Raises:
            ExportError: it does not stand there then.
        """
        ...

    def remove(self, name: str) -> None:
        """Take away what stands under a name, if anything does."""
        ...


def part_pattern(unit: str, wanted: Format) -> re.Pattern[str]:
    """Match the names of a unit's parts in a folder or a store."""
    return re.compile(re.escape(_prefix(unit)) + r"part-\d{5,}\." + re.escape(wanted.name))


def part_name(unit: str, number: int, wanted: Format) -> str:
    """Name a part of a folder or a store."""
    return f"{_prefix(unit)}part-{number:05}.{wanted.name}"


def _prefix(unit: str) -> str:
    return "" if unit == SKUS else f"{unit}/"


def is_ours(name: str) -> bool:
    """Whether an export gives such names."""
    return _OURS.fullmatch(name) is not None


class _Local(ABC):
    """What a file and a folder of this machine share."""

    @abstractmethod
    def _at(self, name: str) -> Path:
        """Say where a name stands."""

    def size(self, name: str) -> int | None:
        return _size(self._at(name))

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        found = ((name, self.size(name)) for name in names)
        return {name: size for name, size in found if size is not None}

    def check_replaceable(self, name: str) -> None:
        path = self._at(name)
        folder, mode = path.parent, _mode(path)
        if mode is None and is_there(folder) and not folder.is_dir():
            raise ExportError(f"{folder} is no folder any more: move it away, and the same call goes on")
        # A link is replaced itself; what it leads to is not touched.
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise ExportError(f"{path} is {what} now, and is not replaced: move it away, and the same call goes on")

    def holds(self, name: str, part: Part) -> bool:
        path = self._at(name)
        return _size(path) == part.size and path.is_file() and sha256_of(path) == part.sha256

    def publish(self, staged: Path, name: str) -> None:
        move(staged, self._at(name))

    def read(self, name: str) -> bytes | None:
        path = self._at(name)
        # No export leaves a link there, and a pipe would be waited for.
        is_file = path.is_file() and not path.is_symlink()
        return path.read_bytes() if is_file else None


@attrs.frozen
class LocalFile(_Local):
    """One file."""

    path: Path
    is_single = True

    @property
    def title(self) -> str:
        return str(self.path)

    @property
    def home(self) -> Path:
        return self.path.with_name(f".{self.path.name}.aishoot")

    def prepare(self) -> None:
        if self.path.exists() and not self.path.is_file():
            what = "a directory" if self.path.is_dir() else "no regular file"
            raise ExportError(f"cannot write {self.path}: it is {what}")
        self.home.mkdir(exist_ok=True)

    def foreign(self) -> str | None:
        return self.title if os.path.lexists(self.path) else None

    def _at(self, name: str) -> Path:
        return self.path.with_name(name)

    def names(self, unit: str) -> Sequence[str]:  # noqa: ARG002
        return [self.path.name] if self.path.exists() else []

    def part_name(self, unit: str, number: int) -> str:  # noqa: ARG002
        return self.path.name

    def write(self, name: str, content: bytes) -> None:
        """Write nothing: a file has neither manifest nor mark beside it."""

    def remove(self, name: str) -> None:
        if name == self.path.name:
            remove(self.path)


@attrs.frozen
class LocalFolder(_Local):
    """A folder, partitioned as Hive has it."""

    path: Path
    format: Format
    is_single = False

    @property
    def title(self) -> str:
        return str(self.path)

    @property
    def home(self) -> Path:
        return self.path / ".aishoot"

    def prepare(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            what = "its name is not that of a file that can be written" if self.path.is_file() else "no file either"
            raise ExportError(f"cannot write {self.path}: it is no folder, and {what}")
        self.home.mkdir(parents=True, exist_ok=True)

    def foreign(self) -> str | None:
        return next((str(found) for found in self._found() if is_ours(found.name)), None)

    def _found(self) -> Sequence[Path]:
        return sorted(self.path.iterdir()) if self.path.is_dir() else ()

    def _at(self, name: str) -> Path:
        return self.path / name

    def names(self, unit: str) -> Sequence[str]:
        pattern = part_pattern(unit, self.format)
        folder = self.path if unit == SKUS else self.path / unit
        there = folder.iterdir() if folder.is_dir() else ()
        return sorted(name for found in there if pattern.fullmatch(name := str(found.relative_to(self.path))))

    def part_name(self, unit: str, number: int) -> str:
        return part_name(unit, number, self.format)

    def write(self, name: str, content: bytes) -> None:
        with atomic_write(self.path / name) as file:
            file.write(content)

    def remove(self, name: str) -> None:
        remove(self.path / name)


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
