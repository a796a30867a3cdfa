"""Pages that come again and again: an error, and soon; never an endless walk."""

import itertools
import random

import pytest

from aishoot_async import Cursor, PagingLoopError
from paging.hostile import HostileServer, Rows, body, changing, failure, ids, names, rows, until_error

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("total", [None, 100])
async def test_a_page_number_that_is_ignored_is_a_loop(server: HostileServer, total: int | None):
    server.answer = lambda page, size: (200, body({"entries": rows(1, 2), "total": total}))
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=2))
    assert isinstance(error, PagingLoopError)
    assert got == names(2)
    assert error.cursor == Cursor(1, 2, 2)


async def test_identical_rows_without_ids_are_a_loop_where_no_total_allows_for_them(server: HostileServer):
    server.answer = lambda page, size: (200, b'[{"same": 1}]')
    async with server.session() as session:
        with pytest.raises(PagingLoopError):
            await session.briefs.results(1).collect()
        server.answer = lambda page, size: (200, b'{"entries": [{"same": 1}], "total": 3}')
        assert len(await session.briefs.results(1).collect()) == 3


@pytest.mark.parametrize("length", [2, 3, 5, 12])
@pytest.mark.parametrize("total", [None, 10_000])
async def test_pages_in_a_cycle_never_go_on_for_ever(server: HostileServer, length: int, total: int | None):
    def answer(page: int, _size: int):
        if page == 0:
            return failure(404)
        return 200, body({"entries": rows(page % length), "total": total})

    server.answer = answer
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=1, on_drift="ignore").walk()
        got, error = await until_error(walk)
    assert isinstance(error, PagingLoopError)
    assert len(got) <= 4 * length
    assert not walk.report.complete


@pytest.mark.parametrize("total", [None, 10_000])
@pytest.mark.parametrize("shuffled", [False, True])
async def test_a_loop_is_one_whatever_else_of_its_rows_changes_and_in_whatever_order(
    server: HostileServer, total: int | None, *, shuffled: bool
):
    # The page number is ignored, and image addresses are signed anew for each request.
    chance, count = random.Random(1), itertools.count()

    def answer(_page: int, _size: int):
        here = [{**row, "imageUrl": f"https://images/{next(count)}"} for row in rows(1, 2, 3)]
        if shuffled:
            chance.shuffle(here)
        return 200, body({"entries": here, "total": total})

    server.answer = answer
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=3))
    assert isinstance(error, PagingLoopError)
    assert sorted(got) == names(3)


@pytest.mark.parametrize("prefetch", [1, 8])
async def test_pages_that_never_hold_anything_new_are_a_loop(server: HostileServer, prefetch: int):
    # Ten of twenty rows at random: never the same page twice, and never an end.
    chance = random.Random(prefetch)
    server.answer = lambda page, size: (200, body(rows(*chance.sample(range(20), 10))))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=10, prefetch=prefetch, start=1, on_drift="ignore").walk()
        got, error = await until_error(walk)
    assert isinstance(error, PagingLoopError)
    assert len(set(got)) == 20
    assert len(server.asked) < 60
    assert walk.report.duplicates == len(got) - 20


async def test_a_mass_insertion_is_no_loop(server: HostileServer):
    # As many rows come in at the front as the window can see: its pages come again, and then the rest.
    def change(number: int, shown: Rows) -> None:
        if number == 10:
            shown.data = [*rows(*range(1000, 1056)), *shown.data]

    server.answer = changing(Rows(rows(*range(1, 101)), total="missing"), change)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, prefetch=7, start=1, on_drift="ignore")
        got = await pager.collect()
    assert set(names(100)) <= set(ids(got))
    assert pager.report.duplicates == len(got) - len(set(ids(got))) > 0


@pytest.mark.parametrize("last", [False, True])
async def test_a_service_that_repeats_its_last_page_and_says_its_number_is_whole(server: HostileServer, *, last: bool):
    server.answer = Rows(rows(*range(1, 9)), envelope="spring", past_end="repeat", last=last)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect()) == names(8)
        assert pager.report.complete
