"""Work that is cancelled at any of its steps."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any


async def cancelled_at_some_step(work: Coroutine[Any, Any, Any], chance: Random, most: int) -> None:
    """Cancel it after fewer than ``most`` turns of the event loop, unless it comes to its end, complete."""
    task = asyncio.create_task(work)
    for _ in range(chance.randrange(most)):
        await asyncio.sleep(0)
        if task.done():
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled() or task.result().complete
