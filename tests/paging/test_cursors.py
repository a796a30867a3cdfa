"""A cursor: where a new walk must start, in any session, to give exactly the rest."""

import pytest

from aishoot_async import ConfigurationError, Cursor, NotFoundError, PagingError
from paging.hostile import HostileServer, Rows, failure, ids, names, rows

pytestmark = pytest.mark.anyio


async def places(server: HostileServer, **options) -> list[Cursor]:
    """Give the cursor before any item and after each."""
    async with server.session() as session, session.briefs.results(1, **options).walk() as walk:
        found = [walk.cursor]
        async for _ in walk:
            found.append(walk.cursor)  # a cursor moves
        assert walk.cursor == found[-1]
    return found


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("total", ["honest", "missing", "own", -3])
@pytest.mark.parametrize("past_end", ["empty", 404])
@pytest.mark.parametrize("count", [8, 10])
async def test_a_new_walk_gives_exactly_the_rest_from_every_place(
    server: HostileServer, base: int, total: str | int, past_end: str | int, count: int
):
    for envelope, cap in (("entries", None), ("entries", 4), ("spring", 4)):
        server.answer = Rows(
            rows(*range(1, count + 1)),
            base=base,
            total=total,
            past_end=past_end,
            cap=cap,
            envelope=envelope,
            last=envelope == "spring",
        )
        if total == -3 and base == 0:
            continue  # without the base, a total too low for it is no different from one that is too high
        found = await places(server, page_size=None if cap else 4, prefetch=32)
        assert len(found) == count + 1
        for done, cursor in enumerate(found):
            async with server.session() as session:
                pager = session.briefs.results(1, start=Cursor.parse(str(cursor)), prefetch=1)
                assert ids(await pager.collect()) == names(count, first=done + 1), cursor
                assert pager.report.complete
                assert pager.report.items == count - done


@pytest.mark.parametrize("base", [0, 1])
async def test_pages_give_the_rest_of_the_page_that_a_cursor_stands_in(server: HostileServer, base: int):
    server.answer = Rows(rows(*range(1, 11)), base=base)
    for done, cursor in enumerate(await places(server, page_size=4)):
        async with server.session() as session:
            pages = [page async for page in session.briefs.results(1, start=cursor).pages()]
            assert [row["id"] for page in pages for row in page.items] == names(10, first=done + 1)
            assert all(len(page.items) == len(page.raw) > 0 for page in pages)
            if done < 10:
                assert (await session.briefs.results(1, start=cursor)).items[0]["id"] == f"r{done + 1}"


async def test_a_page_that_is_empty_once_is_asked_for_again_though_the_base_is_unknown(server: HostileServer):
    # Were this counted from 0, 8 rows would be all there are after page 1.
    shown = Rows(rows(*range(1, 9)))
    once: list[int] = []

    def answer(page: int, size: int):
        if page == 2 and not once:
            once.append(page)
            return 200, b'{"entries": [], "total": 8}'
        return shown(page, size)

    server.answer = answer
    async with server.session() as session:
        got = await session.briefs.results(1, start=Cursor(1, 2, 4)).collect()
    assert ids(got) == names(8, first=3)


async def test_a_brief_that_vanishes_is_not_found_though_the_base_is_unknown(server: HostileServer):
    server.answer = Rows(rows(*range(1, 9)))
    async with server.session() as session:
        walk = session.briefs.results(1, start=Cursor(1, 2, 4), prefetch=1).walk()
        assert (await anext(walk))["id"] == "r3"
        server.answer = lambda page, size: failure(404)
        with pytest.raises(NotFoundError):
            [row async for row in walk]


async def test_a_hole_is_found_though_the_base_is_unknown(server: HostileServer):
    shown = Rows(rows(*range(1, 17)))
    shown.overrides[2] = 200, b'{"entries": [], "total": 16}'
    server.answer = shown
    async with server.session() as session:
        with pytest.raises(PagingError):
            await session.briefs.results(1, start=Cursor(1, 2, 4)).collect()


