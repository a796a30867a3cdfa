"""Services that lie, loop, lose pages or fail: never endless, never short in silence."""

import itertools
import json

import pytest

from aishoot_async import (
    Cursor,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
    UnexpectedResponseError,
)
from paging.hostile import HostileServer, Rows, body, failure, ids, names, rows, until_error

pytestmark = pytest.mark.anyio


async def test_a_page_before_a_404_may_look_otherwise_and_be_unchanged(server: HostileServer):
    count = itertools.count()

    def answer(page: int, size: int):
        signed = [{**row, "imageUrl": f"https://images/{next(count)}"} for row in rows(*range(1, 9))]
        return Rows(signed, total="missing", past_end=404)(page, size)

    server.answer = answer
    async with server.session() as session:
        assert ids(await session.briefs.results(1, page_size=4).collect()) == names(8)


@pytest.mark.parametrize("prefetch", [1, 4])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_brief_that_vanishes_in_mid_walk_is_not_found(server: HostileServer, prefetch: int, total: str):
    shown = Rows(rows(*range(1, 22)), total=total)
    server.answer = shown
    async with server.session() as session:
        await session.briefs.results(1, page_size=4)  # or pages would be fetched ahead beside page 0
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
        # Without a total, it may as well be a limit of the service, unless it says that there is no such page.
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect()) == names(8)
        assert pager.report.complete == (status == 416)


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
        b"{}",
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
