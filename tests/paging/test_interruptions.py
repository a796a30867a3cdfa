"""How a walk may end early: left, cancelled, closed by others, abandoned; nothing is lost, and nothing stays behind."""

import asyncio
import gc
import threading
import tracemalloc
from typing import Any

import pytest

from aishoot_async import Cursor, SessionClosedError, WrongLoopError
from paging.hostile import HostileServer, Rows, failure, gone, ids, names, rows, tasks

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("keep_the_pager", [False, True])
async def test_a_bare_break_ends_the_prefetching_at_once(server: HostileServer, *, keep_the_pager: bool):
    server.answer = Rows(rows(*range(1, 101)))
    async with server.session() as session:
        await session.briefs.results(1, page_size=4).collect(1)
        server.hold(*range(3, 30))
        pager = session.briefs.results(1, page_size=4, prefetch=8)
        kept = pager if keep_the_pager else None
        async for row in pager:
            if row["n"] == 5:
                await server.arrived(4)
                assert tasks()
                del pager, row
                break
        await asyncio.sleep(0)
        assert await gone()
        if kept is not None:
            assert kept.cursor == Cursor(2, 1, 4)
            assert kept.report.items == 5


async def test_a_walk_that_was_left_gives_its_pages_back(server: HostileServer):
    server.answer = Rows(rows(*range(1, 101)))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=8).walk()
        await anext(walk)
        await walk.aclose()
        await walk.aclose()
        assert tasks() == set()
        assert [row async for row in walk] == []
        assert walk.cursor == Cursor(1, 1, 4)
        assert not walk.report.complete
        pages = session.briefs.results(1, page_size=4).pages()
        await anext(pages)
        await pages.aclose()
        assert [page async for page in pages] == []


async def test_an_exception_in_the_consumers_body_ends_the_walk(server: HostileServer):
    server.answer = Rows(rows(*range(1, 101)))
    server.hold(*range(3, 30))
    async with server.session() as session:
        with pytest.raises(ZeroDivisionError):
            async with session.briefs.results(1, page_size=4).walk() as walk:
                async for row in walk:
                    row["n"] // (row["n"] - 5)
        assert tasks() == set()
        assert walk.cursor == Cursor(2, 1, 4)


async def test_a_second_consumer_is_refused_and_the_first_goes_on(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4).walk()
        server.hold(1)
        first = asyncio.create_task(anext(walk))
        await server.arrived(1)
        with pytest.raises(RuntimeError, match="one consumer"):
            await anext(walk)
        server.release(1)
        assert (await first)["id"] == "r1"
        assert ids([row async for row in walk]) == names(10, first=2)


@pytest.mark.parametrize("held", [1, 0, 2, 3])
async def test_a_walk_that_another_task_closes_ends(server: HostileServer, held: int):
    server.answer = Rows(rows(*range(1, 41)), total="missing")
    async with server.session() as session:
        if held > 1:
            await session.briefs.results(1, page_size=4)  # or it would be asked for beside page 0
        walk = session.briefs.results(1, page_size=4).walk()
        server.hold(held)
        got: list[str] = []

        async def consume() -> None:
            async for row in walk:
                got.append(row["id"])

        consumer = asyncio.create_task(consume())
        await server.arrived(held)
        closing = asyncio.create_task(walk.aclose())
        await asyncio.sleep(0)
        server.release(held)
        await closing
        await consumer
        assert tasks() == set()
        assert got == names({1: 0, 0: 0, 2: 4, 3: 8}[held])
        assert not walk.report.complete
        assert [row async for row in walk] == []


async def test_a_walk_that_another_task_closes_asks_for_nothing_more(server: HostileServer):
    shown = Rows(rows(*range(1, 41)))
    shown.overrides[2] = 200, b'{"entries": [], "total": 40}'
    server.answer = shown
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=1).walk()
        for _ in range(4):
            await anext(walk)
        server.hold(2)
        consumer = asyncio.ensure_future(anext(walk))
        await server.arrived(2)
        server.gates[2].set()
        server.gates[2] = asyncio.Event()
        while server.pages.count(2) < 2:  # noqa: ASYNC110  # an empty page is asked for again
            await asyncio.sleep(0)
        await walk.aclose()
        server.release(2)
        with pytest.raises(StopAsyncIteration):
            await consumer
        assert max(server.pages) == 2


