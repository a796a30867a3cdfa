"""Where a cursor stands when pages have become shorter or longer since it was made: there, or nowhere."""

import itertools
from typing import Any

import pytest

from aishoot_async import APIStatusError, BadRequestError, Cursor, NotFoundError, PagingError
from aishoot_async.paging._envelope import open_envelope
from aishoot_async.paging._listing import EndpointMemory, Sheet
from aishoot_async.paging._place import Place, find_place
from paging.hostile import HostileServer, Rows, body, failure, ids, names, rows
from paging.test_ending import refusal

pytestmark = pytest.mark.anyio

SIZES = {
    "as asked": {},
    "capped at 3": {"cap": 3},
    "capped at 6": {"cap": 6},
    "always 3": {"fixed": 3},
    "always 4": {"fixed": 4},
    "always 20": {"fixed": 20},
}
ASKED = 10


def size_of(sizes: str) -> int:
    given = SIZES[sizes]
    return given.get("fixed") or min(ASKED, given.get("cap", ASKED))


def fetcher(shown: Rows) -> Any:
    """Ask a listing without a server in between."""

    async def fetch(number: int, size: int) -> Sheet[Any]:
        status, text = shown(number, size)
        if status != 200:
            raise BadRequestError(400, method="GET", path="/") if status == 400 else refusal(status)
        page = open_envelope(text)
        keys = [raw.decode() for raw in page.items]
        return Sheet(asked=number, items=keys, raws=page.items, ids=keys, total=page.total, last=None, number=None)

    return fetch


async def next_row(shown: Rows, place: Place) -> int | None:
    """Give the number of the row that comes next, counted from 0; ``None`` at the end."""
    here = open_envelope(shown(place.page, place.asked)[1]).items[place.offset :]
    status, text = shown(place.page + 1, place.asked)
    there = open_envelope(text).items if status == 200 else []
    following = [*here, *there]
    return [body(row) for row in shown.data].index(following[0]) if following else None


