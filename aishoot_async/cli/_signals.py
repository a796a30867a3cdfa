"""Ctrl-C and SIGTERM: what runs on the event loop is cancelled, and what blocks is broken off."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE: Final = 0.5  # seconds that threads have to end in


class Stopped(BaseException):
    """A signal came where nothing can be cancelled: outside the event loop, or in a blocking read or write."""


class Ending:
    """How this process is told to end.

    Attributes:
        number: the signal that came first; ``None`` as long as none has.
    """

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self.number: int | None = None
        self._cancel: Callable[[], object] | None = None
        self._blocked = False
        self._due = False  # a signal has come, and nothing has been ended by it yet

    @property
    def code(self) -> int:
        """The exit code that says which signal it was, as shells do: 130 or 143."""
        return 128 + (self.number or signal.SIGINT)

    def listen(self) -> None:
        """Take over both signals."""
        for number in _SIGNALS:
            signal.signal(number, self._arrive)

    def leave(self) -> None:
        """Give the signals back: whoever sends one now wants the process to be gone."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def _arrive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # what a handler is given
        self.number = self.number or number
        self._due = not self._blocked
        if self._cancel is not None:
            # Also where a write is broken off: in a callback or a task of its own, asyncio would keep what it raises.
            self._cancel()
        if self._cancel is None or self._blocked:
            raise Stopped

    @contextlib.contextmanager
    def cancels(self, cancel: Callable[[], object]) -> Generator[None]:
        """Let a signal cancel what runs inside; `heed` is to be called once it is.

        Raises:
            Stopped: one has come already, and what was raised then was swallowed: some imports expect errors.
        """
        self._cancel = cancel
        try:
            self._check()
            yield
        finally:
            self._cancel = None

    @contextlib.contextmanager
    def blocking(self) -> Generator[None]:
        """Let a signal break off what blocks inside: a cancellation would wait until it is done.

        Raises:
            Stopped: a signal comes, or one has come that is not heeded yet.
        """
        if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
            yield
            return
        self._blocked = True
        try:
            self._check()
            yield
        finally:
            self._blocked = False

    def _check(self) -> None:
        if self._due:
            self._due = False
            raise Stopped

    def heed(self) -> None:
        """Take the signal for heeded: what is read and written now is a farewell."""
        self._due = False

    def hurry(self) -> None:
        """Be gone in a moment, though a thread hangs: a name look-up, say, which nothing can cancel."""
        timer = threading.Timer(_GRACE, os._exit, (self.code,))
        timer.daemon = True
        timer.start()


ending: Final = Ending()
"""This process's."""
