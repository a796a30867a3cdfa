"""What a test has left behind: tasks, descriptors, complaints to the event loop."""

import asyncio
import gc
from types import TracebackType
from typing import Any, Self

from helpers.sockets import descriptors


class NothingLeft:
    """Fails at its end if more tasks or descriptors are there than at its beginning, or the loop was told of an error.

    Servers belong inside it.
    """

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._handler = self._loop.get_exception_handler()
        self.complaints: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self._tasks = asyncio.all_tasks()
        self._descriptors = descriptors()
        return self

    def extra(self) -> tuple[set[asyncio.Task[Any]], int]:
        return asyncio.all_tasks() - self._tasks, descriptors() - self._descriptors

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for turn in range(100):
                tasks, count = self.extra()
                if not tasks and count <= 0:
                    break
                # What was closed needs some turns of the loop, and its other end some time.
                await asyncio.sleep(0 if turn < 50 else 0.01)
            gc.collect(1)
            await asyncio.sleep(0)
        finally:
            self._loop.set_exception_handler(self._handler)
        if error is None:
            assert not tasks, tasks
            assert count <= 0
            assert not self.complaints, self.complaints
