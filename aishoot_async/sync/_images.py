"""The image files of a catalog: checked and hashed for a plan, uploaded for an apply."""

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


@attrs.frozen(kw_only=True)
class PlannedPicture:
    """An image file that an item's field names by its path.

    Attributes:
        path: the file, absolute.
        size: bytes.
        mtime_ns: when it was last changed, in nanoseconds since 1970.
        identifier: its SHA-256 in hex, which is what the service will call it.
    """

    path: str
    size: int
    mtime_ns: int
    identifier: str


class HashCache(Protocol):
    """Remembers which files were hashed and found good, from one plan to the next."""

    def recall(self, path: str, size: int, mtime_ns: int, /) -> str | None:
        """Return the identifier of a file that has not changed since; on the event loop."""
        ...

    def remember(self, picture: PlannedPicture, /) -> None:
        """Keep an identifier; on the event loop."""
        ...


def is_path(value: str) -> bool:
    """Tell a path from an identifier: it has a separator, or names a file with an image's suffix."""
    if os.sep in value or (os.altsep is not None and os.altsep in value):
        return True
    return Path(value).suffix.lower() in SUFFIXES and os.path.isfile(value)  # noqa: PTH113  # never raises


async def examine(paths: Iterable[str], memory: HashCache) -> tuple[dict[str, PlannedPicture], dict[str, str]]:
    """Check and hash image files; only those that the memory does not know are read.

    Returns:
        The images, and a sentence for each path that cannot be used, by path.
    """
    pictures: dict[str, PlannedPicture] = {}
    problems: dict[str, str] = {}
    unknown: list[tuple[str, os.stat_result]] = []
    for path, found in zip(wanted := list(dict.fromkeys(paths)), await to_thread.run_sync(_stat, wanted), strict=True):
        if isinstance(found, str):
            problems[path] = found
        elif (identifier := memory.recall(path, found.st_size, found.st_mtime_ns)) is not None:
            pictures[path] = _planned(path, found, identifier)
        else:
            unknown.append((path, found))

    async def examine_one(one: tuple[str, os.stat_result]) -> None:
        path, found = one
        try:
            picture = await _examine_one(path, found)
        except RequestValidationError as error:
            problems[path] = str(error)
        else:
            pictures[path] = picture
            memory.remember(picture)

    await for_each(unknown, examine_one, workers=_AT_ONCE)
    return pictures, problems


async def upload(session: AIShootSession, picture: PlannedPicture, *, patience: float = 0.0) -> None:
    """Upload an image exactly as the plan found it, unless the service has it.

    Args:
        session: makes the calls.
        picture: the image.
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
            opened = ThreadedFile(lambda: open_file(picture.path))
            try:
                unchanged = (await digest(opened))[0] == picture.identifier
            finally:
                opened.close()
        if unchanged:
            given = await session.images.upload(Path(picture.path), identifier=picture.identifier, patience=patience)
            if given.lower() == picture.identifier:
                return
            # The plan is about the hash: a SKU of a picture that the service does not know by it would have none.
            problem = (
                f"{escape_controls(picture.path)} was uploaded, and the service calls it {given!r}, which is not its "
                f"SHA-256 in hex: name that in the catalog, in place of the path"
            )
        else:
            problem = f"{escape_controls(picture.path)} has changed since it was planned; plan again"
    except RequestValidationError as error:
        raise SyncError(str(error)) from error
    except OSError as error:
        raise SyncError(f"{escape_controls(picture.path)} cannot be read: {error.strerror}") from error
    raise SyncError(problem)


def _stat(paths: Sequence[str]) -> list[os.stat_result | str]:
    return [_stat_one(path) for path in paths]


def _stat_one(path: str) -> os.stat_result | str:
    try:
        found = os.stat(path)  # noqa: PTH116  # fast
    except (OSError, ValueError) as error:
        return f"{escape_controls(path)} cannot be read: {getattr(error, 'strerror', None) or 'this is no path'}"
    # What is far too large is not read at all.
    problem = sku_problem(found.st_size)
    return found if problem is None else f"{escape_controls(path)} {problem}"


async def _examine_one(path: str, found: os.stat_result) -> PlannedPicture:
    opened = ThreadedFile(lambda: open_file(path))
    try:
        header = await opened.run(lambda file: look_at(file, escape_controls(path)))
        identifier, size = await digest(opened)
    except OSError as error:
        msg = f"{escape_controls(path)} cannot be read: {error.strerror}"
        raise RequestValidationError(msg, field="image") from error
    finally:
        opened.close()
    unfit = sku_problem(size, header)
    if unfit is not None or size != found.st_size:
        msg = f"{escape_controls(path)} {unfit or 'changed while it was read'}"
        raise RequestValidationError(msg, field="image")
    return _planned(path, found, identifier)


def _planned(path: str, found: os.stat_result, identifier: str) -> PlannedPicture:
    return PlannedPicture(path=path, size=found.st_size, mtime_ns=found.st_mtime_ns, identifier=identifier)
