"""A call's scope: what `asyncio.timeout_at` would do, with one timer for all calls of a session."""

import asyncio
import math
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from aishoot_async.calls._lifetime import Lifetime
from aishoot_async.calls._scope import Scope

pytestmark = pytest.mark.anyio


@contextmanager
def scope(seconds: float, lifetime: Lifetime | None = None) -> Generator[Scope]:
    lifetime = lifetime or Lifetime()
    loop = lifetime.check()
    with Scope(loop, loop.time() + seconds) as made:
        lifetime.began(made)
        try:
            yield made
        finally:
            lifetime.ended(made)


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
    await asyncio.sleep(0.02)
    assert not whole.expired


async def test_each_of_many_is_cut_off_at_its_own_deadline() -> None:
    """The timer of all waits for the next deadline behind each: of a call that began meanwhile, or was put off."""
    lifetime, loop = Lifetime(), asyncio.get_running_loop()
    begun = loop.time()

    async def call(at: float, seconds: float, put_off: float = 0.0) -> float:
        await asyncio.sleep(at)
        with scope(seconds, lifetime) as one:
            one.deadline += put_off
            await asyncio.sleep(5)
        return loop.time() - begun

    ended = await asyncio.gather(call(0, 0.1), call(0, 0.1, put_off=0.1), call(0.05, 0.1))
    ended.append(await call(0, 0.1) - 0.2)  # begun when none was left to wait for
    late = [seconds - due for seconds, due in zip(ended, [0.1, 0.2, 0.15, 0.1], strict=True)]
    assert min(late) > -0.005
    assert max(late) < 1


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
        scopes[0].cut_off()
    else:
        scopes[0].cut_off()
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not behind


async def test_it_needs_a_task() -> None:
    failed = asyncio.get_running_loop().create_future()

    def callback() -> None:
        try:
            Scope(asyncio.get_running_loop(), 1)
        except RuntimeError as error:
            failed.set_result(str(error))

    asyncio.get_running_loop().call_soon(callback)
    assert "task" in await failed
