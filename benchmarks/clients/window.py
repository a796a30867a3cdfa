"""A window of pages, in their order: what whoever writes it by hand writes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def in_order(fetch: Callable[[int], Awaitable[T]], pages: int, window: int) -> AsyncIterator[T]:
    """Fetch the pages 1 to ``pages``, ``window`` at a time; the total tells a script how many there are."""
    ahead: deque[asyncio.Task[T]] = deque()
    for number in range(1, pages + 1):
        ahead.append(asyncio.ensure_future(fetch(number)))
        if len(ahead) == window:
            yield await ahead.popleft()
    while ahead:
        yield await ahead.popleft()
