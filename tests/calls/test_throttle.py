"""Admission: fair, bounded, and nothing is lost when a waiter gives up."""

import asyncio
import random

import pytest

from aishoot_async import CallTimeoutError, SessionClosedError, WrongLoopError
from aishoot_async.calls import SessionLifecycle, Throttle
from aishoot_async.calls._limit import Outcome, Permit
from aishoot_async.calls._throttle import Lane

pytestmark = pytest.mark.anyio


PLACE = Permit(1, 0)


def throttle(limit: int = 1, rate: float | None = None) -> Throttle:
    return Throttle(SessionLifecycle(), limit=limit, rate=rate)


def unused(one: Throttle) -> bool:
    return one.in_flight == one.waiting == 0


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_come_first_served() -> None:
    one = throttle()
    await one.acquire("single", None)
    order: list[int] = []

    async def wait(number: int) -> None:
        await one.acquire("single", None)
        order.append(number)
        await settle()
        one.release(PLACE)

    tasks = [asyncio.create_task(wait(number)) for number in range(5)]
    await settle()
    one.release(PLACE)
    # Whoever comes now stands behind those who wait, although a place was just given back.
    tasks.append(asyncio.create_task(wait(5)))
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4, 5]
    assert unused(one)


async def test_waiting_is_bounded() -> None:
    one = throttle()
    await one.acquire("single", None)
    with pytest.raises(CallTimeoutError, match=r"0\.01 s \(Timeouts.pool\)") as caught:
        await one.acquire("single", 0.01)
    assert caught.value.maybe_sent is False
    one.release(PLACE)
    await one.acquire("single", 0.01)


async def test_a_waiter_that_is_cancelled_just_when_its_turn_comes_passes_it_on() -> None:
    one = throttle()
    await one.acquire("single", None)
    first, second = (asyncio.create_task(one.acquire("single", None)) for _ in range(2))
    await settle()
    one.release(PLACE)
    first.cancel()
    await asyncio.wait([first, second], timeout=1)
    assert first.cancelled()
    assert second.done()
    assert not second.cancelled()
    one.release(PLACE)
    assert unused(one)


async def test_a_waiter_that_is_cancelled_leaves_no_trace() -> None:
    one = throttle()
    await one.acquire("single", None)
    task = asyncio.create_task(one.acquire("single", None))
    await settle()
    task.cancel()
    await asyncio.wait([task])
    one.release(PLACE)
    assert unused(one)


async def test_closing_turns_everyone_away() -> None:
    lifecycle = SessionLifecycle()
    one = Throttle(lifecycle, limit=1, rate=None)
    await one.acquire("single", None)
    tasks = [asyncio.create_task(one.acquire("single", None)) for _ in range(3)]
    await settle()
    cancelled = asyncio.create_task(one.acquire("single", None))
    await settle()
    lifecycle.close()
    one.close()
    cancelled.cancel()
    for task in tasks:
        with pytest.raises(SessionClosedError):
            await task
    await asyncio.wait([cancelled])
    with pytest.raises(SessionClosedError):
        await one.acquire("single", None)
    one.release(PLACE)
    assert unused(one)


@pytest.mark.parametrize("seed", range(20))
async def test_random_waiting_and_cancelling_loses_no_place(seed: int) -> None:
    dice = random.Random(seed)
    one = throttle(3)
    inside = 0
    most = 0

    async def pass_through() -> None:
        nonlocal inside, most
        await one.acquire("single", dice.choice([None, 0.001]))
        inside += 1
        most = max(most, inside)
        try:
            await asyncio.sleep(dice.choice([0, 0, 0.001]))
        finally:
            inside -= 1
            one.release(PLACE)

    tasks = []
    for _ in range(100):
        tasks.append(asyncio.create_task(pass_through()))
        if dice.random() < 0.3:
            await asyncio.sleep(0)
        if dice.random() < 0.4:
            dice.choice(tasks).cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert result is None or isinstance(result, asyncio.CancelledError | CallTimeoutError)
    assert unused(one)
    assert inside == 0
    assert most <= 3


async def test_the_rate() -> None:
    one = throttle(100, rate=100.0)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(one.acquire("single", None) for _ in range(6)))
    assert 0.049 <= loop.time() - begun < 5.0


async def test_those_who_give_up_take_no_place_in_the_rate() -> None:
    one = throttle(100, rate=20.0)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await one.acquire("single", None)
    impatient = [asyncio.create_task(one.acquire("single", None)) for _ in range(50)]
    await settle()
    for task in impatient:
        task.cancel()
    await asyncio.wait(impatient)
    await one.acquire("single", None)
    assert loop.time() - begun < 2.0  # the fifty would take 2.5 s
    assert one.in_flight == 2


