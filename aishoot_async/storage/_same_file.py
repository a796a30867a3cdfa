"""What is one file, however it is spelled: links, hard links, ``..``, mounts, disks that ignore case. Blocking."""

import os
import unicodedata
from pathlib import Path

Identity = tuple[int, int]
"""Device and inode."""


def file_identity(path: str | os.PathLike[str]) -> Identity | None:
    """Return device and inode of the file at a path; ``None`` if there is none, or it may not be looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116  # of many thousand pictures
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return found.st_dev, found.st_ino


def leads_to(path: Path) -> Path:
    """Follow a path that is a link: beside what it leads to, a file that takes its place is made."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path  # noqa: PTH114  # it refuses no name


def names_below(path: Path, place: Path) -> tuple[str, ...] | None:
    """Return the names that lead from a file or a folder to a path. Neither of them needs to exist.

    Names that are not there yet are compared without regard to case, and to how their accents are composed: on many
    disks they would be one.

    Returns:
        The names, as such disks compare them; none if both are one; ``None`` if the path does not lie there.
    """
    root, missing = _root(place)
    names: list[str] = []
    for here in _upwards(path):
        if root is not None and file_identity(here) == root:
            inside = tuple(reversed(names))
            return inside[len(missing) :] if inside[: len(missing)] == missing else None
        names.append(_folded(here.name))
    return None


def _root(place: Path) -> tuple[Identity | None, tuple[str, ...]]:
    """Find the deepest folder on the way to a place that is there, and what is missing behind it."""
    missing: list[str] = []
    for here in _upwards(place):
        if (found := file_identity(here)) is not None:
            return found, tuple(reversed(missing))
        missing.append(_folded(here.name))
    return None, ()


def _upwards(path: Path) -> list[Path]:
    if "\0" in str(path):
        return []
    real = Path(os.path.realpath(path))
    return [real, *real.parents]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
