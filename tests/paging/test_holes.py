"""Pages that are empty, once or for good, where rows should be: looked at again, and never passed over in silence."""

import pytest

from aishoot_async import Cursor, PagingError
from paging.hostile import HostileServer, Rows, body, ids, names, rows, until_error

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("empty_total", [0, None])
async def test_an_empty_page_is_no_witness_of_a_total_that_may_be_a_pages_own_count(
    server: HostileServer, empty_total: int | None
):
    shown = Rows(rows(*range(1, 13)), total="own")
    once: list[int] = []

    def answer(page: int, size: int):
        if page == 2 and not once:
            once.append(page)
            return 200, body({"entries": [], "total": empty_total})
        return shown(page, size)

    server.answer = answer
    async with server.session() as session:
        server.answer = Rows(rows(1), total="own")
        await session.briefs.results(1, page_size=4).collect()
        server.answer = answer
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect()) == names(12)
        assert pager.report.complete


async def test_a_page_that_says_it_is_not_the_last_is_not(server: HostileServer):
    # Rows were left out after the page was cut, and each total is its page's own count.
    pages = {1: rows(1, 2, 3, 4), 2: rows(5, 6, 7), 3: rows(8, 9)}

    def answer(page: int, _size: int):
        here = pages.get(page, [])
        return 200, body({"entries": here, "total": len(here), "last": page >= 3})

    server.answer = answer
    async with server.session() as session:
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(9)
        del pages[1]
        pages = {page - 1: here for page, here in pages.items()}
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect()) == names(9, first=5)
        assert pager.report.complete


async def test_a_first_page_that_is_empty_once_is_not_taken_for_the_end_of_page_0(server: HostileServer):
    shown = Rows(rows(*range(1, 9)), below="first")
    once: list[int] = []

    def answer(page: int, size: int):
        if page == 1 and not once:
            once.append(page)
            return 200, b'{"entries": [], "total": 8}'
        return shown(page, size)

    server.answer = answer
    async with server.session() as session:
        for _ in range(2):
            assert ids(await session.briefs.results(1, page_size=4).collect()) == names(8)


@pytest.mark.parametrize("prefetch", [1, 8])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_page_that_is_empty_once_is_asked_for_again(server: HostileServer, prefetch: int, total: str):
    shown = Rows(rows(*range(1, 22)), total=total)
    # Without a total, a last page that is empty once cannot be told from the end, at the price of one request more.
    for hole in range(1, 7 if total == "honest" else 6):
        answered: list[int] = []

        def answer(page: int, size: int, hole: int = hole, answered: list[int] = answered):
            if page == hole and not answered:
                answered.append(page)
                return 200, shown(99, size)[1]
            return shown(page, size)

        server.answer = answer
        async with server.session() as session:
            await session.briefs.results(1, start=1, page_size=4).collect(1)
            answered.clear()
            walk = session.briefs.results(1, page_size=4, prefetch=prefetch, start=1).walk()
            assert ids([row async for row in walk]) == names(21), hole
            assert walk.report.complete


@pytest.mark.parametrize("prefetch", [1, 8])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_page_that_stays_empty_with_rows_behind_it_is_an_error_at_the_end(
    server: HostileServer, prefetch: int, total: str
):
    shown = Rows(rows(*range(1, 22)), total=total)
    shown.overrides[3] = 200, shown(99, 4)[1]
    server.answer = shown
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4, prefetch=prefetch))
    assert isinstance(error, PagingError)
    assert got == names(8) + names(21, first=13)
    assert error.cursor == Cursor(3, 0, 4)


async def test_whoever_goes_on_after_a_hole_gets_what_was_missing_there(server: HostileServer):
    shown = Rows(rows(*range(1, 22)), total="missing", cap=4)
    shown.overrides[3] = 200, b'{"entries": []}'
    server.answer = shown
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1))
        shown.overrides.clear()
        rest = await session.briefs.results(1, start=error.cursor).collect()
    assert set(got) | set(ids(rest)) == set(names(21))
    assert ids(rest) == names(21, first=9)


async def test_a_hole_is_an_error_also_where_a_404_ends_the_list(server: HostileServer):
    shown = Rows(rows(*range(1, 14)), total="missing", past_end=404)
    shown.overrides[2] = 200, b'{"entries": []}'
    server.answer = shown
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4))
    assert isinstance(error, PagingError)
    assert got == names(4) + names(13, first=9)


async def test_a_huge_total_over_nothing_is_given_up(server: HostileServer):
    shown = Rows(rows(1, 2), total=10**12)
    server.answer = shown
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=2, prefetch=32))
    assert got == names(2)
    assert isinstance(error, PagingError)
    assert len(server.asked) < 700


async def test_404s_before_the_total_are_holes_of_a_brief_that_is_still_there(server: HostileServer):
    server.answer = Rows(rows(*range(1, 9)), total=12, past_end=404)
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4, prefetch=1))
    assert got == names(8)
    assert type(error) is PagingError
    # Page 2 is the last that answered, and so it is read again for each of them; then the missing one once more.
    assert server.pages[-9:] == [3, 2, 3, 4, 2, 4, 5, 2, 5][-len(server.pages) :]
