"""A consumer that is cancelled, or too hasty, and comes back: it finds what it left."""

import asyncio
from typing import Any

import pytest

from aishoot_async import Cursor
from paging.hostile import HostileServer, Rows, failure, gone, ids, names, rows, tasks

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("prefetch", [1, 3, 8])
@pytest.mark.parametrize("total", ["honest", "missing"])
@pytest.mark.parametrize("past_end", ["empty", 404])
async def test_a_consumer_that_is_cancelled_at_every_page_loses_nothing(
    server: HostileServer, prefetch: int, total: str, past_end: str | int
):
    shown = Rows(rows(*range(1, 18)), total=total, past_end=past_end)
    once: list[int] = []

    def answer(page: int, size: int):
        if page == 3 and once.count(3) < 1:
            once.append(3)
            return 200, shown.__class__([], total=17 if total == "honest" else "missing")(1, size)[1]
        return shown(page, size)

    server.answer = answer
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=prefetch).walk()
        got: list[str] = []
        cut = 0
        while True:
            step = asyncio.ensure_future(anext(walk))
            # Every await of a page is cancelled at a different point: after so many turns of the loop.
            for _ in range(cut % 7):
                await asyncio.sleep(0)
            step.cancel()
            try:
                got.append((await step)["id"])
            except asyncio.CancelledError:
                cut += 1
                if cut % 5:
                    continue
                try:
                    got.append((await anext(walk))["id"])
                except StopAsyncIteration:
                    break
            except StopAsyncIteration:
                break
        assert got == names(17)
        assert walk.report.complete
        assert walk.report.items == 17
        assert tasks() == set()


async def test_a_time_out_keeps_the_page_that_it_waited_for(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)))
    async with server.session() as session:
        server.hold(2)
        walk = session.briefs.results(1, page_size=4).walk()
        got = [(await anext(walk))["id"] for _ in range(4)]
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(walk)
            assert walk.cursor == Cursor(1, 4, 4)
        server.release(2)
        got += [row["id"] async for row in walk]
        assert got == names(10)
        assert server.pages.count(2) == 1


BEGINNINGS = [
    pytest.param(None, 1, id="the first page"),
    pytest.param(None, 0, id="the page before the first"),
    pytest.param(Cursor(3, 1, 4), 3, id="a cursor's page"),
    pytest.param(Cursor(3, 1, 4), 2, id="the page before a cursor's"),
]


@pytest.mark.parametrize(("start", "held"), BEGINNINGS)
async def test_a_consumer_who_is_too_hasty_lets_nothing_be_asked_for_twice(
    server: HostileServer, start: Any, held: int
):
    server.answer = Rows(rows(*range(1, 12)), total="missing")
    size = {} if start else {"page_size": 4}
    async with server.session() as session:
        walk = session.briefs.results(1, start=start, prefetch=1, **size).walk()
        server.hold(held)
        for _ in range(4):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(walk)
        server.release(held)
        assert ids([row async for row in walk]) == names(11, first=10 if start else 1)
        # An empty page before the first is asked for twice, and so is one behind the last.
        assert server.pages_asked_again == ([4] if start else [0, 4])


@pytest.mark.parametrize(("start", "held"), BEGINNINGS)
async def test_a_walk_that_is_left_before_it_has_begun_leaves_nothing_behind(
    server: HostileServer, start: Any, held: int
):
    server.answer = Rows(rows(*range(1, 12)), total="missing")
    size = {} if start else {"page_size": 4}
    async with server.session() as session:
        walk = session.briefs.results(1, start=start, **size).walk()
        server.hold(held)
        step = asyncio.ensure_future(anext(walk))
        await server.arrived(held)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        assert tasks()
        del walk, step
        await asyncio.sleep(0)
        assert await gone()
        server.release(held)


async def test_a_page_that_is_asked_for_again_is_asked_for_once_more_however_hasty_the_consumer(server: HostileServer):
    shown = Rows(rows(*range(1, 12)))
    shown.overrides[2] = 200, b'{"entries": [], "total": 11}'
    server.answer = shown
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=1).walk()
        got = [(await anext(walk))["id"] for _ in range(4)]
        server.hold(2)
        step = asyncio.ensure_future(anext(walk))
        await server.arrived(2)
        server.gates.pop(2).set()
        server.hold(2)
        while server.pages.count(2) < 2:  # noqa: ASYNC110  # an empty page is asked for again
            await asyncio.sleep(0)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(walk)
        shown.overrides.clear()
        server.release(2)
        got += [row["id"] async for row in walk]
        assert got == names(11)
        assert server.pages.count(2) == 2


async def test_an_error_is_not_lost_to_a_cancelled_consumer(server: HostileServer):
    shown = Rows(rows(*range(1, 41)))
    shown.overrides[3] = failure(403)
    server.answer = shown
    async with server.session() as session:
        for turns in range(12):
            server.hold(*range(4, 11))
            walk = session.briefs.results(1, page_size=4, prefetch=8).walk()
            for _ in range(8):
                await anext(walk)
            step = asyncio.ensure_future(anext(walk))
            await asyncio.sleep(0.02 if turns < 6 else 0)
            for _ in range(turns % 6):
                await asyncio.sleep(0)
            step.cancel()
            first = (await asyncio.gather(step, return_exceptions=True))[0]
            if isinstance(first, asyncio.CancelledError):
                # However far it had come, the error is still to be had; a clean end would hide it.
                (first,) = await asyncio.gather(anext(walk), return_exceptions=True)
            assert getattr(first, "status", first) == 403
            assert first.cursor == Cursor(2, 4, 4)
            server.release(*range(4, 11))


async def test_the_end_is_not_lost_to_a_consumer_that_is_cancelled_while_the_walk_closes(server: HostileServer):
    shown = Rows(rows(*range(1, 41)))
    shown.overrides[3] = failure(403)
    server.answer = shown
    async with server.session() as session:
        server.hold(*range(4, 11))
        walk = session.briefs.results(1, page_size=4, prefetch=8).walk()
        for _ in range(8):
            await anext(walk)
        step = asyncio.ensure_future(anext(walk))
        while not walk._source.finished:  # noqa: ASYNC110  # to the very turn of the loop
            await asyncio.sleep(0)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        with pytest.raises(Exception, match="403"):
            await anext(walk)
        assert tasks() == set()
        server.release(*range(4, 11))
