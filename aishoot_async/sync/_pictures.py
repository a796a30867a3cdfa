"""The pictures of a catalog: looked at and hashed for a plan, uploaded for an apply."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs
from anyio import to_thread

from ..calls import escape_controls
from ..concurrency import for_each
from ..errors import RequestValidationError, SyncError
from ..picture import sku_problem
from ..resources._content import digest, look_at, open_file
from ..session import AIShootSession
from ..transport import ThreadedFile

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
_AT_ONCE: Final = 8


@attrs.frozen
class Picture:
    """A picture on the disk, as a plan found it.

    Attributes:
        path: where it is.
        size: in bytes.
        mtime_ns: when it was written, in nanoseconds, as the disk says.
        identifier: what the service calls it: the SHA-256 of its bytes, in hex.
    """

    path: Path
    size: int
    mtime_ns: int
    identifier: str


class PictureMemory(Protocol):
    """Remembers which pictures have been hashed and found good, from one plan to the next."""

    def recall(self, path: str, size: int, mtime_ns: int, /) -> str | None:
        """Give the identifier of a picture that has not changed since; on the event loop."""
        ...

    def remember(self, picture: Picture, /) -> None:
        """Keep a picture; on the event loop."""
        ...


def is_path(value: str) -> bool:
    """Tell the path of a picture from an identifier: it has a separator, or names a file with a picture's suffix."""
    if os.sep in value or (os.altsep is not None and os.altsep in value):
        return True
    return Path(value).suffix.lower() in SUFFIXES and os.path.isfile(value)  # noqa: PTH113  # never raises


async def look(paths: Iterable[Path], memory: PictureMemory) -> tuple[dict[Path, Picture], dict[Path, str]]:
    """Find out which pictures there are, and what is wrong with those that cannot be used.

    Only what the memory does not know is read.

    Returns:
        The pictures, and a sentence for each path that is none.
    """
    pictures: dict[Path, Picture] = {}
    problems: dict[Path, str] = {}
    unknown: list[tuple[Path, os.stat_result]] = []
    for path, found in zip(wanted := list(dict.fromkeys(paths)), await to_thread.run_sync(_stat, wanted), strict=True):
        if isinstance(found, str):
            problems[path] = found
        elif (identifier := memory.recall(str(path), found.st_size, found.st_mtime_ns)) is not None:
            pictures[path] = Picture(path, found.st_size, found.st_mtime_ns, identifier)
        else:
            unknown.append((path, found))

    async def examine(one: tuple[Path, os.stat_result]) -> None:
        path, found = one
        try:
            picture = await _examined(path, found)
        except RequestValidationError as error:
            problems[path] = str(error)
        else:
            pictures[path] = picture
            memory.remember(picture)

    await for_each(unknown, examine, workers=_AT_ONCE)
    return pictures, problems


async def upload(session: AIShootSession, picture: Picture, *, patience: float = 0.0) -> None:
    """See to it that the service has a picture, exactly as the plan found it.

    Args:
        session: the session to send it with.
        picture: the picture.
        patience: seconds for which an outage is ridden out.

    Raises:
        AIShootError: as every call does.
        SyncError: the file is not what it was, or cannot be read any more; or the service calls the picture otherwise.
    """
    (found,) = await to_thread.run_sync(_stat, [picture.path])
    if isinstance(found, str):
        raise SyncError(found)
    unchanged = (found.st_size, found.st_mtime_ns) == (picture.size, picture.mtime_ns)
    try:
        if not unchanged:
            opened = ThreadedFile(lambda: open_file(str(picture.path)))
            try:
                unchanged = (await digest(opened))[0] == picture.identifier
            finally:
                opened.close()
        if unchanged:
            given = await session.images.upload(picture.path, identifier=picture.identifier, patience=patience)
            if given.lower() == picture.identifier:
                return
            # The plan is about the hash: a SKU of a picture that the service does not know by it would have none.
            problem = (
                f"{escape_controls(str(picture.path))} was uploaded, and the service calls it {given!r}, which is not "
                f"its SHA-256 in hex: name that in the catalog, in place of the path"
            )
        else:
            problem = f"{escape_controls(str(picture.path))} has changed since it was planned; plan again"
    except RequestValidationError as error:
        raise SyncError(str(error)) from error
    except OSError as error:
        raise SyncError(f"{escape_controls(str(picture.path))} cannot be read: {error.strerror}") from error
    raise SyncError(problem)


def _stat(paths: Sequence[Path]) -> list[os.stat_result | str]:
    return [_stat_one(path) for path in paths]


def _stat_one(path: Path) -> os.stat_result | str:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        return f"{escape_controls(str(path))} cannot be read: {getattr(error, 'strerror', None) or 'this is no path'}"
    # What is far too large is not read at all.
    problem = sku_problem(found.st_size)
    return found if problem is None else f"{escape_controls(str(path))} {problem}"


async def _examined(path: Path, found: os.stat_result) -> Picture:
    opened = ThreadedFile(lambda: open_file(str(path)))
    try:
        header = await opened.run(lambda file: look_at(file, escape_controls(str(path))))
        identifier, size = await digest(opened)
    except OSError as error:
        msg = f"{escape_controls(str(path))} cannot be read: {error.strerror}"
        raise RequestValidationError(msg, field="image") from error
    finally:
        opened.close()
    unfit = sku_problem(size, header)
    if unfit is not None or size != found.st_size:
        msg = f"{escape_controls(str(path))} {unfit or 'changed while it was read'}"
        raise RequestValidationError(msg, field="image")
    return Picture(path, size, found.st_mtime_ns, identifier)
