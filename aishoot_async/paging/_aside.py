"""What is asked for beside the pages that are fetched ahead: where to begin, or a page once more."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from ..calls import SessionLifecycle
from ..concurrency import shared_result, wait_done
from ..errors import SessionClosedError

T = TypeVar("T")


class Aside:
    """Runs it in tasks of the session's own, so that a caller who is cancelled finds it again, however often.

    The work must refer neither to this object nor to its walk: that is how both can be collected meanwhile.

    Attributes:
        tasks: what was begun for the page that is judged now, by its name.
    """

    def __init__(self, owner: SessionLifecycle) -> None:
        """Run nothing yet."""
        self._owner = owner
        self.tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, name: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Give what the work comes to: work of that name that an earlier call has begun, if there is any.

        A caller who was cancelled asks for all of it again, in the same order, and is given what is known already.

        Raises:
            SessionClosedError: the session was closed.
        """
        task: asyncio.Task[T] | None = self.tasks.get(name)
        if task is None:
            task = self.tasks[name] = self._owner.spawn(work())
        return await shared_result(task, _closed)

    def forget(self) -> None:
        """Drop what was asked for: the page is judged."""
        self.tasks.clear()

    async def stop(self) -> None:
        """Cancel what is on its way, and wait until it has ended."""
        for task in [task for task in self.tasks.values() if task.cancel()]:
            await wait_done(task)
        self.forget()

    def abandon(self) -> None:
        """Cancel what is on its way, from wherever the garbage collector runs."""
        for task in tuple(self.tasks.values()):
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the task with it
                task.get_loop().call_soon_threadsafe(task.cancel)


def _closed() -> SessionClosedError:
    return SessionClosedError("the session was closed while a page was on its way")
