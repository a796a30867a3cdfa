"""What every test of paging stands on."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest

from paging.hostile import Answer, HostileServer


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    """Start a listing server whose answers the test sets; nothing of the client may be left on the loop at the end."""
    complaints: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    answer: Callable[[int, int], Answer] = lambda page, size: (500, b"")  # noqa: E731
    async with HostileServer(answer) as running:
        yield running
        gc.collect(1)  # what a test has left; all of the heap would take longer than the test
    assert not complaints