async def test_the_pool_time_out_bounds_the_rate_too() -> None:
    one = throttle(100, rate=0.01)
    await one.acquire("single", 0.01)
    with pytest.raises(CallTimeoutError):
        await one.acquire("single", 0.01)
    assert one.in_flight == 1


async def test_closing_wakes_those_who_wait_for_the_rate() -> None:
    lifecycle = SessionLifecycle()
    one = Throttle(lifecycle, limit=100, rate=0.01)
    await one.acquire("single", None)
    tasks = [asyncio.create_task(one.acquire("single", None)) for _ in range(3)]
    await settle()
    lifecycle.close()
    one.close()
    for task in tasks:
        with pytest.raises(SessionClosedError):
            await task
    assert one.in_flight == 1


async def test_a_lifetime_on_two_loops() -> None:
    lifecycle = SessionLifecycle()
    lifecycle.check()

    async def elsewhere() -> None:
        with pytest.raises(WrongLoopError):
            await Throttle(lifecycle, limit=1, rate=None).acquire("single", None)

    await asyncio.to_thread(asyncio.run, elsewhere())


async def test_tasks_of_a_lifetime() -> None:
    lifecycle = SessionLifecycle()
    await lifecycle.sleep(0)

    async def fail() -> None:
        msg = "nobody's"
        raise LookupError(msg)

    async def stay() -> None:
        await asyncio.Event().wait()

    failed, stays = lifecycle.spawn(fail()), lifecycle.spawn(stay())
    await settle()
    assert failed.done()
    lifecycle.close()
    await lifecycle.cancel_all()
    assert stays.cancelled()
    with pytest.raises(SessionClosedError):
        lifecycle.spawn(stay())
    with pytest.raises(SessionClosedError):
        await lifecycle.sleep(10)
    await lifecycle.cancel_all()


async def in_order(one: Throttle, lanes: list[Lane]) -> list[Lane]:
    """Give the order in which those who wait in these lanes are let in, one after the other."""
    place = await one.acquire("single", None)
    order: list[Lane] = []

    async def wait(lane: Lane) -> None:
        permit = await one.acquire(lane, None)
        order.append(lane)
        one.release(permit)

    tasks = [asyncio.create_task(wait(lane)) for lane in lanes]
    await settle()
    one.release(place)
    await asyncio.gather(*tasks)
    return order


async def test_a_single_call_waits_for_one_page_of_a_walk_at_most() -> None:
    order = await in_order(throttle(), ["walk"] * 30 + ["single"])
    assert order.index("single") <= 1


async def test_a_walk_goes_on_beside_any_number_of_single_calls() -> None:
    order = await in_order(throttle(), ["single"] * 30 + ["walk"] * 3)
    assert order[:7].count("walk") == 3


async def test_who_was_admitted_before_goes_first() -> None:
    order = await in_order(throttle(), ["walk", "single", "single", "retry"])
    assert order[0] == "retry"


async def test_a_pause_holds_everyone_back_and_ends_by_itself() -> None:
    one = throttle(10)
    await one.acquire("single", None)
    begun = asyncio.get_running_loop().time()
    one.pause(0.05)
    one.pause(0.01)
    tasks = [asyncio.create_task(one.acquire("walk", None)) for _ in range(3)]
    await settle()
    assert one.in_flight == 1
    await asyncio.gather(*tasks)
    assert asyncio.get_running_loop().time() - begun >= 0.05
    assert one.in_flight == 4


async def test_a_pause_is_waited_for_as_admission_is() -> None:
    one = throttle(10)
    one.release(await one.acquire("single", None))
    one.pause(30)
    with pytest.raises(CallTimeoutError):
        await one.acquire("single", 0.01)
    assert unused(one)


async def test_a_lower_limit_lets_fewer_in() -> None:
    one = throttle(4)
    places = [await one.acquire("walk", None) for _ in range(4)]
    waiting = [asyncio.create_task(one.acquire("walk", None)) for _ in range(3)]
    await settle()
    for place in places[1:]:
        one.release(place, Outcome.RATE_LIMITED)
    await settle()
    assert (one.limit, one.in_flight, one.waiting) == (1, 1, 3)
    one.release(places[0])
    await settle()
    assert (one.in_flight, one.waiting) == (1, 2)
    one.close()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_rate_is_reached_although_timers_ring_late() -> None:
    one = throttle(1000, rate=1000.0)
    loop = asyncio.get_running_loop()
    starts: list[float] = []

    async def start() -> None:
        await one.acquire("single", None)
        starts.append(loop.time())

    await asyncio.gather(*(start() for _ in range(200)))
    # Two hundred at 1,000 a second: not sooner; later only by what one timer is late in the end.
    assert starts[-1] - starts[0] >= 0.18
    most_in_a_tenth = max(sum(1 for other in starts if begun <= other < begun + 0.1) for begun in starts)
    assert most_in_a_tenth <= 112
