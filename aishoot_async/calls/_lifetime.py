"""From the first call to the end of the last: which loop and process a session belongs to, and the tasks it owns."""

import asyncio
import math
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..errors import SessionClosedError, WrongLoopError
from ._scope import Scope

T = TypeVar("T")


def closed_error() -> SessionClosedError:
    """Make the error of every call that meets a closed session."""
    return SessionClosedError("the session is closed")


class Lifetime:
    """Bound to the running loop by its first use; closed once."""

    def __init__(self) -> None:
        """Bind nothing yet."""
        self.closed: bool = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._kept: set[asyncio.Task[Any]] = set()
        self._calls: set[Scope] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet = asyncio.Event()
        self._ended: asyncio.Future[None] | None = None

    def check(self) -> asyncio.AbstractEventLoop:
        """Bind on the first call; give the loop.

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
        """Tell whether this is another event loop, or another process, than that it is bound to; bind nothing."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return os.getpid() != self._pid  # in a forked child, no loop counts as running
        return self._loop is not None and self._loop is not loop

    @property
    def is_stranded(self) -> bool:
        """Whether the loop that it is bound to is closed, so that nobody is left who waits there."""
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
        """Bind nothing.

        Raises:
            SessionClosedError: the session is closed.
        """
        if self.closed:
            raise closed_error()

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run work in a task that the session owns: it is cancelled, and awaited, when the session closes."""
        return self._run(work, self._tasks)

    def keep(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run work that must come to its end: it is awaited when the session closes, and not cancelled."""
        return self._run(work, self._kept)

    def _run(self, work: Coroutine[Any, Any, T], tasks: "set[asyncio.Task[Any]]") -> "asyncio.Task[T]":
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
        self._kept.discard(task)
        if not task.cancelled():
            # Retrieved, so that an abandoned page's error is not reported to the loop.
            task.exception()

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless the session closes.

        Raises:
            SessionClosedError: it did.
        """
        await self.wait_for(None, seconds)

    async def wait_for(self, event: "asyncio.Future[None] | None", seconds: float) -> None:
        """Wait for an event, but not longer than so many seconds, and not beyond the session's end.

        Raises:
            SessionClosedError: the session closed.
        """
        events = [future for future in (event, self._ended) if future is not None]
        if events:
            await asyncio.wait(events, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        self.check_open()

    def end(self) -> bool:
        """Mark as closed; give whether this call did it.

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

    def began(self, scope: Scope) -> None:
        """Hear of a call under way, and cut it off at its deadline.

        One timer does for all of them, where each its own would take longer than to enter its scope: a call has no
        earlier deadline than those before it. Theirs may have been put off, but by no more than the time that has
        passed; those are looked at again then.
        """
        self._calls.add(scope)
        if self._timer is None:
            self._wait_until(scope.deadline)

    def _wait_until(self, deadline: float) -> None:
        if self._loop is not None and deadline < math.inf:
            self._timer = self._loop.call_at(deadline, self._rung, self._loop)

    def _rung(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for scope in self._calls:
            if scope.deadline <= now:
                scope.cut_off()
        self._timer = None
        self._wait_until(min((scope.deadline for scope in self._calls if not scope.expired), default=math.inf))

    def ended(self, scope: Scope) -> None:
        """Hear that the call has ended."""
        self._calls.discard(scope)
        if self.closed and not self._calls:
            self._quiet.set()

    async def join(self) -> None:
        """Cancel the tasks, let the calls under way run out of time, and wait until all of them have ended.

        Calls do not wait for their connections to be closed: one whose server takes nothing would never be.
        """
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        for scope in self._calls:
            scope.cut_off()
        if self._timer is not None:
            self._timer.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._calls:
            self._quiet.clear()
            await self._quiet.wait()

    async def outlast(self) -> None:
        """Wait until the work that must come to its end has done so."""
        while self._kept:
            await asyncio.wait(self._kept)
