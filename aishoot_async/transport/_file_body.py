"""A request body that is read from a file while it is sent, and verified meanwhile."""

from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import BinaryIO, Final, Self, TypeVar

import attrs

from ..errors import RequestValidationError

T = TypeVar("T")
CHUNK_SIZE: Final = 256 * 1024
"""Bytes of a file that are read at once."""


class ThreadedFile:
    """A file that is used in threads: opened at first use, and closed once.

    A cancelled caller leaves a thread behind that still uses the file; that thread closes it when it is done.
    """

    def __init__(self, opening: Callable[[], BinaryIO]) -> None:
        """Open nothing yet."""
        self._open = opening
        self._lock = Lock()
        self._file: BinaryIO | None = None
        self._closed = False

    async def run(self, work: Callable[[BinaryIO], T]) -> T:
        """Run work with the file in a thread; return its result.

        Raises:
            OSError: as `use` does.
        """
        from anyio import to_thread  # noqa: PLC0415  # most sessions stream no file

        return await to_thread.run_sync(self.use, work)

    def use(self, work: Callable[[BinaryIO], T]) -> T:
        """Run work with the file in this thread; return its result.

        Raises:
            OSError: the work or the opening raised it, or the file has been closed.
        """
        try:
            with self._lock:
                if self._closed:
                    msg = "the file has been closed"
                    raise OSError(msg)
                if self._file is None:
                    self._file = self._open()
                return work(self._file)
        finally:
            # Checked after the lock is free: `close` may have been called just before.
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the file as soon as no thread uses it; return at once. Closing twice is closing once."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                if self._file is not None:
                    self._file.close()
                    self._file = None
            finally:
                self._lock.release()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FileBody:
    """A request's body: some bytes, a file's bytes, and some more. Each attempt reads the file anew.

    Attributes:
        what: the file's name in messages.
        head: the bytes before the file.
        tail: the bytes after the file.
        size: how many bytes of the file are sent.
        digest: the SHA-256 of these bytes, in hex.
        opening: opens the file.
        content_type: the media type of the whole body.
    """

    what: str
    head: bytes
    tail: bytes
    size: int
    digest: str
    opening: Callable[[], BinaryIO]
    content_type: str

    @property
    def length(self) -> int:
        """The ``Content-Length``."""
        return len(self.head) + self.size + len(self.tail)


class VerifyingUpload:
    """Sends a `FileBody` once: an async iterator, which aiohttp asks for a part when it has sent the last one.

    If the file has changed, the iterator fails before the last bytes, so that the service never gets a whole body.

    Attributes:
        problem: the error that it failed with.
    """

    def __init__(self, body: FileBody, on_progress: Callable[[float], None], clock: Callable[[], float]) -> None:
        """Open nothing yet; ``on_progress`` is called with the seconds that each part took."""
        self.problem: RequestValidationError | None = None
        self._on_progress = on_progress
        self._clock = clock
        self._begun: float | None = None
        self._closed = False
        self._body = body
        self._file = ThreadedFile(body.opening)
        self._hash = sha256()
        self._left = body.size
        self._head: bytes | None = body.head

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next part.

        Raises:
            RequestValidationError: the file cannot be read any more, or has changed.
        """
        begun, self._begun = self._begun, self._clock()
        if begun is not None:
            # The system has taken the part before this one.
            self._on_progress(self._begun - begun)
        if self._head is not None:
            head, self._head = self._head, None
            return head
        if self._left < 0:
            raise StopAsyncIteration
        try:
            part = await self._file.run(self._next)
            problem = self._problem("changed while it was sent, or since it was hashed")
        except RequestValidationError as error:
            part, problem = None, error
        except OSError as error:
            part, problem = None, self._problem(f"cannot be read any more: {error.strerror or error}")
        if part is not None:
            return part
        if not self._closed:
            self.problem = problem
        raise problem

    def _problem(self, what: str) -> RequestValidationError:
        return RequestValidationError(f"{self._body.what} {what}", field="image")

    def _next(self, file: BinaryIO) -> bytes | None:
        """Read the next part; return ``None`` if the file has changed."""
        part = file.read(min(CHUNK_SIZE, self._left))
        self._hash.update(part)
        self._left -= len(part)
        if not part or (not self._left and self._hash.hexdigest() != self._body.digest):
            return None
        if not self._left:
            self._left = -1
            return part + self._body.tail
        return part

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._file.close()
