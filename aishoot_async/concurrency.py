"""Waiting for tasks that somebody else may wait for, too."""

import asyncio
from typing import Any


async def finished(task: "asyncio.Task[Any]") -> None:
    """Wait until a task has ended, however it ends; a caller who is cancelled here leaves it running.

    Not by `asyncio.wait`: from Python 3.14 on, its frame holds the task that waits. One that is cancelled there is then
    a reference cycle, which keeps all that it holds until the garbage collector runs.
    """
    if task.done():
        return
    ended: asyncio.Future[None] = task.get_loop().create_future()

    def wake(_: "asyncio.Task[Any]") -> None:
        if not ended.done():
            ended.set_result(None)

    task.add_done_callback(wake)
    try:
        await ended
    finally:
        task.remove_done_callback(wake)
