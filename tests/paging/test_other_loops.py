"""A walk belongs to its session's event loop: used on another it is refused there, and its owner's goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from aishoot_async import SessionClosedError, WrongLoopError
from paging.hostile import HostileServer, Rows, ids, names, rows

pytestmark = pytest.mark.anyio


async def on_another_loop(use: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run it on a loop of its own in a thread; whoever hangs there fails."""

    async def bounded() -> Any:
        async with asyncio.timeout(30):
            return await use()

    return await asyncio.to_thread(asyncio.run, bounded())


async def iterate(walk: Any) -> list[Any]:
    return [item async for item in walk]


async def enter(walk: Any) -> None:
    async with walk:
        pass


USES = [
    pytest.param(anext, id="go on"),
    pytest.param(iterate, id="async for"),
    pytest.param(enter, id="async with"),
    pytest.param(lambda walk: walk.aclose(), id="aclose"),
]
KINDS = [
    pytest.param({}, "walk", id="items"),
    pytest.param({}, "pages", id="pages"),
    pytest.param({"prefetch": 1}, "walk", id="one by one"),
    pytest.param({"strict": True}, "walk", id="strict"),
    pytest.param({"strict": True}, "pages", id="strict pages"),
    pytest.param({"into": bytes}, "walk", id="bytes"),
]


async def taken(walk: Any, count: int) -> list[Any]:
    return [await anext(walk) for _ in range(count)]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("options", "kind"), KINDS)
async def test_a_walk_used_on_another_loop_is_refused_there_and_goes_on_here(
    server: HostileServer, use: Any, options: dict[str, Any], kind: str
):
    server.answer = Rows(rows(*range(1, 41)), total="missing")
    async with server.session() as session:
        listing = session.briefs.results(1, page_size=4, start=1, **options)
        walk = getattr(listing, kind)()
        got = await taken(walk, 2 if kind == "pages" else 8)
        server.hold(*range(1, 60))  # what is on its way now stays there
        with pytest.raises(WrongLoopError):
            await on_another_loop(lambda: use(walk))
        server.release(*range(1, 60))
        got += await iterate(walk)
        assert len(got) == (10 if kind == "pages" else 40)
        assert walk.report.complete


@pytest.mark.parametrize("use", USES)
async def test_a_walk_that_waits_for_its_first_page_is_not_disturbed_from_another_loop(server: HostileServer, use: Any):
    server.answer = Rows(rows(*range(1, 12)))
    server.hold(1)
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4).walk()
        owner = asyncio.create_task(iterate(walk))
        await server.arrived(1)
        with pytest.raises(WrongLoopError):
            await on_another_loop(lambda: use(walk))
        server.release(1)
        assert ids(await owner) == names(11)
        assert walk.report.complete


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("strict", [False, True])
async def test_a_walk_that_has_not_begun_is_not_begun_on_another_loop(server: HostileServer, use: Any, *, strict: bool):
    server.answer = Rows(rows(*range(1, 12)))
    async with server.session() as session:
        await session.briefs.results(2, start=1)
        walk = session.briefs.results(1, page_size=4, strict=strict).walk()
        with pytest.raises(WrongLoopError):
            await on_another_loop(lambda: use(walk))
        assert ids(await iterate(walk)) == names(11)
        assert walk.report.complete


async def awaited(pager: Any) -> Any:
    return await pager


PAGER_USES = [
    pytest.param(awaited, id="await"),
    pytest.param(lambda pager: pager.collect(), id="collect"),
    pytest.param(lambda pager: pager.collect(3), id="collect some"),
    pytest.param(iterate, id="async for"),
    pytest.param(lambda pager: iterate(pager.pages()), id="pages"),
]


@pytest.mark.parametrize("use", PAGER_USES)
@pytest.mark.parametrize("strict", [False, True])
async def test_a_pager_used_on_another_loop_is_refused_there(server: HostileServer, use: Any, *, strict: bool):
    server.answer = Rows(rows(*range(1, 12)))
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, strict=strict)
        assert ids(await pager.collect()) == names(11)
        with pytest.raises(WrongLoopError):
            await on_another_loop(lambda: use(pager))
        assert ids(await pager.collect()) == names(11)


async def test_a_session_closed_from_another_loop_stays_open_with_its_walks(server: HostileServer):
    server.answer = Rows(rows(*range(1, 41)))
    async with server.session() as session:
        async with session.briefs.results(1, page_size=4).walk() as walk:
            await taken(walk, 4)
            server.hold(*range(1, 20))
            with pytest.raises(WrongLoopError):
                await on_another_loop(session.aclose)
            server.release(*range(1, 20))
            assert len(await iterate(walk)) == 36


@pytest.mark.parametrize("closed", [True, False])
async def test_a_walk_that_is_over_can_be_closed_anywhere(server: HostileServer, *, closed: bool):
    server.answer = Rows(rows(*range(1, 12)))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4).walk()
        assert ids(await iterate(walk)) == names(11)
        if closed:
            await session.aclose()
        await on_another_loop(walk.aclose)


async def test_a_walk_of_a_closed_session_says_so_on_any_loop(server: HostileServer):
    server.answer = Rows(rows(*range(1, 41)))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4).walk()
        await taken(walk, 4)
    with pytest.raises(SessionClosedError):
        await on_another_loop(lambda: anext(walk))
    await on_another_loop(walk.aclose)
    await walk.aclose()
