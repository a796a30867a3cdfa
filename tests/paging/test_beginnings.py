"""While it is not known which page is the first: what is fetched ahead beside page 0, and what becomes of it."""

import asyncio
from typing import Any

import pytest

from aishoot_async import APIStatusError, Cursor, SessionClosedError
from paging.hostile import HostileServer, Rows, failure, gone, ids, names, rows, tasks, until_error

pytestmark = pytest.mark.anyio

FORTY = rows(*range(1, 41))
FULL = 4


def listing(session: Any, prefetch: int = 8, **options: Any):
    return session.briefs.results(1, **{"page_size": FULL, "prefetch": prefetch, **options})


@pytest.mark.parametrize("base", [1, 0])
@pytest.mark.parametrize(
    ("prefetch", "ahead"),
    [
        pytest.param(3, [2], id="page 1, page 0, and one more"),
        pytest.param(8, [2, 3, 4, 5, 6, 7], id="as many as the window holds"),
        pytest.param(32, [2, 3, 4, 5, 6, 7, 8, 9, 10], id="as many as the total implies"),
    ],
)
async def test_the_pages_that_follow_page_1_are_on_their_way_beside_page_0(
    server: HostileServer, base: int, prefetch: int, ahead: list[int]
):
    server.answer = Rows(FORTY, base=base)
    server.hold(0, *ahead)
    async with server.session() as session:
        walk = listing(session, prefetch).walk()
        first = asyncio.ensure_future(anext(walk))
        for page in (0, *ahead):
            await server.arrived(page)
        assert sorted(server.pages) == [0, 1, *ahead]
        assert server.in_flight <= prefetch - 1  # page 1 is ready
        assert not first.done()
        server.release(0, *ahead)
        got = [(await first)["id"], *ids([row async for row in walk])]
        assert got == names(40)
        assert walk.report.complete
        assert walk.report.page_base == base
        assert server.max_in_flight <= prefetch
        # The second witness of a list that ends on a full page.
        assert sorted(set(server.pages)) == list(range(12 if base else 11))
        assert server.pages_asked_again == ([0] if base else [])  # an empty page 0 may be an accident


@pytest.mark.parametrize("base", [1, 0])
@pytest.mark.parametrize("prefetch", [1, 2])
async def test_a_window_that_pages_1_and_0_fill_has_no_room_for_more(server: HostileServer, base: int, prefetch: int):
    server.answer = Rows(FORTY, base=base)
    server.hold(0)
    async with server.session() as session:
        walk = listing(session, prefetch).walk()
        first = asyncio.ensure_future(anext(walk))
        await server.arrived(0)
        await asyncio.sleep(0.01)  # for what nobody has asked for to arrive
        assert server.pages == [1, 0]
        server.release(0)
        assert [(await first)["id"], *ids([row async for row in walk])] == names(40)
        assert server.max_in_flight <= prefetch


HABITS = [
    pytest.param({}, id="usual"),
    pytest.param({"last": True, "envelope": "spring"}, id="Spring's"),
    pytest.param({"last": True}, id="the last page says so"),
    pytest.param({"past_end": 404, "below": 400}, id="404 past the end, 400 before the beginning"),
    pytest.param({"below": 500}, id="500 before the beginning"),
    pytest.param({"below": "first"}, id="page 0 is page 1"),
    pytest.param({"cap": 2}, id="fewer a page than were asked for"),
]


