"""The life of a session: which event loop and process it belongs to, its tasks, its calls, and their end."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..errors import SessionClosedError, WrongLoopError

T = TypeVar("T")


def closed_error() -> SessionClosedError:
    """Return the error of every call on a closed session."""
    return SessionClosedError("the session is closed")


class SessionLifecycle:
    """Bound to the running event loop by its first use, and closed once.

    Attributes:
        closed: whether the session is closed.
    """

    def __init__(self) -> None:
        """Bind nothing yet."""
        self.closed: bool = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._shielded: set[asyncio.Task[Any]] = set()
        self._calls: set[asyncio.Timeout] = set()
        self._no_calls = asyncio.Event()
        self._ended: asyncio.Future[None] | None = None

    def check(self) -> asyncio.AbstractEventLoop:
        """Bind on the first call; return the event loop.

        Raises:
            SessionClosedError: the session is closed.
            WrongLoopError: this is another loop or another process.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # In a forked child no loop counts as running, even inside a coroutine.
            self._check_process()
            self.check_open()
            raise
        if self._loop is not loop:
            self._bind(loop)
        self.check_open()
        return loop

    def is_elsewhere(self) -> bool:
        """Tell whether this is another event loop or process than the one that it is bound to; bind nothing."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return os.getpid() != self._pid  # in a forked child, no loop counts as running
        return self._loop is not None and self._loop is not loop

    @property
    def is_stranded(self) -> bool:
        """Whether its event loop is closed, so that nothing waits there any more."""
        return self._loop is not None and self._loop.is_closed()

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        self._check_process()
        self.check_open()
        if self._loop is not None:
            msg = "this session belongs to another event loop; make one for each loop"
            raise WrongLoopError(msg)
        self._loop = loop
        self._ended = loop.create_future()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            msg = "this session belongs to the parent process; make one in the child"
            raise WrongLoopError(msg)

    def check_open(self) -> None:
        """Check that the session is open; bind nothing.

        Raises:
            SessionClosedError: the session is closed.
        """
        if self.closed:
            raise closed_error()

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task that is cancelled and awaited when the session closes."""
        return self._start(work, self._tasks)

    def spawn_shielded(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task that is awaited when the session closes, and not cancelled."""
        return self._start(work, self._shielded)

    def _start(self, work: Coroutine[Any, Any, T], tasks: "set[asyncio.Task[Any]]") -> "asyncio.Task[T]":
        try:
            loop = self.check()
        except BaseException:
            work.close()
            raise
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        self._shielded.discard(task)
        if not task.cancelled():
            # Retrieved, so that the error of an abandoned page is not reported to the event loop.
            task.exception()

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless the session closes.

        Raises:
            SessionClosedError: it did.
        """
        await self.wait_for(None, seconds)

    async def wait_for(self, event: "asyncio.Future[None] | None", seconds: float) -> None:
        """Wait for an event, for at most so many seconds, and not beyond the end of the session.

        Raises:
            SessionClosedError: the session closed.
        """
        events = [future for future in (event, self._ended) if future is not None]
        if events:
            await asyncio.wait(events, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        self.check_open()

    def close(self) -> bool:
        """Mark the session as closed; return whether this call did it.

        Raises:
            WrongLoopError: the session is in use on another loop, or belongs to another process.
        """
        if self.closed:
            return False
        if self._loop is not None or os.getpid() != self._pid:
            self.check()
        self.closed = True
        if self._ended is not None:
            self._ended.set_result(None)
        return True

    def track(self, call: asyncio.Timeout) -> None:
        """Register the deadline of a call that begins, so that closing the session can end it."""
        self._calls.add(call)

    def untrack(self, call: asyncio.Timeout) -> None:
        """Forget a call that has ended."""
        self._calls.discard(call)
        if self.closed and not self._calls:
            self._no_calls.set()

    async def cancel_all(self) -> None:
        """Cancel the tasks, end the calls by their deadlines, and wait until all of them have ended.

        This does not wait until their connections are closed: a server that reads nothing would keep them open.
        """
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        for call in self._calls:
            if not call.expired():
                call.reschedule(0.0)  # it is past
        if tasks:
            await asyncio.wait(tasks)
        if self._calls:
            self._no_calls.clear()
            await self._no_calls.wait()

    async def drain(self) -> None:
        """Wait until the shielded tasks have ended."""
        while self._shielded:
            await asyncio.wait(self._shielded)
