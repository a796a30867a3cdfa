"""One thing asked for beside the pages that are fetched ahead: where to begin, or a page once more."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..calls import Lifetime
from ..concurrency import finished
from ..errors import SessionClosedError

T = TypeVar("T")


class Aside:
    """Runs it in a task of the session's own, so that a caller who is cancelled finds it again, however often.

    The work must refer neither to this object nor to its walk: that is how both can be collected meanwhile.
    """

    def __init__(self, owner: Lifetime) -> None:
        """Run nothing yet."""
        self._owner = owner
        self._task: asyncio.Task[Any] | None = None

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Give what the work comes to: work begun by a call that was cancelled, if there is any.

        Raises:
            SessionClosedError: the session was closed.
        """
        if self._task is None:
            self._task = self._owner.spawn(work())
        task: asyncio.Task[T] = self._task
        await finished(task)
        self._task = None
        if task.cancelled():
            msg = "the session was closed while a page was on its way"
            raise SessionClosedError(msg)
        return task.result()

    async def stop(self) -> None:
        """Cancel what is on its way, and wait until it has ended."""
        task = self._task
        if task is not None and task.cancel():
            await finished(task)

    def abandon(self) -> None:
        """Cancel what is on its way, from wherever the garbage collector runs."""
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the task with it
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
