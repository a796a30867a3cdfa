"""A body that is read from a file while it is sent, and checked on the way."""

from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import BinaryIO, Final, Self, TypeVar

import attrs

from ..errors import RequestValidationError

T = TypeVar("T")
STEP: Final = 256 * 1024
"""Bytes of a file that are read at once."""


class Opened:
    """A file that is opened when it is first used, in threads, and closed for good.

    Who is cancelled leaves a thread behind, at work with the file: then that thread closes it, when it is done.
    """

    def __init__(self, opening: Callable[[], BinaryIO]) -> None:
        """Open nothing yet."""
        self._opening = opening
        self._lock = Lock()
        self._file: BinaryIO | None = None
        self._closed = False

    async def run(self, work: Callable[[BinaryIO], T]) -> T:
        """Work with the file in a thread.

        Raises:
            OSError: as `use` does.
        """
        from anyio import to_thread  # noqa: PLC0415  # most sessions stream no file

        return await to_thread.run_sync(self.use, work)

    def use(self, work: Callable[[BinaryIO], T]) -> T:
        """Work with the file; it blocks.

        Raises:
            OSError: what the work or the opening raises; also when it has been closed.
        """
        try:
            with self._lock:
                if self._closed:
                    msg = "the file has been closed"
                    raise OSError(msg)
                if self._file is None:
                    self._file = self._opening()
                return work(self._file)
        finally:
            # Looked at once the lock is free: `close` may have come just before.
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close it, as soon as nobody works with it; it waits for nothing. Closing twice is closing once."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                if self._file is not None:
                    self._file.close()
                    self._file = None
            finally:
                self._lock.release()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Stream:
    """A request's body: some bytes, those of a file, and some more. Each attempt reads the file anew.

    Attributes:
        what: what the file is called in messages.
        head: the bytes before it.
        tail: the bytes behind it.
        size: how many bytes of the file are sent.
        digest: their SHA-256, in hex.
        opening: opens the file.
        content_type: the media type of the whole.
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


class Passage:
    """One way of a stream over the wire: an async iterator, which aiohttp asks for more once it got rid of the last.

    A file that is not what it was ends it before the last bytes, so that the service never holds a whole body.

    Attributes:
        problem: what ended it.
    """

    def __init__(self, stream: Stream, moved: Callable[[float], None], clock: Callable[[], float]) -> None:
        """Open nothing yet; ``moved`` hears of the seconds that each part took."""
        self.problem: RequestValidationError | None = None
        self._moved = moved
        self._clock = clock
        self._begun: float | None = None
        self._closed = False
        self._stream = stream
        self._opened = Opened(stream.opening)
        self._hash = sha256()
        self._left = stream.size
        self._head: bytes | None = stream.head

    def __aiter__(self) -> Self:
        """Be an iterator."""
        return self

    async def __anext__(self) -> bytes:
        """Give the next part.

        Raises:
            RequestValidationError: the file cannot be read any more, or has changed.
        """
        begun, self._begun = self._begun, self._clock()
        if begun is not None:
            # The part before this one is with the system now.
            self._moved(self._begun - begun)
        if self._head is not None:
            head, self._head = self._head, None
            return head
        if self._left < 0:
            raise StopAsyncIteration
        try:
            part = await self._opened.run(self._next)
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
        return RequestValidationError(f"{self._stream.what} {what}", field="image")

    def _next(self, file: BinaryIO) -> bytes | None:
        """Read on; give ``None`` where the file is another."""
        part = file.read(min(STEP, self._left))
        self._hash.update(part)
        self._left -= len(part)
        if not part or (not self._left and self._hash.hexdigest() != self._stream.digest):
            return None
        if not self._left:
            self._left = -1
            return part + self._stream.tail
        return part

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._opened.close()
