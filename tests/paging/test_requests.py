"""What a walk costs: how many requests, how many at once, and for which pages."""

import asyncio

import pytest

from aishoot_async import BadRequestError, NotFoundError
from paging.hostile import HostileServer, Rows, failure, ids, names, rows

pytestmark = pytest.mark.anyio


async def cost(server: HostileServer, session, **options) -> int:
    server.forget()
    await session.briefs.results(1, **options).collect()
    return len(server.asked)


@pytest.mark.parametrize("envelope", ["entries", "spring", "spring-page"])
@pytest.mark.parametrize("last", [False, True])
async def test_one_page_with_a_total_costs_two_requests_and_then_one(
    server: HostileServer, envelope: str, *, last: bool
):
    async with server.session() as session:
        server.answer = Rows(rows(1, 2, 3), envelope=envelope, last=last)
        assert await cost(server, session) == 2
        assert server.pages == [1, 2]
        assert await cost(server, session) == 2
        server.answer = Rows(rows(1, 2, 3, 4), envelope=envelope, last=last)
        await cost(server, session)
        server.answer = Rows(rows(1, 2, 3), envelope=envelope, last=last)
        assert await cost(server, session) == 1


async def test_a_404_past_the_only_page_costs_one_request_more_until_the_base_is_known(server: HostileServer):
    # Page 1 of 2, counted from 0, would look the same, were the total each page's own count.
    server.answer = Rows(rows(1, 2, 3), past_end=404, below=400)
    async with server.session() as session:
        assert await cost(server, session) == 4
        assert await cost(server, session) == 2


async def test_one_page_without_a_total_costs_three_once_the_base_is_known(server: HostileServer):
    server.answer = Rows(rows(1, 2, 3), total="missing")
    async with server.session() as session:
        assert await cost(server, session) == 5
        assert await cost(server, session) == 3
        assert sorted(server.pages) == [1, 2, 3]
        assert await cost(server, session, prefetch=1) == 3
        server.answer = Rows([], total="missing")
        assert await cost(server, session) == 3
        server.answer = Rows(rows(1, 2, 3), total="missing", past_end=404)
        # The page before a 404 is read again: a brief may vanish.
        assert await cost(server, session, prefetch=1) == 3


async def test_an_empty_list_costs_one_request_with_a_total(server: HostileServer):
    server.answer = Rows([])
    async with server.session() as session:
        assert await cost(server, session) == 3
        server.answer = Rows(rows(1))
        await cost(server, session)
        server.answer = Rows([])
        assert await cost(server, session) == 1


@pytest.mark.parametrize("prefetch", [1, 2, 8])
async def test_with_an_honest_total_no_page_is_asked_for_twice_or_beyond_the_last(server: HostileServer, prefetch: int):
    async with server.session() as session:
        for count, pages in ((9, 3), (10, 3), (12, 3), (40, 10)):
            server.answer = Rows(rows(*range(1, count + 1)))
            server.forget()
            assert ids(await session.briefs.results(1, page_size=4, prefetch=prefetch).collect()) == names(count)
            # An exact multiple needs an empty page as the second witness; page 0 is asked for once a session.
            wanted = list(range(1, pages + 1 + (count % 4 == 0)))
            assert sorted(page for page in server.pages if page) == wanted


@pytest.mark.parametrize("named", [False, True])
async def test_a_refused_page_size_falls_back_and_is_remembered_the_second_time_unless_named(
    server: HostileServer, *, named: bool
):
    server.answer = Rows(rows(*range(1, 31)), refuses_above=20)
    async with server.session() as session:
        if named:
            with pytest.raises(BadRequestError):
                await session.briefs.results(1, page_size=100).collect()
            assert {size for _, size in server.asked} == {100}
            return
        for _ in range(2):
            server.forget()
            assert ids(await session.briefs.results(1).collect()) == names(30)
            assert [size for _, size in server.asked].count(100) == 1
        server.forget()
        assert ids(await session.briefs.results(2).collect()) == names(30)
        assert {size for _, size in server.asked} == {20}


async def test_a_400_for_another_reason_is_raised_and_not_remembered(server: HostileServer):
    server.answer = lambda page, size: failure(400)
    async with server.session() as session:
        with pytest.raises(BadRequestError):
            await session.briefs.results(1).collect()
        assert server.asked == [(1, 100), (1, 20), (0, 20)]
        server.answer = Rows(rows(1))
        server.forget()
        await session.briefs.results(1).collect()
        assert {size for _, size in server.asked} == {100}


async def test_a_400_past_the_only_page_of_a_list_that_counts_from_0_is_not_about_the_size(server: HostileServer):
    server.answer = Rows(rows(1, 2, 3), base=0, past_end=400)
    async with server.session() as session:
        assert ids(await session.briefs.results(1).collect()) == names(3)
        assert server.asked == [(1, 100), (1, 20), (0, 20), (1, 20)]
        server.forget()
        await cost(server, session)
        assert {size for _, size in server.asked} == {100}


