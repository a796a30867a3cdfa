"""Ctrl-C and SIGTERM: what runs on the event loop is cancelled, and what blocks is interrupted."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_EXIT_TIMEOUT: Final = 0.5  # seconds that threads have to end in


class Stopped(BaseException):
    """A signal came where nothing can be cancelled: outside the event loop, or in a blocking read or write."""


class SignalHandler:
    """How this process is told to end.

    Attributes:
        number: the signal that came first; ``None`` as long as none has.
    """

    def __init__(self) -> None:
        """Handle nothing before `install`."""
        self.number: int | None = None
        self._cancel: Callable[[], object] | None = None
        self._is_interruptible = False
        self._is_pending = False  # a signal has come, and nothing has been ended by it yet

    @property
    def exit_code(self) -> int:
        """The exit code that names the signal, as in shells: 130 or 143."""
        return 128 + (self.number or signal.SIGINT)

    def install(self) -> None:
        """Take over both signals."""
        for number in _SIGNALS:
            signal.signal(number, self._handle)

    def restore(self) -> None:
        """Give the signals back: whoever sends one now wants the process to be gone."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # what a handler is given
        self.number = self.number or number
        self._is_pending = not self._is_interruptible
        if self._cancel is not None:
            # Also where a write is interrupted: in a callback or a task of its own, asyncio would keep the exception.
            self._cancel()
        if self._cancel is None or self._is_interruptible:
            raise Stopped

    @contextlib.contextmanager
    def cancelling(self, cancel: Callable[[], object]) -> Generator[None]:
        """Let a signal call `cancel`, in the middle of anything; `acknowledge` is to be called once it took effect.

        Raises:
            Stopped: a signal has come already, and an import that expects errors has swallowed the exception.
        """
        self._cancel = cancel
        try:
            self._raise_pending()
            yield
        finally:
            self._cancel = None

    @contextlib.contextmanager
    def interruptible(self) -> Generator[None]:
        """Let a signal interrupt what blocks inside: a cancellation would wait until it is done.

        Raises:
            Stopped: a signal comes, or one is pending.
        """
        if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
            yield
            return
        self._is_interruptible = True
        try:
            self._raise_pending()
            yield
        finally:
            self._is_interruptible = False

    def _raise_pending(self) -> None:
        if self._is_pending:
            self._is_pending = False
            raise Stopped

    def acknowledge(self) -> None:
        """Mark the signal as handled: later input and output belongs to the last words."""
        self._is_pending = False

    def force_exit_soon(self) -> None:
        """Exit in a moment, even if a thread hangs: in a name look-up, say, which nothing can cancel."""
        timer = threading.Timer(_EXIT_TIMEOUT, os._exit, (self.exit_code,))
        timer.daemon = True
        timer.start()


signals: Final = SignalHandler()
"""This process's."""
