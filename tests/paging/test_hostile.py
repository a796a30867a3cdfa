"""Services that lie, loop, lose pages or fail: never endless, never short in silence."""

import itertools
import json
import random

import pytest

from aishoot_async import (
    BadRequestError,
    Cursor,
    NotFoundError,
    PagingError,
    PagingLoopError,
    PermissionDeniedError,
    ServerError,
    UnexpectedResponseError,
)
from paging.hostile import HostileServer, Rows, body, changing, failure, ids, names, rows

pytestmark = pytest.mark.anyio


async def until_error(listing) -> tuple[list[str], Exception]:
    """Walk a pager, or a walk to its end, which must be an error, and nothing after it."""
    got, walk = [], aiter(listing)
    try:
        async for row in walk:
            got.append(row["id"])  # kept when the error comes
    except Exception as error:  # noqa: BLE001  # tests say which
        assert [row async for row in walk] == []
        return got, error
    raise AssertionError("no error came")


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


async def test_a_page_before_a_404_may_look_otherwise_and_be_unchanged(server: HostileServer):
    count = itertools.count()

    def answer(page: int, size: int):
        signed = [{**row, "imageUrl": f"https://images/{next(count)}"} for row in rows(*range(1, 9))]
        return Rows(signed, total="missing", past_end=404)(page, size)

    server.answer = answer
    async with server.session() as session:
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(8)


@pytest.mark.parametrize("last", [False, True])
async def test_a_service_that_repeats_its_last_page_and_says_its_number_is_whole(server: HostileServer, *, last: bool):
    server.answer = Rows(rows(*range(1, 9)), envelope="spring", past_end="repeat", last=last)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect()) == names(8)
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
    assert error.cursor == Cursor(6, 1, 4)


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


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_brief_that_vanishes_in_mid_walk_is_not_found(server: HostileServer, prefetch: int, total: str):
    shown = Rows(rows(*range(1, 22)), total=total)
    server.answer = shown
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=prefetch).walk()
        got = [(await anext(walk))["id"]]
        server.answer = lambda page, size: failure(404)
        rest, error = await until_error(walk)
    assert isinstance(error, NotFoundError)
    assert got + rest == names(4)
    assert error.cursor == Cursor(1, 4, 4)


async def test_a_404_after_a_page_that_has_changed_is_not_the_end(server: HostileServer):
    second = [rows(3, 4), rows(4, 5)]

    def answer(page: int, _size: int):
        if page == 1:
            return 200, body(rows(1, 2))
        return (200, body(second.pop(0))) if page == 2 else failure(404)

    server.answer = answer
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=2, prefetch=1, start=1))
    assert got == names(4)
    assert isinstance(error, NotFoundError)


async def test_404s_before_the_total_are_holes_of_a_brief_that_is_still_there(server: HostileServer):
    server.answer = Rows(rows(*range(1, 9)), total=12, past_end=404)
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4, prefetch=1))
    assert got == names(8)
    assert type(error) is PagingError
    # Page 2 is the last that answered, and so it is read again for each of them.
    assert server.pages[-6:] == [3, 2, 4, 2, 5, 2]


@pytest.mark.parametrize("prefetch", [1, 2, 32])
@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("status", [500, 403])
async def test_an_error_is_raised_at_its_place_and_a_new_walk_gives_the_rest(
    server: HostileServer, prefetch: int, base: int, status: int
):
    for broken in range(base, base + 5):
        if status == 500 and broken <= 1:
            continue  # these are the base's, below
        shown = Rows(rows(*range(1, 18)), base=base)
        shown.overrides[broken] = failure(status)
        server.answer = shown
        async with server.session() as session:
            got, error = await until_error(session.briefs.results(1, page_size=4, prefetch=prefetch))
            assert isinstance(error, ServerError if status == 500 else PermissionDeniedError)
            assert error.cursor is not None
            if broken > 2:
                assert got == names(4 * (broken - base))
            shown.overrides.clear()
            again = session.briefs.results(1, start=Cursor.parse(str(error.cursor)), prefetch=prefetch)
            assert got + ids(await again.collect()) == names(17)


