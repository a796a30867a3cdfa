"""Pages fetched ahead: when they are asked for."""

import asyncio

import pytest

from aishoot_async.calls import SessionLifecycle
from aishoot_async.paging._lookahead import Lookahead

pytestmark = pytest.mark.anyio
LONG = 0.005
"""Seconds that count as a wait for the network."""


async def test_behind_a_long_wait_a_page_is_asked_for_before_another_is_read():
    asked: list[int] = []
    answered = asyncio.Event()

    async def fetch(number: int) -> int:
        asked.append(number)
        if number == 3:
            asyncio.get_running_loop().call_later(LONG, answered.set)
        await answered.wait()
        return number

    ahead = Lookahead(SessionLifecycle(), fetch, 1)
    # All that are on their way come together: their reader has no need to wait, and so no reason to let others run.
    for page in range(1, 4):
        assert await ahead.take(3, 3) == page
        assert asked == [*range(1, page + 4)]
    await ahead.stop()


async def test_who_is_cancelled_while_that_goes_out_finds_the_page_again():
    answered = asyncio.Event()

    async def fetch(number: int) -> int:
        if number == 3:
            asyncio.get_running_loop().call_later(LONG, answered.set)
        if number == 4:
            taking.cancel()
        await answered.wait()
        return number

    ahead = Lookahead(SessionLifecycle(), fetch, 1)
    taking = asyncio.create_task(ahead.take(3, 3))
    await asyncio.wait([taking])
    assert taking.cancelled()
    assert [await ahead.take(3, 3) for _ in range(3)] == [1, 2, 3]
    await ahead.stop()
