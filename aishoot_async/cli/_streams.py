"""stdin, stdout and stderr as the command line needs them: there, and honest about what they took.

stdout is data: what it does not take is an error, unless its reader has had enough. stderr is talk: what it does not
take is left unsaid, and the work goes on. Once a signal has come, neither is waited for any longer than a moment: a
reader who reads nothing, or a terminal that was stopped with Ctrl-S, must not keep the command from its end.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, Final, TextIO

from ._signals import Stopped, ending

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# What a closed descriptor is opened as. An stdout that was closed stays one that takes nothing.
_NOTHING: Final = {0: os.O_RDONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}
_ROOM_WITHIN: Final = 0.3  # seconds that a reader has to make room in, once a signal has come


class OutputError(BaseException):
    """stdout takes no more; like an interrupt, it is nothing that a command could mend.

    Attributes:
        reason: why, as the system says it.
        reader_gone: the reader of a pipe has closed it, as ``head`` does.
    """

    def __init__(self, cause: OSError) -> None:
        """Say why."""
        super().__init__(f"cannot write to stdout: {cause.strerror}")
        self.reason = cause.strerror
        self.reader_gone = isinstance(cause, BrokenPipeError)


class _Stream(io.FileIO):
    """A descriptor. Once a write has failed, it takes all others and forgets them: Python writes once more at exit."""

    _failed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if not self._failed:
            try:
                if ending.number is not None:
                    self._write_in_time(memoryview(data).cast("B"))
                    return memoryview(data).nbytes
                with ending.blocking():
                    return super().write(data)
            except OSError as error:
                self._failed = True
                self._tell(error)
        return memoryview(data).nbytes

    def _write_in_time(self, data: memoryview) -> None:
        while data:
            # A descriptor that is ready takes this much at once.
            if not select.select([], [self], [], _ROOM_WITHIN)[1]:
                raise BlockingIOError(errno.EAGAIN, "nobody reads it")
            with ending.blocking():
                data = data[super().write(data[: select.PIPE_BUF]) :]

    def _tell(self, error: OSError) -> None:
        """Raise what a failed write comes to, if anything."""


class _Data(_Stream):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except Stopped:
            self._failed = True
            raise

    def _tell(self, error: OSError) -> None:
        raise OutputError(error) from error


def settle() -> None:
    """Make all three sound; to be called once, before anything is read, written or opened."""
    for descriptor, flags in _NOTHING.items():
        try:
            os.fstat(descriptor)
        except OSError:
            # Left closed, it would be given to the next file that is opened, and messages could end up in there.
            os.open(os.devnull, flags)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # lives as long as we do
    data, talk = _Data(1, "wb", closefd=False), _Stream(2, "wb", closefd=False)
    # What an encoding lacks is written as its number: no name of a garment may end a listing.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(data), _encoding(sys.stdout), "backslashreplace", line_buffering=data.isatty()
    )
    # Without a buffer: what a signal has broken off would be said again.
    sys.stderr = io.TextIOWrapper(talk, _encoding(sys.stderr), "backslashreplace", write_through=True)


def _encoding(stream: TextIO | None) -> str:
    return stream.encoding if stream is not None else "utf-8"


def read_all() -> bytes:
    """Read stdin to its end."""
    with ending.blocking():
        return sys.stdin.buffer.read()


def read_line() -> str:
    """Read a line that is typed."""
    with ending.blocking():
        return sys.stdin.buffer.readline().decode(errors="replace")