@pytest.mark.parametrize("base", [1, 0])
@pytest.mark.parametrize("options", HABITS)
async def test_what_is_fetched_ahead_is_not_asked_for_twice_or_in_vain(
    server: HostileServer, base: int, options: dict[str, Any]
):
    for count in range(17):
        server.answer = Rows(rows(*range(1, count + 1)), base=base, **options)
        asked, reports = [], []
        for prefetch in (1, 3, 8, 32):
            server.forget()
            async with server.session() as session:
                pager = listing(session, prefetch)
                assert ids(await pager.collect()) == names(count)
                reports.append(pager.report)
            assert server.max_in_flight <= prefetch
            # A list that counts from 0 ends one page before what page 1 implies.
            in_vain = {} if base else {-(-count // FULL)}
            asked.append(sorted(page for page in server.pages if page not in in_vain))
            # So is the page behind the last, while page 0 answers 500.
            behind = {-(-count // FULL) + 1} if options.get("below") == 500 else set()
            if options.get("cap") and count > 2:
                behind = {2 if base else 1}  # the second page by the size that the first one shows
            # And page 1 where it is refused, as past the end of a list of one page that counts from 0.
            refused = {1} if options.get("past_end") == 404 and not base else set()
            assert set(server.pages_asked_again) <= {0} | behind | refused
        assert all(pages == asked[0] for pages in asked), (count, asked)
        assert all(report == reports[0] for report in reports)


@pytest.mark.parametrize("base", [1, 0])
async def test_without_a_total_one_page_is_on_its_way_beside_page_0(server: HostileServer, base: int):
    server.answer = Rows(rows(*range(1, 7)), base=base, total="missing")
    server.hold(0, 2)
    async with server.session() as session:
        collecting = asyncio.ensure_future(listing(session).collect())
        await server.arrived(2)
        await server.arrived(0)
        assert sorted(server.pages) == [0, 1, 2]
        server.release(0, 2)
        assert ids(await collecting) == names(6)
    # An empty page 0 is asked for twice, and so is the empty page behind the last.
    assert server.pages_asked_again == ([0, 3] if base else [2])


async def test_a_page_that_shows_itself_first_has_none_fetched_ahead(server: HostileServer):
    server.answer = Rows(FORTY, envelope="spring")
    async with server.session() as session:
        await anext(walk := listing(session).walk())
        await walk.aclose()
    assert server.pages == [1]


@pytest.mark.parametrize("base", [1, 0])
async def test_no_more_pages_are_on_their_way_than_a_limit_needs(server: HostileServer, base: int):
    server.answer = Rows(FORTY, base=base)
    for limit, pages in ((1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (40, 8)):
        server.forget()
        async with server.session() as session:
            assert ids(await listing(session).collect(limit)) == names(limit)
            assert server.max_in_flight <= pages
            assert pages > 1 or server.pages == [1, 0, 0][: 2 + base]


async def test_nothing_is_fetched_ahead_before_the_page_size_is_settled(server: HostileServer):
    server.answer = Rows(rows(*range(1, 101)), refuses_above=20)
    async with server.session() as session:
        assert ids(await listing(session, page_size=None).collect()) == names(100)
    assert server.asked[:2] == [(1, 100), (1, 20)]
    assert sorted(server.asked[2:]) == [(page, 20) for page in (0, 0, 2, 3, 4, 5, 6)]


async def test_the_page_that_tells_whether_pages_are_repeated_is_the_one_fetched_ahead(server: HostileServer):
    server.answer = Rows(FORTY, below="first")
    server.hold(2)
    async with server.session() as session:
        walk = listing(session).walk()
        first = asyncio.ensure_future(anext(walk))
        await server.arrived(0)
        await server.arrived(2)
        while server.in_flight > 1:  # noqa: ASYNC110  # until only page 2 is missing
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        server.release(2)
        assert ids([row async for row in walk]) == names(40)
    assert sorted(server.pages) == list(range(12))


@pytest.mark.parametrize("base", [1, 0])
@pytest.mark.parametrize("status", [403, 503])
async def test_an_error_of_a_page_fetched_ahead_comes_when_it_is_that_pages_turn(
    server: HostileServer, base: int, status: int
):
    server.answer = Rows(FORTY, base=base, overrides={2: failure(status)})
    async with server.session() as session:
        walk = listing(session).walk()
        got, error = await until_error(walk)
        assert isinstance(error, APIStatusError)
        assert error.status == status
        assert got == names(FULL * (2 - base))
        assert error.cursor == Cursor(1, FULL, FULL)
        assert tasks() == set()


async def test_an_error_of_page_0_is_raised_and_ends_what_was_fetched_ahead(server: HostileServer):
    server.answer = Rows(FORTY, overrides={0: failure(503), 2: failure(403)})
    server.hold(3, 4)
    async with server.session() as session:
        got, error = await until_error(listing(session).walk())
        assert isinstance(error, APIStatusError)
        assert (got, error.status) == ([], 503)
        assert tasks() == set()
        server.release(3, 4)
        await server.idle()
        server.answer = Rows(FORTY)
        assert ids(await listing(session).collect()) == names(40)


@pytest.mark.parametrize("base", [1, 0])
@pytest.mark.parametrize("below", ["empty", "first"])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_consumer_that_is_cancelled_at_any_turn_of_the_beginning_finds_it_again(
    server: HostileServer, base: int, below: str, total: str
):
    server.answer = Rows(rows(*range(1, 12)), base=base, below=below, total=total)
    for cut in range(0, 100, 3):
        server.forget()
        async with server.session() as session:
            walk = listing(session).walk()
            step = asyncio.ensure_future(anext(walk))
            for _ in range(cut):
                await asyncio.sleep(0)
            step.cancel()
            (first,) = await asyncio.gather(step, return_exceptions=True)
            got = [] if isinstance(first, asyncio.CancelledError) else [first["id"]]
            got += ids([row async for row in walk])
            assert got == names(11)
            assert walk.report.complete
            again = [0] if base and below == "empty" else []
            assert server.pages_asked_again == again + ([3 + base] if total == "missing" else [])
            assert tasks() == set()


HELD = [pytest.param((), id="nothing held"), pytest.param((0,), id="page 0"), pytest.param((2, 3, 4), id="pages ahead")]


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("end", ["leave", "close", "close the session"])
@pytest.mark.parametrize("below", ["empty", "first"])
async def test_a_walk_that_ends_at_any_turn_of_its_beginning_leaves_nothing_on_its_way(
    server: HostileServer, held: tuple[int, ...], end: str, below: str
):
    server.answer = Rows(FORTY, below=below)
    server.hold(*held)
    for turns in range(0, 100, 3):
        async with server.session() as session:
            walk = listing(session).walk()
            step = asyncio.ensure_future(anext(walk))
            for _ in range(turns):
                await asyncio.sleep(0)
            if end == "leave":
                step.cancel()
            elif end == "close":
                await walk.aclose()
                assert tasks() == set()
            else:
                await session.aclose()
                assert tasks() == set()
            async with asyncio.timeout(30):
                (outcome,) = await asyncio.gather(step, return_exceptions=True)
            known = asyncio.CancelledError, StopAsyncIteration, SessionClosedError
            assert isinstance(outcome, known) or outcome["id"] == "r1"
            del walk, step, outcome
            assert await gone()
    server.release(*held)


async def test_a_walk_that_is_closed_when_page_1_has_just_come_asks_for_nothing_more(server: HostileServer):
    server.answer = Rows(FORTY)
    server.hold(1)
    async with server.session() as session:
        walk = listing(session).walk()
        step = asyncio.ensure_future(anext(walk))
        await server.arrived(1)
        server.release(1)
        while not walk._source._aside.tasks["begin"].done():  # noqa: ASYNC110  # to the very turn of the loop
            await asyncio.sleep(0)
        await walk.aclose()
        with pytest.raises(StopAsyncIteration):
            await step
        await asyncio.sleep(0.01)  # for what nobody has asked for to arrive
    assert server.pages == [1]
