"""Tasks that several callers wait for, and bounded workers over an iterator."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest

from aishoot_async import SyncError
from aishoot_async.concurrency import SingleFlight, for_each, shared_result, wait_done
from helpers.leaks import NothingLeft

pytestmark = pytest.mark.anyio


class ClosedError(Exception):
    """What the waiters of a cancelled task get."""


async def settled(*tasks: "asyncio.Task[object]") -> list[object]:
    return await asyncio.gather(*tasks, return_exceptions=True)


class Work:
    """Work that waits to be let go, and is counted."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.begun = self.ended = 0
        self.go = asyncio.Event()
        self.runs = asyncio.Event()

    async def run(self) -> int:
        self.begun += 1
        self.runs.set()
        try:
            await self.go.wait()
        finally:
            self.ended += 1
        if self.error is not None:
            raise self.error
        return self.begun

    def start(self) -> "asyncio.Task[int]":
        return asyncio.create_task(self.run())


def callers(flight: SingleFlight[str, int], work: Work, count: int) -> "list[asyncio.Task[int]]":
    return [asyncio.create_task(flight.run("key", work.start)) for _ in range(count)]


async def test_callers_of_one_key_share_one_task() -> None:
    flight, work = SingleFlight[str, int](ClosedError), Work()
    tasks = callers(flight, work, 5)
    await work.runs.wait()
    other = asyncio.create_task(flight.run("other", work.start))
    work.go.set()
    assert len({await task for task in tasks}) == 1
    await other
    assert work.begun == 2
    await flight.run("key", work.start)
    assert work.begun == 3, "what has ended is begun anew"


async def test_who_asks_before_the_waiters_wake_up_shares_and_who_asks_again_does_not() -> None:
    flight, work = SingleFlight[str, int](ClosedError), Work(SyncError("no"))
    work.go.set()
    task = flight.start("key", work.start)

    async def twice() -> None:
        for _ in range(2):
            with pytest.raises(SyncError):
                await flight.run("key", work.start)

    await asyncio.sleep(0)
    assert task.done()  # and nobody knows of it yet
    await twice()
    assert work.begun == 2


async def test_a_cancelled_caller_does_not_cancel_the_task() -> None:
    flight, work = SingleFlight[str, int](ClosedError), Work()
    first, second = callers(flight, work, 2)
    await work.runs.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not second.done()
    assert flight.callers == 1
    work.go.set()
    await flight.drain()
    assert await second == work.begun == 1
    assert flight.callers == 0


async def test_a_task_that_every_caller_has_left_goes_on_and_is_found_again() -> None:
    flight, work = SingleFlight[str, int](ClosedError), Work()
    tasks = callers(flight, work, 2)
    await work.runs.wait()
    for task in tasks:
        task.cancel()
    await settled(*tasks)
    (again,) = callers(flight, work, 1)
    work.go.set()
    assert await again == work.begun == 1


async def test_each_caller_gets_an_error_of_its_own() -> None:
    error = SyncError("no")
    error.__cause__ = OSError("disk full")
    flight, work = SingleFlight[str, int](ClosedError), Work(error)
    tasks = callers(flight, work, 3)
    work.go.set()
    errors = await settled(*tasks)
    assert [str(each) for each in errors] == ["no"] * 3
    assert len({id(each) for each in [*errors, error]}) == 4
    for each in errors:
        assert isinstance(each, SyncError)
        assert each.__cause__ is error.__cause__


async def test_an_error_that_is_no_librarys_passes_as_it_is() -> None:
    error = LookupError("no")
    flight, work = SingleFlight[str, int](ClosedError), Work(error)
    tasks = callers(flight, work, 2)
    work.go.set()
    assert await settled(*tasks) == [error, error]


async def test_an_error_that_nobody_waits_for_is_not_reported() -> None:
    async with NothingLeft():
        flight, work = SingleFlight[str, int](ClosedError), Work(SyncError("no"))
        task = flight.start("key", work.start)
        assert flight.start("key", work.start) is task
        work.go.set()
        await wait_done(task)
        del task
        await asyncio.sleep(0)
        gc.collect()


async def test_waiters_of_a_cancelled_task_are_told_so_and_not_cancelled() -> None:
    flight, work = SingleFlight[str, int](ClosedError), Work()
    tasks = callers(flight, work, 2)
    await work.runs.wait()
    flight.start("key", work.start).cancel()
    assert [type(each) for each in await settled(*tasks)] == [ClosedError] * 2