@pytest.mark.parametrize("held", [1, 0, 2])
@pytest.mark.parametrize("prefetch", [1, 8])
async def test_a_session_that_closes_in_mid_walk_is_an_error(server: HostileServer, held: int, prefetch: int):
    server.answer = Rows(rows(*range(1, 41)), total="missing")
    session = server.session()
    if held > 1:
        await session.briefs.results(1, page_size=4)  # or it would be asked for beside page 0
    walk = session.briefs.results(1, page_size=4, prefetch=prefetch).walk()
    server.hold(held)
    got: list[str] = []

    async def consume() -> None:
        async for row in walk:
            got.append(row["id"])

    consumer = asyncio.create_task(consume())
    await server.arrived(held)
    await session.aclose()
    with pytest.raises(SessionClosedError) as caught:
        await consumer
    assert tasks() == set()
    assert got == names(4 if held == 2 else 0)
    assert caught.value.cursor == walk.cursor
    assert not walk.report.complete
    assert [row async for row in walk] == []
    server.release(held)


async def test_a_session_that_closes_between_items_is_an_error(server: HostileServer):
    server.answer = Rows(rows(*range(1, 41)))
    session = server.session()
    walk = session.briefs.results(1, page_size=4, prefetch=8).walk()
    for _ in range(5):
        await anext(walk)
    await session.aclose()
    got = []
    with pytest.raises(SessionClosedError) as caught:
        async for row in walk:
            got.append(row["id"])
    assert got == names(8, first=6)
    assert caught.value.cursor == Cursor(2, 4, 4)
    with pytest.raises(SessionClosedError) as caught:
        await session.briefs.results(1).collect()
    assert caught.value.cursor == Cursor(-1, 0, 100)


async def test_abandoned_walks_may_be_collected_in_any_thread(server: HostileServer):
    server.answer = Rows(rows(*range(1, 1001)))
    server.hold(*range(3, 20))  # so that only a cancellation can end what was fetched ahead
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    stop = threading.Event()

    def collect() -> None:
        while not stop.wait(0.002):
            gc.collect()

    gc.freeze()  # what stands already makes each collection long
    gc.disable()
    collector = threading.Thread(target=collect)
    try:
        async with server.session() as session:
            collector.start()
            for _ in range(15):
                walk = session.briefs.results(1, page_size=4, prefetch=3).walk()
                for _ in range(6):
                    await anext(walk)
                walk.itself = walk  # only the cycle collector can find it
                del walk
            async with asyncio.timeout(30):
                while tasks():  # noqa: ASYNC110  # the collector's thread has no event for it
                    await asyncio.sleep(0.005)
            server.release(*range(3, 20))
            assert len(await session.briefs.results(1, page_size=100).collect()) == 1000
    finally:
        stop.set()
        collector.join()
        gc.enable()
        gc.unfreeze()
        loop.set_debug(False)


def test_a_walk_that_outlives_its_loop_is_let_go_in_silence():
    async def half() -> Any:
        async with HostileServer(Rows(rows(*range(1, 101)))) as server:
            session = server.session()
            walk = session.briefs.results(1, page_size=4, prefetch=8).walk()
            server.hold(3)  # so that it ends with the loop
            for _ in range(5):
                await anext(walk)
            await server.arrived(3)
            await server.arrived(10)  # asked for with page 2 handed out; it would open the pool anew
            await session._transport.aclose()  # not the session: that it was never closed is the case here
            return walk, session

    walk, _session = asyncio.run(half())

    async def on_another_loop(walk: Any) -> None:
        got = []
        with pytest.raises(WrongLoopError):
            async for row in walk:
                got.append(row["id"])
        assert got == names(8, first=6)

    asyncio.run(on_another_loop(walk))
    del walk
    gc.collect()


async def test_memory_does_not_grow_with_the_walk(server: HostileServer):
    def answer(page: int, size: int):
        if page == 0:
            return failure(404)
        text = b",".join(b'{"id": %d, "pad": "%s"}' % (page * 1000 + row, b"x" * 200) for row in range(size))
        return 200, b"[" + text + b"]"

    server.answer = answer
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=100, prefetch=4, into=bytes).walk()
        sizes = []
        tracemalloc.start()
        try:
            for page in range(120):
                for _ in range(100):
                    await anext(walk)
                server.forget()
                if page in {40, 119}:
                    gc.collect()
                    sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        await walk.aclose()
    assert sizes[1] - sizes[0] < 300_000  # 80 pages of it would be 1,800,000