async def test_a_cancelled_fall_back_is_remembered_all_the_same(server: HostileServer):
    server.answer = Rows(rows(1, 2, 3), refuses_above=20)
    async with server.session() as session:
        walk = session.briefs.results(1).walk()
        server.hold(2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(walk)
        server.release(2)
        assert ids([row async for row in walk]) == names(3)
        await cost(server, session)
        server.forget()
        await cost(server, session)
        assert {size for _, size in server.asked} == {20}


async def test_without_a_total_the_prefetch_ramps_up(server: HostileServer):
    server.answer = Rows(rows(*range(1, 201)), total="missing")
    async with server.session() as session:
        await session.briefs.results(1, page_size=4).collect(1)
        server.hold(*range(2, 60))
        server.forget()
        walk = session.briefs.results(1, page_size=4, prefetch=8).walk()
        for _ in range(4):
            await anext(walk)
        assert server.pages == [1]
        waiting, seen = None, []
        for page, ahead in ((2, 3), (3, 6), (4, 11), (5, 12), (6, 13)):
            waiting = asyncio.create_task(anext(walk))
            await server.arrived(ahead)
            await asyncio.sleep(0.01)
            seen.append(max(server.pages))
            server.release(page)
            await waiting
            for _ in range(3):
                await anext(walk)
        # Windows of 2, 4, 8, 8, 8: in flight and ready together.
        assert seen == [3, 6, 11, 12, 13]
        await walk.aclose()
        assert server.max_in_flight <= 8


@pytest.mark.parametrize(
    ("count", "last", "asked"),
    [
        pytest.param(23, False, [1, 2, 3, 4, 5, 6], id="the last page is shorter, and shows the end"),
        pytest.param(24, False, [1, 2, 3, 4, 5, 6, 7], id="it is not, so that the one behind it is needed"),
        pytest.param(24, True, [1, 2, 3, 4, 5, 6], id="it is not, but it says that it is the last"),
    ],
)
async def test_with_a_total_the_prefetch_jumps_but_not_beyond_what_shows_the_end(
    server: HostileServer, count: int, asked: list[int], *, last: bool
):
    server.answer = Rows(rows(*range(1, count + 1)), last=last)
    async with server.session() as session:
        server.hold(*range(2, 8))
        walk = session.briefs.results(1, page_size=4, prefetch=32, start=1).walk()
        for _ in range(4):
            await anext(walk)
        waiting = asyncio.create_task(anext(walk))
        await server.arrived(len(asked))
        await asyncio.sleep(0.01)
        assert server.pages == asked
        server.release(*range(2, 8))
        await waiting
        await walk.aclose()


async def test_nothing_is_asked_for_behind_a_last_page_that_is_shorter_than_pages_were(server: HostileServer):
    async with server.session() as session:
        server.answer = Rows(rows(*range(1, 5)))
        await session.briefs.results(1, page_size=4).collect()
        server.forget()
        # Two a page, and the last of them full: but pages of four have been seen.
        server.answer = Rows(rows(*range(1, 9)), cap=2)
        assert ids(await session.briefs.results(1, page_size=4, prefetch=32).collect()) == names(8)
    # Page 2 again, by the size that page 1 has shown: are pages cut by that?
    assert sorted(server.asked) == sorted([*((page, 4) for page in (1, 2, 3, 4)), (2, 2)])


async def test_the_next_pages_are_asked_for_before_the_consumer_comes_back_but_not_behind_the_first(
    server: HostileServer,
):
    server.answer = Rows(rows(*range(1, 101)))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=3, start=1).walk()
        for _ in range(4):
            await anext(walk)
        await server.idle()
        await asyncio.sleep(0.01)
        assert server.pages == [1]  # who looks at one page pays for one
        await anext(walk)
        await server.arrived(5)
        await server.idle()
        await asyncio.sleep(0.01)
        assert sorted(server.pages) == [1, 2, 3, 4, 5]
        assert server.max_in_flight <= 3
        await walk.aclose()


async def test_prefetch_1_is_strictly_one_after_the_other(server: HostileServer):
    server.answer = Rows(rows(*range(1, 21)))
    async with server.session() as session:
        async with session.briefs.results(1, page_size=4, prefetch=1).walk() as walk:
            async for row in walk:
                await asyncio.sleep(0.002)  # for what nobody has asked for to arrive
                # Nothing is asked for before it is needed; page 0 is the base's.
                assert max(server.pages) == -(-row["n"] // 4)
        assert server.max_in_flight == 1


async def test_w_bounds_pages_in_flight_and_ready_also_when_a_page_is_asked_for_again(server: HostileServer):
    shown = Rows(rows(*range(1, 61)))
    once: set[int] = set()

    def answer(page: int, size: int):
        if page in {4, 9} and page not in once:
            once.add(page)
            return 200, b'{"entries": [], "total": 60}'
        return shown(page, size)

    server.answer = answer
    async with server.session() as session:
        got = [row["n"] async for row in session.briefs.results(1, page_size=4, prefetch=3)]
    assert got == list(range(1, 61))
    assert server.max_in_flight <= 3


async def test_a_brief_that_does_not_exist_costs_two_requests(server: HostileServer):
    server.answer = lambda page, size: failure(404)
    async with server.session() as session:
        with pytest.raises(NotFoundError):
            await session.briefs.results(1)
        assert server.pages == [1, 0]
        server.answer = Rows(rows(1))
        await session.briefs.results(1).collect()
        server.answer = lambda page, size: failure(404)
        server.forget()
        with pytest.raises(NotFoundError):
            await session.briefs.results(1)
        assert server.pages == [1, 0]  # it may be that pages are counted from 0 now
