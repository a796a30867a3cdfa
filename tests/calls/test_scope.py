"""A call's scope: what `asyncio.timeout_at` would do, and nothing of it left behind."""

import asyncio
import math

import pytest

from aishoot_async.calls._scope import Scope

pytestmark = pytest.mark.anyio


def scope(seconds: float) -> Scope:
    loop = asyncio.get_running_loop()
    return Scope(loop, loop.time() + seconds)


async def test_the_deadline_cuts_off_what_is_inside_and_no_more() -> None:
    with scope(0.01) as cut:
        await asyncio.sleep(5)
    assert cut.expired
    await asyncio.sleep(0.02)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


@pytest.mark.parametrize("seconds", [0.01, math.inf])
async def test_what_ends_before_is_not_cut_off_afterwards(seconds: float) -> None:
    with scope(seconds) as whole:
        await asyncio.sleep(0)
    whole.put_off(asyncio.get_running_loop().time())
    whole.end()
    await asyncio.sleep(0.02)
    assert not whole.expired


async def test_an_error_of_its_own_passes() -> None:
    with pytest.raises(LookupError), scope(0.01):
        try:
            await asyncio.sleep(5)
        finally:
            raise LookupError


@pytest.mark.parametrize("first", ["the deadline", "the caller"])
async def test_who_cancels_the_task_has_it_cancelled_though_its_time_is_up(first: str) -> None:
    inside, behind = asyncio.Event(), []

    async def call() -> None:
        with scope(math.inf) as one:
            scopes.append(one)
            inside.set()
            await asyncio.sleep(5)
        behind.append(one)

    scopes: list[Scope] = []
    task = asyncio.create_task(call())
    await inside.wait()
    if first == "the caller":
        task.cancel()
        scopes[0]._cut_off()
    else:
        scopes[0]._cut_off()
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not behind


async def test_it_needs_a_task() -> None:
    failed = asyncio.get_running_loop().create_future()

    def callback() -> None:
        try:
            scope(1)
        except RuntimeError as error:
            failed.set_result(str(error))

    asyncio.get_running_loop().call_soon(callback)
    assert "task" in await failed