async def test_a_page_number_to_start_at_works_where_sizes_are_capped(server: HostileServer):
    # A total is of use once the size is known: a last page that is repeated is the end then, and no loop.
    for total, past_end in (("honest", "empty"), ("missing", "empty"), ("honest", "repeat")):
        server.answer = Rows(rows(*range(1, 401)), cap=4, total=total, past_end=past_end)
        async with server.session() as session:
            pager = session.briefs.results(1, start=3)
            assert ids(await pager.collect()) == names(400, first=9)
            assert pager.report.complete
            assert 0 not in server.pages


async def test_a_start_beyond_the_end_gives_nothing(server: HostileServer):
    server.answer = Rows(rows(*range(1, 10)))
    async with server.session() as session:
        assert await session.briefs.results(1, page_size=4, start=9).collect() == []
        server.answer = Rows(rows(*range(1, 10)), past_end=404)
        with pytest.raises(NotFoundError):
            await session.briefs.results(1, page_size=4, start=9).collect()


async def test_a_start_asks_for_no_page_base(server: HostileServer):
    server.answer = Rows(rows(*range(1, 10)))
    async with server.session() as session:
        await session.briefs.results(1, page_size=4, start=2, prefetch=1).collect()
        await session.briefs.results(1, start=Cursor(2, 1, 4), prefetch=1).collect()
    assert set(server.pages) <= {2, 3, 4}
    assert {size for _, size in server.asked} == {4}


async def test_a_page_size_that_contradicts_the_cursor_is_refused(server: HostileServer):
    async with server.session() as session:
        with pytest.raises(ConfigurationError, match="contradicts the cursor"):
            session.briefs.results(1, page_size=5, start=Cursor(1, 0, 4))
        session.briefs.results(1, page_size=4, start=Cursor(1, 0, 4))
        assert server.asked == []


async def test_a_cursor_from_before_the_first_answer_fits_a_service_that_refuses_100(server: HostileServer):
    server.answer = Rows(rows(*range(1, 31)), refuses_above=20)
    async with server.session() as session:
        pager = session.briefs.results(1)
        assert str(pager.cursor) == "-1:0:100"
        assert ids(await session.briefs.results(1, start=pager.cursor).collect()) == names(30)


async def test_two_walks_of_one_pager_keep_their_own_cursors(server: HostileServer):
    server.answer = Rows(rows(*range(1, 12)))
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        one, two = pager.walk(), pager.walk()
        assert pager.cursor == two.cursor
        first = [(await anext(one))["id"] for _ in range(6)]
        second = [(await anext(two))["id"] for _ in range(2)]
        assert (one.cursor, two.cursor) == (Cursor(2, 2, 4), Cursor(1, 2, 4))
        assert pager.cursor == two.cursor
        assert first + [row["id"] async for row in one] == names(11)
        assert second + [row["id"] async for row in two] == names(11)
        assert one.report.items == two.report.items == 11


@pytest.mark.parametrize("on_page", [rows(9, 10), []])
async def test_a_page_that_has_become_shorter_than_the_cursor_is_drift(server: HostileServer, on_page: list):
    shown = Rows(rows(*range(1, 11)), total="missing")
    shown.overrides[3] = Rows(on_page, total="missing")(1, 4)
    server.answer = shown
    async with server.session() as session:
        pager = session.briefs.results(1, start=Cursor(3, 4, 4), on_drift="ignore")
        assert await pager.collect() == []
        assert not pager.report.complete
        assert pager.report.items == 0
        pages = session.briefs.results(1, start=Cursor(3, 4, 4), on_drift="ignore").pages()
        assert [page async for page in pages] == []
        with pytest.raises(PagingError) as caught:
            await session.briefs.results(1, start=Cursor(3, 4, 4), on_drift="raise").collect()
        assert caught.value.cursor == Cursor(3, 4, 4)


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": 0},
        {"page_size": True},
        {"prefetch": 0},
        {"prefetch": 1.5},
        {"start": -1},
        {"start": "1:0:4"},
        {"on_drift": "shout"},
        {"nonsense": 1},
        {"envelope": "rows"},
    ],
)
async def test_options_that_cannot_work_are_refused_before_any_request(server: HostileServer, options: dict):
    async with server.session() as session:
        with pytest.raises(ConfigurationError):
            session.briefs.results(1, **options)
    assert server.asked == []
