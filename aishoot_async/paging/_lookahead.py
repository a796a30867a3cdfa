"""Pages fetched ahead and handed on in order, a bounded number of them in flight or ready."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from ..calls import SessionLifecycle
from ..concurrency import wait_done
from ..errors import SessionClosedError

T = TypeVar("T")
_LONG: Final = 0.001
"""Seconds; a turn of the event loop takes some hundredths of that."""


class Lookahead(Generic[T]):
    """Fetches pages ``first``, ``first + 1``, … in tasks of the session's own.

    ``fetch`` must refer neither to this object nor to its walk: that is how both can be collected while tasks run.
    """

    def __init__(self, owner: SessionLifecycle, fetch: Callable[[int], Coroutine[Any, Any, T]], first: int) -> None:
        """Fetch nothing yet."""
        self._owner = owner
        self._fetch = fetch
        self._number = first
        self._tasks: deque[asyncio.Task[T]] = deque()
        self._is_far = False
        """Whether the latest wait for a page was so long that a turn of the event loop is little beside it."""

    async def take(self, window: int, then: int) -> T:
        """Give the next page, with ``window`` pages in flight or ready meanwhile, and ``then`` when it is handed on.

        Those are asked for now, and not when the consumer comes back: the service would wait meanwhile.
        A caller that is cancelled here loses nothing: the next call gives the same page.

        Raises:
            AIShootError: as ``fetch`` did for this page.
            SessionClosedError: the session was closed.
            WrongLoopError: this is another event loop than the first page's.
        """
        self._owner.check()  # even where no page has to be asked for
        self.fill(window)
        task = self._tasks[0]
        if not task.done():
            begun = time.monotonic()
            await wait_done(task)
            self._is_far = time.monotonic() - begun > _LONG
        if not task.cancelled() and task.exception() is None and self._tasks:
            self.fill(1 + then)
            if self._is_far:
                # Lets the requests go out now: else they would wait until all pages that are ready have been read.
                await asyncio.sleep(0)
        if task.cancelled() or not self._tasks:  # `stop`, called by another task, may have been faster
            msg = "the session was closed while a page was on its way"
            raise SessionClosedError(msg)
        self._tasks.popleft()
        return task.result()

    def fill(self, window: int) -> None:
        """Have so many pages in flight or ready.

        Raises:
            SessionClosedError: the session was closed.
            WrongLoopError: this is another event loop than the first page's.
        """
        while len(self._tasks) < window:
            self._tasks.append(self._owner.spawn(self._fetch(self._number)))
            self._number += 1

    async def rest(self) -> None:
        """Wait until nothing is in flight: what is asked for beside these pages is in the window, too."""
        for task in tuple(self._tasks):
            await wait_done(task)

    async def stop(self) -> None:
        """Cancel what is on its way, and wait until it has ended."""
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            await wait_done(task)
        self._tasks.clear()

    def abandon(self) -> None:
        """Cancel what is on its way, from wherever the garbage collector runs."""
        for task in tuple(self._tasks):  # a probe may take one meanwhile
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the task with it
                task.get_loop().call_soon_threadsafe(task.cancel)