async def test_the_last_caller_that_leaves_ends_an_abandoned_task() -> None:
    flight, work = SingleFlight[str, int](ClosedError, cancel_abandoned=True), Work()
    first, second = callers(flight, work, 2)
    await work.runs.wait()
    first.cancel()
    await settled(first)
    assert work.ended == 0
    second.cancel()
    await settled(second)
    assert (work.begun, work.ended) == (1, 1), "its end is waited for"
    (again,) = callers(flight, work, 1)
    work.go.set()
    assert await again == 2


async def test_what_is_forgotten_runs_on() -> None:
    flight, work = SingleFlight[str, int](ClosedError), Work()
    task = flight.start("key", work.start)
    flight.clear()
    assert flight.start("key", work.start) is not task
    work.go.set()
    await wait_done(task)
    assert task.result()


async def test_a_result_that_is_there_already() -> None:
    work = Work()
    work.go.set()
    task = work.start()
    assert [await shared_result(task, ClosedError) for _ in range(2)] == [1, 1]


async def test_waiting_leaves_no_cycle_behind_a_cancelled_caller() -> None:
    work = Work()
    task = work.start()
    waiting = asyncio.create_task(wait_done(task))
    await work.runs.wait()
    left = weakref.ref(waiting)
    gc.disable()
    try:
        ended = asyncio.Event()
        waiting.add_done_callback(lambda _: ended.set())
        waiting.cancel()
        del waiting
        await ended.wait()
        await asyncio.sleep(0)
        assert left() is None
    finally:
        gc.enable()
    work.go.set()
    await task


def numbers(count: int) -> Iterator[int]:
    yield from range(count)


async def numbers_later(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


SOURCES = {"iterator": numbers, "async iterator": numbers_later, "list": lambda count: [*range(count)]}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("workers", [1, 3, 50])
async def test_each_item_is_worked_on_once_and_few_at_once(source: str, workers: int) -> None:
    seen: list[int] = []
    at_once = most = 0

    async def work(number: int) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        seen.append(number)
        at_once -= 1

    await for_each(SOURCES[source](20), work, workers=workers)
    assert sorted(seen) == [*range(20)]
    assert most <= workers


async def test_no_items_is_no_work() -> None:
    await for_each([], settled, workers=3)


@pytest.mark.parametrize("source", SOURCES)
async def test_the_first_error_is_raised_plain_and_cancels_the_others(source: str) -> None:
    begun: list[int] = []
    cancelled: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise SyncError("no")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    async with NothingLeft():
        with pytest.raises(SyncError, match="no") as caught:
            await for_each(SOURCES[source](20), work, workers=3)
    assert (begun, sorted(cancelled)) == ([0, 1, 2], [0, 1])
    assert caught.value.__context__ is None


async def test_work_under_way_may_end_within_its_grace_and_nothing_more_is_begun() -> None:
    begun, ended = [], []
    failed = asyncio.Event()

    async def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            failed.set()
            raise SyncError("first")
        await failed.wait()
        await asyncio.sleep(0)
        ended.append(number)
        raise SyncError("second")

    with pytest.raises(SyncError, match="first"):
        await for_each(numbers(20), work, workers=3, grace=60)
    assert begun == [0, 1, 2]
    assert sorted(ended) == [0, 1]


async def test_grace_ends() -> None:
    async def work(number: int) -> None:
        if number == 0:
            raise SyncError("no")
        await asyncio.Event().wait()

    with pytest.raises(SyncError):
        await for_each(numbers(3), work, workers=3, grace=0.01)


async def test_an_error_of_the_iterator_is_raised_plain() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise SyncError("no more")

    with pytest.raises(SyncError, match="no more"):
        await for_each(broken(), settled_later, workers=3)


async def settled_later(_: int) -> None:
    await asyncio.sleep(0)


async def test_cancelling_the_caller_cancels_the_work_and_waits_for_it() -> None:
    begun, ended = asyncio.Event(), []

    async def work(number: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async with NothingLeft():
        task = asyncio.create_task(for_each(numbers(20), work, workers=3))
        await begun.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert sorted(ended) == [0, 1, 2]


async def test_work_that_is_cancelled_by_others_does_not_pass_for_done() -> None:
    async def work(number: int) -> None:
        other = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        other.cancel()
        await other

    with pytest.raises(asyncio.CancelledError):
        await for_each(numbers(3), work, workers=2)