@pytest.mark.parametrize("before", SIZES)
@pytest.mark.parametrize("after", SIZES)
async def test_a_cursor_stands_where_it_stood_or_nowhere(before: str, after: str):
    size = size_of(before)
    ends = (("empty", 23), (404, 20))
    for base, total, (past_end, count) in itertools.product((0, 1), ("honest", "missing", "own"), ends):
        shown = Rows(rows(*range(count)), base=base, total=total, past_end=past_end, below=404, **SIZES[after])
        for done, known in itertools.product(range(1, count + 1), (None, base)):
            cursor = Cursor(base + (done - 1) // size, (done - 1) % size + 1, size)
            case = f"{base=} {total=} {past_end=} {count=} {cursor=!s} {known=}"
            try:
                place = await find_place(fetcher(shown), EndpointMemory(base=known), cursor, named=False)
            except PagingError:
                # Page 1 of a service that counts from 0, or what cannot prove right: see the module.
                assert (base == 0 and cursor.page == 1) or before == "always 3", case
                continue
            if await next_row(shown, place) != (done if done < count else None):
                # A last page of just the right length; the walk's end will tell.
                assert isinstance(here := place.read[0], Sheet), case
                assert len(here.raws) == size, case
                assert place.before is not None or total == "honest", case


@pytest.mark.parametrize("after", ["capped at 3", "capped at 6", "always 3", "always 20"])
@pytest.mark.parametrize("before", ["as asked", "always 4"])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_walk_goes_on_exactly_though_pages_have_another_size(
    server: HostileServer, before: str, after: str, total: str
):
    data = rows(*range(1, 24))
    server.answer = Rows(data, total=total, **SIZES[before])
    async with server.session() as session, session.briefs.results(1, page_size=ASKED).walk() as walk:
        found = []
        async for _ in walk:
            found.append(walk.cursor)  # a cursor moves
    server.answer = Rows(data, total=total, **SIZES[after])
    for done, cursor in [*enumerate(found, 1)][::2]:
        async with server.session() as session:
            pager = session.briefs.results(1, start=Cursor.parse(str(cursor)), prefetch=2)
            assert ids(await pager.collect()) == names(23, first=done + 1), cursor
            assert pager.report.complete
            # And the new cursors are as good as the old ones.
            assert pager.cursor.page_size in {cursor.page_size, size_of(after)}


async def test_a_page_of_the_right_length_that_proves_to_be_the_end_of_a_longer_one_is_an_error(server: HostileServer):
    # Pages of 3 have become pages of 20: the page that the cursor stands on is now the last, and has 3 rows.
    server.answer = Rows(rows(*range(1, 24)), fixed=20, total="missing")
    async with server.session() as session:
        pager = session.briefs.results(1, start=Cursor(2, 1, 3))
        with pytest.raises(PagingError, match="page 1 has 20"):
            await pager.collect()
        assert not pager.report.complete


async def test_a_last_page_of_the_right_length_is_the_end_when_the_page_before_it_is_as_long(server: HostileServer):
    server.answer = Rows(rows(*range(1, 13)), total="missing")
    async with server.session() as session:
        for page, first in ((3, 10), (1, 2)):
            if page == 1:
                server.answer = Rows(rows(*range(1, 5)), total="missing", below=400)
            pager = session.briefs.results(1, start=Cursor(page, 1, 4), prefetch=1)
            assert ids(await pager.collect()) == names(12 if page == 3 else 4, first=first)
            assert pager.report.complete


@pytest.mark.parametrize("base", [0, 1])
async def test_a_size_that_is_refused_today_is_replaced_by_the_documented_one(server: HostileServer, base: int):
    for done in (1, 99, 100, 101, 199, 200, 201, 230):
        server.answer = Rows(rows(*range(1, 251)), refuses_above=20, base=base)
        cursor = Cursor(base + (done - 1) // 100, (done - 1) % 100 + 1, 100)
        async with server.session() as session:
            pager = session.briefs.results(1, start=cursor)
            if base == 0 and cursor.page == 1:
                with pytest.raises(PagingError, match="start anew"):
                    await pager.collect()
                continue
            assert ids(await pager.collect()) == names(250, first=done + 1)
            assert pager.report.complete
            assert pager.cursor.page_size == 20
            await session.briefs.results(1).collect()
            server.forget()
            await session.briefs.results(1).collect()
            assert {size for _, size in server.asked} == {20}


async def test_but_not_where_the_caller_has_named_it(server: HostileServer):
    server.answer = Rows(rows(*range(1, 251)), refuses_above=20)
    async with server.session() as session:
        with pytest.raises(BadRequestError) as caught:
            await session.briefs.results(1, start=Cursor(2, 30, 100), page_size=100).collect()
        assert caught.value.cursor == Cursor(2, 30, 100)
        assert server.asked == [(2, 100)]


async def test_a_place_that_cannot_be_found_again_is_an_error_with_the_old_cursor(server: HostileServer):
    # Pages of no size at all: nobody can tell what stood on page 12.
    def answer(page: int, _size: int):
        return 200, body(rows(*range(10 * page, 10 * page + (0 if page in {0, 30, 31} else 4 if page < 11 else 6))))

    server.answer = answer
    async with server.session() as session:
        with pytest.raises(PagingError, match="counts 5 items a page, and the service now gives 6") as caught:
            await session.briefs.results(1, start=Cursor(12, 2, 5)).collect()
        assert caught.value.cursor == Cursor(12, 2, 5)


@pytest.mark.parametrize("offset", [0, 1])
async def test_a_place_before_the_first_page_cannot_be_found_again(server: HostileServer, offset: int):
    server.answer = Rows(rows(*range(1, 11)), fixed=4)
    async with server.session() as session:
        with pytest.raises(PagingError, match="start anew") as caught:
            await session.briefs.results(1, start=Cursor(0, offset, 2)).collect()
    assert caught.value.cursor == Cursor(0, offset, 2)


async def test_a_listing_whose_pages_were_never_even_goes_on_from_every_place(server: HostileServer):
    # Rows are left out after a page of 4 was cut: another size would name other rows.
    lengths = [4, 2, 2, 4, 1, 3]
    whole = [[4 * page + at for at in range(length)] for page, length in enumerate(lengths)]
    flat = [row for page in whole for row in page]

    def answer(page: int, size: int):
        start = (page - 1) * size
        cut = [row for row in flat if start <= row < start + size] if page > 0 else []
        return 200, body(rows(*cut))

    server.answer = answer
    found: list[tuple[Cursor, str]] = []
    async with server.session() as session, session.briefs.results(1, page_size=4).walk() as walk:
        async for row in walk:
            found.append((walk.cursor, row["id"]))
    assert [row for _, row in found] == [f"r{row}" for row in flat]
    for done, (cursor, _) in enumerate(found, 1):
        async with server.session() as session:
            rest = await session.briefs.results(1, start=cursor).collect()
            assert ids(rest) == [f"r{row}" for row in flat[done:]], cursor


async def test_a_page_that_has_become_empty_takes_no_row_of_the_next_with_it(server: HostileServer):
    shown = Rows(rows(*range(1, 17)))
    shown.overrides[2] = 200, b'{"entries": [], "total": 16}'
    server.answer = shown
    async with server.session() as session:
        got = []
        with pytest.raises(PagingError):
            async for row in session.briefs.results(1, start=Cursor(2, 3, 4), on_drift="ignore"):
                got.append(row["id"])
    assert got == names(16, first=9)


@pytest.mark.parametrize("total", ["honest", "missing", "own"])
async def test_a_start_by_number_counts_by_the_size_that_it_is_given(server: HostileServer, total: str):
    # Its cursors would else say 100, and mean 4.
    server.answer = Rows(rows(*range(1, 24)), cap=4, total=total)
    async with server.session() as session, session.briefs.results(1, start=3).walk() as walk:
        found = [walk.cursor]
        async for _ in walk:
            found.append(walk.cursor)  # a cursor moves
    assert found[1:] == [Cursor(3 + at // 4, at % 4 + 1, 4) for at in range(15)]
    assert {size for _, size in server.asked} - {4} == {100}
    server.answer = Rows(rows(*range(1, 24)), cap=3, total=total)
    for done, cursor in enumerate(found[1:], 9):
        async with server.session() as session:
            assert ids(await session.briefs.results(1, start=cursor).collect()) == names(23, first=done + 1), cursor


async def test_a_first_page_that_has_become_shorter_than_the_cursor_is_drift(server: HostileServer):
    server.answer = Rows(rows(1, 2), total="missing")
    async with server.session() as session:
        pager = session.briefs.results(1, start=Cursor(1, 4, 4), on_drift="ignore")
        assert await pager.collect() == []
        assert not pager.report.complete
        server.answer = Rows(rows(1, 2), total="missing", past_end=404)
        assert await pager.collect() == []
        assert not pager.report.complete


async def test_a_list_that_no_longer_has_the_cursors_page_is_not_found_where_that_is_refused(server: HostileServer):
    server.answer = Rows(rows(1, 2, 3), past_end=404)
    async with server.session() as session:
        with pytest.raises(NotFoundError) as caught:
            await session.briefs.results(1, start=Cursor(3, 1, 4)).collect()
        assert caught.value.cursor == Cursor(3, 1, 4)


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_page_before_that_cannot_be_read_proves_nothing(server: HostileServer, status: int):
    server.answer = shown = Rows(rows(*range(1, 12)))
    shown.overrides[2] = failure(status)
    async with server.session() as session:
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, start=Cursor(3, 1, 4)).collect()
        assert (caught.value.status, caught.value.cursor) == (status, Cursor(3, 1, 4))


async def test_a_brief_that_has_vanished_is_not_found_from_a_cursor(server: HostileServer):
    server.answer = lambda page, size: failure(404)
    async with server.session() as session:
        with pytest.raises(NotFoundError) as caught:
            await session.briefs.results(1, start=Cursor(3, 1, 4)).collect()
        assert caught.value.cursor == Cursor(3, 1, 4)
        assert server.pages == [3, 1, 0]


@pytest.mark.parametrize(
    ("cursor", "total", "asked"),
    [
        pytest.param(Cursor(2, 1, 4), "honest", [2, 3, 4, 4], id="on a full page"),
        pytest.param(Cursor(2, 1, 4), "missing", [2, 3, 4, 5, 4], id="on a full page, without a total"),
        pytest.param(Cursor(3, 1, 4), "honest", [3, 2, 4, 4], id="on the last page: is the one before it full?"),
        pytest.param(Cursor(3, 1, 4), "missing", [3, 2, 4, 5, 4], id="on the last page, without a total"),
    ],
)
async def test_what_going_on_costs(server: HostileServer, cursor: Cursor, total: str, asked: list[int]):
    server.answer = Rows(rows(*range(1, 12)), total=total)
    async with server.session() as session:
        await session.briefs.results(1, start=cursor, prefetch=1).collect()
    assert server.pages == asked
