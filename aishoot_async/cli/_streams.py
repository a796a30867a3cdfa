"""stdin, stdout and stderr as the command line needs them: open, of a usable width, and with errors that are reported.

A failed write to stdout, which is data, is fatal, unless its reader has gone. Failed writes to stderr are ignored.
Once a signal has come, neither is waited for longer than a moment: a reader who reads nothing, or a terminal that was
stopped with Ctrl-S, must not keep the command from its end.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, Final, TextIO

from ._signals import Stopped, signals

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MIN_WIDTH: Final = 40
MAX_WIDTH: Final = 1000
_DEFAULT_WIDTH: Final = 80
_MAX_HEIGHT: Final = 1000
# How a closed descriptor is opened. A stdout that was closed still takes nothing.
_CLOSED_STREAM_FLAGS: Final = {0: os.O_RDONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}
_DRAIN_TIMEOUT: Final = 0.3  # seconds that a reader has to make room in, once a signal has come


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

    def __init__(self, descriptor: int, *, is_data: bool) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._is_data = is_data
        self._has_failed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        size = memoryview(data).nbytes
        if self._has_failed:
            return size
        try:
            if signals.number is None:
                with signals.interruptible():
                    return super().write(data)
            self._write_in_time(memoryview(data).cast("B"))
        except OSError as error:
            self._has_failed = True
            if self._is_data:
                raise OutputError(error) from error
        except Stopped:
            self._has_failed = self._is_data
            raise
        return size

    def _write_in_time(self, data: memoryview) -> None:
        while data:
            # A descriptor that is ready takes this much at once.
            if not select.select([], [self], [], _DRAIN_TIMEOUT)[1]:
                raise BlockingIOError(errno.EAGAIN, "nobody reads it")
            with signals.interruptible():
                data = data[super().write(data[: select.PIPE_BUF]) :]


def setup_streams() -> None:
    """Make all three usable; to be called once, before anything is read, written or opened."""
    for descriptor, flags in _CLOSED_STREAM_FLAGS.items():
        try:
            os.fstat(descriptor)
        except OSError:
            # Left closed, it would be given to the next file that is opened, and messages could end up in there.
            os.open(os.devnull, flags)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # lives as long as we do
    data, messages = _Stream(1, is_data=True), _Stream(2, is_data=False)
    # A character that the encoding lacks is written as its number: no name of a garment may end a listing.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(data), _encoding(sys.stdout), "backslashreplace", line_buffering=data.isatty()
    )
    # Without a buffer: a message that a signal has interrupted would be written again.
    sys.stderr = io.TextIOWrapper(messages, _encoding(sys.stderr), "backslashreplace", write_through=True)


def _encoding(stream: TextIO | None) -> str:
    return stream.encoding if stream is not None else "utf-8"


def read_all() -> bytes:
    """Read stdin to its end."""
    with signals.interruptible():
        return sys.stdin.buffer.read()


def read_line() -> str:
    """Read a line that is typed."""
    with signals.interruptible():
        return sys.stdin.buffer.readline().decode(errors="replace")


def setup_width() -> None:
    """Set COLUMNS where neither it nor the terminal gives a usable width; a usable terminal may still change its size.

    Rich and cyclopts take whatever number they find there, and never end on some. So the number is corrected once,
    before either is imported.
    """
    said = _number(os.environ.get("COLUMNS"))
    found = said or _terminal_width()
    width = min(max(found or _DEFAULT_WIDTH, MIN_WIDTH), MAX_WIDTH)
    if width != found or (said is None and "COLUMNS" in os.environ):
        os.environ["COLUMNS"] = str(width)
    if not 0 < (_number(os.environ.get("LINES")) or 0) <= _MAX_HEIGHT:
        os.environ.pop("LINES", None)


def _number(text: str | None) -> int | None:
    """Read a positive number; one of very many digits is a large one."""
    digits = (text or "").lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits[:9])


def _terminal_width() -> int | None:
    """Return the width of the first stream that is a terminal with a size, as rich does."""
    for descriptor in (0, 1, 2):
        try:
            if columns := os.get_terminal_size(descriptor).columns:
                return columns
        except OSError:
            continue
    return None
