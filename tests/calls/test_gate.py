"""Admission: fair, bounded, and nothing is lost when a waiter gives up."""

import asyncio
import random

import pytest

from aishoot_async import CallTimeoutError, SessionClosedError, WrongLoopError
from aishoot_async.calls import Gate, Lifetime

pytestmark = pytest.mark.anyio


def gate(limit: int = 1, rate: float | None = None) -> Gate:
    return Gate(Lifetime(), limit=limit, rate=rate)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_come_first_served() -> None:
    one = gate()
    await one.enter(None)
    order: list[int] = []

    async def wait(number: int) -> None:
        await one.enter(None)
        order.append(number)
        await settle()
        one.leave()

    tasks = [asyncio.create_task(wait(number)) for number in range(5)]
    await settle()
    one.leave()
    # Whoever comes now stands behind those who wait, although a place was just given back.
    tasks.append(asyncio.create_task(wait(5)))
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4, 5]
    assert one._free == 1


async def test_waiting_is_bounded() -> None:
    one = gate()
    await one.enter(None)
    with pytest.raises(CallTimeoutError, match=r"0\.01 s \(Timeouts.pool\)") as caught:
        await one.enter(0.01)
    assert caught.value.maybe_sent is False
    one.leave()
    await one.enter(0.01)


async def test_a_waiter_that_is_cancelled_just_when_its_turn_comes_passes_it_on() -> None:
    one = gate()
    await one.enter(None)
    first, second = (asyncio.create_task(one.enter(None)) for _ in range(2))
    await settle()
    one.leave()
    first.cancel()
    await asyncio.wait([first, second], timeout=1)
    assert first.cancelled()
    assert second.done()
    assert not second.cancelled()
    one.leave()
    assert one._free == 1


async def test_a_waiter_that_is_cancelled_leaves_no_trace() -> None:
    one = gate()
    await one.enter(None)
    task = asyncio.create_task(one.enter(None))
    await settle()
    task.cancel()
    await asyncio.wait([task])
    one.leave()
    assert one._free == 1
    assert not one._waiting


async def test_closing_turns_everyone_away() -> None:
    lifetime = Lifetime()
    one = Gate(lifetime, limit=1, rate=None)
    await one.enter(None)
    tasks = [asyncio.create_task(one.enter(None)) for _ in range(3)]
    await settle()
    cancelled = asyncio.create_task(one.enter(None))
    await settle()
    lifetime.end()
    one.close()
    cancelled.cancel()
    for task in tasks:
        with pytest.raises(SessionClosedError):
            await task
    await asyncio.wait([cancelled])
    with pytest.raises(SessionClosedError):
        await one.enter(None)
    one.leave()
    assert one._free == 1


@pytest.mark.parametrize("seed", range(20))
async def test_random_waiting_and_cancelling_loses_no_place(seed: int) -> None:
    dice = random.Random(seed)
    one = gate(3)
    inside = 0
    most = 0

    async def pass_through() -> None:
        nonlocal inside, most
        await one.enter(dice.choice([None, 0.001]))
        inside += 1
        most = max(most, inside)
        try:
            await asyncio.sleep(dice.choice([0, 0, 0.001]))
        finally:
            inside -= 1
            one.leave()

    tasks = []
    for _ in range(100):
        tasks.append(asyncio.create_task(pass_through()))
        if dice.random() < 0.3:
            await asyncio.sleep(0)
        if dice.random() < 0.4:
            dice.choice(tasks).cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert result is None or isinstance(result, asyncio.CancelledError | CallTimeoutError)
    assert (one._free, inside) == (3, 0)
    assert most <= 3


async def test_the_rate() -> None:
    one = gate(100, rate=100.0)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(one.enter(None) for _ in range(6)))
    assert 0.049 <= loop.time() - begun < 0.5


async def test_those_who_give_up_take_no_place_in_the_rate() -> None:
    one = gate(100, rate=20.0)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await one.enter(None)
    impatient = [asyncio.create_task(one.enter(None)) for _ in range(50)]
    await settle()
    for task in impatient:
        task.cancel()
    await asyncio.wait(impatient)
    await one.enter(None)
    assert loop.time() - begun < 1.0
    assert one._free == 98


async def test_the_pool_time_out_bounds_the_rate_too() -> None:
    one = gate(100, rate=0.01)
    await one.enter(0.01)
    with pytest.raises(CallTimeoutError):
        await one.enter(0.01)
    assert one._free == 99


async def test_closing_wakes_those_who_wait_for_the_rate() -> None:
    lifetime = Lifetime()
    one = Gate(lifetime, limit=100, rate=0.01)
    await one.enter(None)
    tasks = [asyncio.create_task(one.enter(None)) for _ in range(3)]
    await settle()
    lifetime.end()
    one.close()
    for task in tasks:
        with pytest.raises(SessionClosedError):
            await task
    assert one._free == 99


async def test_a_lifetime_on_two_loops() -> None:
    lifetime = Lifetime()
    lifetime.check()

    async def elsewhere() -> None:
        with pytest.raises(WrongLoopError):
            await Gate(lifetime, limit=1, rate=None).enter(None)

    await asyncio.to_thread(asyncio.run, elsewhere())


async def test_tasks_of_a_lifetime() -> None:
    lifetime = Lifetime()
    await lifetime.sleep(0)

    async def fail() -> None:
        msg = "nobody's"
        raise LookupError(msg)

    async def stay() -> None:
        await asyncio.Event().wait()

    failed, stays = lifetime.spawn(fail()), lifetime.spawn(stay())
    await settle()
    assert failed.done()
    lifetime.end()
    await lifetime.join()
    assert stays.cancelled()
    with pytest.raises(SessionClosedError):
        lifetime.spawn(stay())
    with pytest.raises(SessionClosedError):
        await lifetime.sleep(10)
    await lifetime.join()