async def test_a_gateway_error_on_page_0_is_no_sign_that_there_is_none(server: HostileServer):
    shown = Rows(rows(*range(1, 9)), base=0, total="missing")
    shown.overrides[0] = failure(503)
    server.answer = shown
    async with server.session() as session:
        with pytest.raises(ServerError):
            await session.briefs.results(1, page_size=4).collect()
        shown.overrides.clear()
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(8)


@pytest.mark.parametrize("status", [500, 503, 403, 404, 400])
@pytest.mark.parametrize("total", ["honest", "missing", "own"])
async def test_errors_of_pages_beyond_the_end_are_nobodys(server: HostileServer, status: int, total: str):
    shown = Rows(rows(*range(1, 10)), total=total)
    shown.overrides = dict.fromkeys(range(5 if total == "honest" else 6, 40), failure(status))
    server.answer = shown
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, prefetch=32).walk()
        assert ids([row async for row in walk]) == names(9)
        assert walk.report.complete


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_without_a_total_a_refusal_after_an_empty_page_shows_nothing(server: HostileServer, status: int):
    shown = Rows(rows(*range(1, 9)), total="missing")
    shown.overrides[4] = failure(status)
    server.answer = shown
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4))
    assert got == names(8)
    assert error.status == status


@pytest.mark.parametrize("status", [400, 416, 422])
async def test_a_refusal_past_a_total_that_is_reached_is_the_end(server: HostileServer, status: int):
    async with server.session() as session:
        server.answer = Rows(rows(*range(1, 9)), past_end=status)
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(8)
        server.answer = Rows(rows(*range(1, 9)), past_end=status, total="missing")
        got, error = await until_error(session.briefs.results(1, page_size=4))
        assert got == names(8)
        assert isinstance(error, BadRequestError) or error.status in {416, 422}


async def test_an_answer_that_belongs_to_another_page_is_refused(server: HostileServer):
    shown = Rows(rows(*range(1, 18)), envelope="spring")

    def answer(page: int, size: int):
        return shown(4 if page == 3 else page, size)

    server.answer = answer
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4))
    assert isinstance(error, UnexpectedResponseError)
    assert error.where == "number"
    assert got == names(8)
    assert error.cursor == Cursor(2, 4, 4)


async def test_a_page_number_that_is_always_the_same_is_only_odd(server: HostileServer):
    shown = Rows(rows(*range(1, 10)))

    def answer(page: int, size: int):
        status, text = shown(page, size)
        return status, body({**json.loads(text), "number": 7})

    server.answer = answer
    async with server.session() as session:
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(9)


@pytest.mark.parametrize(
    "text",
    [
        b"<html>maintenance</html>",
        b'{"entries": [{"id": NaN}], "total": 9}',
        b'{"entries": [' + b"[" * 5000 + b"]" * 5000 + b"]}",
        b'{"entries": [], "entries": [{"id": 1}]}',
        b'{"entries": [{"id": "\xff"}]}',
        b'\xef\xbb\xbf{"entries": []}',
        b'{"entries": [], "total": "' + b"x" * 49 + b'\xc3\xa9\xc3\xa9"}',
        b'{"entries": [], "total": [1]}',
        b'{"a": [], "b": []}',
        b'{"a": 1}',
        b'"text"',
        b"",
    ],
)
async def test_what_cannot_be_read_is_an_error_at_its_place(server: HostileServer, text: bytes):
    shown = Rows(rows(*range(1, 18)))
    shown.overrides[3] = 200, text
    server.answer = shown
    async with server.session() as session:
        got, error = await until_error(session.briefs.results(1, page_size=4))
    assert isinstance(error, UnexpectedResponseError)
    assert got == names(8)
    assert error.cursor == Cursor(2, 4, 4)


async def test_a_nul_in_a_row_is_data(server: HostileServer):
    server.answer = lambda page, size: (200, b'{"entries": [{"id": "a\\u0000b"}], "total": 1}')
    async with server.session() as session:
        (row,) = (await session.briefs.results(1, start=1)).items
    assert row["id"] == "a\0b"
