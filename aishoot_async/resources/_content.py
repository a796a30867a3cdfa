"""What is uploaded: a picture on the disk or in memory, hashed and looked at before anything is sent.

A file is open only while it is read, in worker threads: any number of uploads may wait, and hold a path each.
"""

import asyncio
import io
import os
import stat
from collections.abc import AsyncIterable, Callable
from hashlib import sha256
from tempfile import TemporaryFile
from typing import BinaryIO, Final, cast

import attrs

from ..calls import escape_controls
from ..errors import RequestValidationError
from ..picture import SIDE_AT_MOST, PictureHeader, read_header
from ..transport import CHUNK_SIZE, ThreadedFile
from ._wholeness import is_cut_short

# What a thread hashes before it can be stopped.
_STEPS_AT_ONCE: Final = 32


@attrs.frozen(kw_only=True)
class Content:
    """The bytes of one picture.

    Attributes:
        what: what it is called in messages.
        identifier: the SHA-256 of its bytes, in hex.
        size: in bytes.
        header: what its header says.
        opening: opens it anew; it blocks.
        spool: the temporary file that holds it, if one does.
    """

    what: str
    identifier: str
    size: int
    header: PictureHeader
    opening: Callable[[], BinaryIO]
    spool: ThreadedFile | None = None

    def close(self) -> None:
        """Let go of the temporary file."""
        if self.spool is not None:
            self.spool.close()


async def read_content(image: object, identifier: str | None, turn: asyncio.Semaphore) -> Content:
    """Hash a picture, and look at its header.

    Args:
        image: a path, the bytes, or what gives them.
        identifier: the hash, where that is known: then only the header is read.
        turn: bounds how many files are read at once.

    Raises:
        RequestValidationError: it cannot be read, or is no picture that the service takes.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(cast("bytes", image))  # another buffer may change meanwhile
        return await _measured("the picture", lambda: io.BytesIO(data), identifier, turn)
    if isinstance(image, str | os.PathLike):
        path = os.fsdecode(cast("str | os.PathLike[str]", image))
        return await _measured(escape_controls(path), lambda: open_file(path), identifier, turn)
    if isinstance(image, AsyncIterable):
        return await _spooled(cast("AsyncIterable[object]", image), identifier, turn)
    msg = f"a picture must be a path, bytes, or an async iterable of bytes, not a {type(image).__name__}"
    raise RequestValidationError(msg, field="image")


def open_file(path: str) -> BinaryIO:
    """Open a file to read it; it blocks.

    Raises:
        RequestValidationError: there is none, or it may not be read.
    """
    try:
        # Looked at first: to open a pipe would wait for whoever writes into it.
        if stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            return open(path, "rb")  # noqa: PTH123  # closed by whoever asked for it
    except (OSError, ValueError) as error:
        # ValueError: a NUL, or a lone surrogate.
        problem = getattr(error, "strerror", None) or "this is no path"
        raise _refusal(f"{escape_controls(path) or 'the path'} cannot be read: {problem}") from error
    raise _refusal(f"{escape_controls(path)} cannot be read: it is no file")


def look_at(file: BinaryIO, what: str) -> PictureHeader:
    """Read a picture's header; it blocks.

    Raises:
        RequestValidationError: it is no picture that the service takes.
    """

    def read_at(at: int, size: int) -> bytes:
        file.seek(at)
        return file.read(size)

    header = read_header(read_at)
    if header is None:
        empty = not read_at(0, 1)
        raise _refusal(f"{what} is empty" if empty else f"{what} is no JPEG, PNG, TIFF or WebP")
    if max(header.width or 0, header.height or 0) > SIDE_AT_MOST:
        raise _refusal(
            f"{what} has {header.width} x {header.height} pixels: the service takes {SIDE_AT_MOST} x {SIDE_AT_MOST} at "
            f"most"
        )
    if is_cut_short(header.format, read_at, file.seek(0, io.SEEK_END)):
        raise _refusal(f"{what} is cut short: its last bytes are missing. Get it anew from where it came from")
    return header


async def digest(opened: ThreadedFile) -> tuple[str, int]:
    """Hash a file from its beginning, in worker threads; give the hash and the number of bytes."""
    made, size = sha256(), 0
    buffer = memoryview(bytearray(CHUNK_SIZE))

    def some(file: BinaryIO) -> int:
        file.seek(size)
        read = 0
        for _ in range(_STEPS_AT_ONCE):
            count = cast("io.BufferedIOBase", file).readinto(buffer)
            made.update(buffer[:count])
            read += count
            if not count:
                break
        return read

    while read := await opened.run(some):
        size += read
    return made.hexdigest(), size


async def _measured(
    what: str,
    opening: Callable[[], BinaryIO],
    identifier: str | None,
    turn: asyncio.Semaphore,
    spool: ThreadedFile | None = None,
) -> Content:
    opened = ThreadedFile(opening)
    try:
        async with turn:
            header = await opened.run(lambda file: look_at(file, what))
            if identifier is None:
                identifier, size = await digest(opened)
            else:
                size = await opened.run(lambda file: file.seek(0, io.SEEK_END))
    except OSError as error:
        raise _refusal(f"{what} cannot be read: {error.strerror or error}") from error
    finally:
        opened.close()
    return Content(what=what, identifier=identifier, size=size, header=header, opening=opening, spool=spool)


async def _spooled(parts: AsyncIterable[object], identifier: str | None, turn: asyncio.Semaphore) -> Content:
    """Keep what can be read only once in a file without a name."""
    spool = ThreadedFile(lambda: cast("BinaryIO", TemporaryFile()))  # noqa: SIM115  # `ThreadedFile` closes it
    try:
        async for part in parts:
            await _keep(spool, part)
        return await _measured("the picture", lambda: _reader(spool), identifier, turn, spool)
    except BaseException:
        spool.close()
        raise


async def _keep(spool: ThreadedFile, part: object) -> None:
    if not isinstance(part, bytes | bytearray | memoryview):
        raise _refusal(f"the picture must come as bytes, not as {type(part).__name__}")
    data = cast("bytes", part)
    try:
        await spool.run(lambda file: file.write(data))
    except OSError as error:
        raise _refusal(f"the picture cannot be kept in a temporary file: {error.strerror}") from error


class _Reader(io.RawIOBase):
    """Reads a file that others read too, from its beginning; to close it leaves that file open."""

    def __init__(self, spool: ThreadedFile) -> None:
        self._spool = spool
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, at: int, whence: int = io.SEEK_SET, /) -> int:
        before = self._at if whence == io.SEEK_CUR else 0
        self._at = at + (self._spool.use(lambda file: file.seek(0, io.SEEK_END)) if whence == io.SEEK_END else before)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._spool.use(self._read(len(buffer)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, size: int) -> Callable[[BinaryIO], bytes]:
        def read(file: BinaryIO) -> bytes:
            file.seek(self._at)
            return file.read(size)

        return read


def _reader(spool: ThreadedFile) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Reader(spool), CHUNK_SIZE))


def _refusal(problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field="image")
