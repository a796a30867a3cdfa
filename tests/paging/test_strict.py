"""``strict=True``: walked until two passes agree, kept on disk meanwhile, and each row given once."""

import asyncio
import json
import logging
from typing import Any

import pytest

from aishoot_async import Cursor, UnstableListingError
from paging.hostile import HostileServer, Rows, changing, ids, names, outcome, paired, rows, warnings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("prefetch", [1, 8])
async def test_a_listing_that_stands_still_is_walked_twice_and_given_once(server: HostileServer, prefetch: int, caplog):
    server.answer = Rows(rows(*range(1, 42)))
    async with server.session() as session:
        await session.briefs.results(1, page_size=4).collect(1)
        server.forget()
        pager = session.briefs.results(1, page_size=4, prefetch=prefetch, strict=True)
        with caplog.at_level(logging.WARNING):
            assert ids(await pager.collect()) == names(41)
        # Page 0, too: what another walk has found out is not believed.
        assert sorted(server.pages) == sorted([0, 0, *range(1, 12)] * 2)
        assert server.max_in_flight <= prefetch
    report = pager.report
    assert (report.complete, report.passes, report.pages, report.items, report.duplicates) == (True, 2, 11, 41, 0)
    assert (report.expected_total, report.total_changed, report.page_base, report.page_size) == (41, False, 1, 4)
    assert warnings(caplog) == []


@pytest.mark.parametrize("envelope", ["array", "entries", "spring", "spring-page", "hal", "list"])
@pytest.mark.parametrize("base", [0, 1])
async def test_strict_walks_read_every_envelope(server: HostileServer, envelope: str, base: int):
    for count in (0, 1, 4, 9):
        server.answer = Rows(rows(*range(1, count + 1)), envelope=envelope, base=base, total="honest", cap=4)
        async with server.session() as session:
            pager = session.briefs.results(1, strict=True)
            assert ids(await pager.collect()) == names(count)
            assert (pager.report.complete, pager.report.passes) == (True, 2)


async def test_nothing_is_given_while_the_passes_are_made(server: HostileServer):
    server.answer = Rows(rows(*range(1, 10)))
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, strict=True, start=1).walk()
        server.hold(3)
        first = asyncio.ensure_future(anext(walk))
        await server.arrived(3)
        await asyncio.sleep(0.02)
        assert not first.done()
        assert walk.cursor == Cursor(1, 0, 4)
        assert (walk.report.items, walk.report.passes, walk.report.complete) == (0, 1, False)
        server.release(3)
        assert (await first)["id"] == "r1"
        assert ids([row async for row in walk]) == names(9, first=2)


async def test_a_row_that_slipped_past_the_first_pass_is_given(server: HostileServer, caplog):
    def change(number: int, shown: Rows) -> None:
        if number == 2:
            paired(100, shown)

    data = Rows(rows(*range(1, 13)))
    server.answer = changing(data, change)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, prefetch=1, start=1)
        lost = await pager.collect()
        assert "r5" not in ids(lost)
        assert pager.report.complete  # nobody can know: the total has never changed
        server.answer = changing(Rows(rows(*range(1, 13))), change)
        strict = session.briefs.results(1, page_size=4, prefetch=1, start=1, strict=True)
        with caplog.at_level(logging.WARNING):
            assert ids(await strict.collect()) == [*names(12, first=2), "r100"]
        assert (strict.report.passes, strict.report.complete) == (3, True)
    assert len(warnings(caplog)) == 1
    assert "rows that came: 1, that went: 1" in warnings(caplog)[0]


def inserted(number: int, shown: Rows) -> None:
    shown.data = [*rows(1000 + number), *shown.data]


def deleted(_: int, shown: Rows) -> None:
    shown.data = shown.data[1:]


@pytest.mark.parametrize("change", [inserted, deleted, lambda number, shown: paired(1000 + number, shown)])
@pytest.mark.parametrize("total", ["honest", "missing"])
async def test_a_listing_that_never_stands_still_gives_an_error_and_no_row(server: HostileServer, change, total: str):
    server.answer = changing(Rows(rows(*range(1, 201)), total=total), change)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=8, prefetch=2, strict=True)
        got, error = await outcome(pager)
    assert got == []
    assert isinstance(error, UnstableListingError)
    assert error.cursor == Cursor(-1, 0, 8)
    assert "walked 5 times" in str(error)
    assert (pager.report.passes, pager.report.complete, pager.report.items) == (5, False, 0)


async def test_the_error_says_how_many_came_and_went(server: HostileServer):
    def change(number: int, shown: Rows) -> None:
        # Passes of 2 requests: each sees three other rows in place of two.
        if number % 2 == 1:
            shown.data = rows(*range(10 * number, 10 * number + 3), *range(5))

    server.answer = changing(Rows([]), change)
    async with server.session() as session:
        got, error = await outcome(session.briefs.results(1, start=1, prefetch=1, strict=True, page_size=8))
    assert (got, str(error).count("rows that came: 3, that went: 3")) == ([], 1)


async def test_rows_that_come_twice_far_apart_make_no_clean_pass(server: HostileServer):
    # 60 pages apart: far outside of the window in which an ordinary walk can tell.
    server.answer = Rows(rows(*range(1, 241), 1))
    async with server.session() as session:
        plain = session.briefs.results(1, page_size=4, prefetch=1)
        assert len(await plain.collect()) == 241
        assert plain.report.complete
        got, error = await outcome(session.briefs.results(1, page_size=4, prefetch=1, strict=True))
    assert got == []
    assert isinstance(error, UnstableListingError)
    assert "rows that came twice: 1" in str(error)


async def test_a_pass_with_a_hole_or_another_total_is_not_clean(server: HostileServer):
    shown = Rows(rows(*range(1, 21)))
    empty = 200, b'{"entries": [], "total": 20}'

    def change(number: int, shown: Rows) -> None:
        shown.overrides = {2: empty} if number < 9 else {}
        shown.total = 1 if 9 <= number < 11 else "honest"

    server.answer = changing(shown, change)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, prefetch=1, start=1, strict=True)
        assert ids(await pager.collect()) == names(20)
        # A hole; a total that changes; and two that agree.
        assert pager.report.passes == 4


async def test_rows_without_ids_are_told_apart_by_their_json_and_may_come_as_often_as_they_like(server: HostileServer):
    data: list[Any] = [{"same": 1}] * 6 + [{"other": 1}] * 3
    server.answer = Rows(data)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, strict=True)
        assert [json.loads(row.raw) for row in await pager.collect()] == data
        assert pager.report.passes == 2

        def change(number: int, shown: Rows) -> None:
            shown.data = [{"same": 1}] * (6 if number <= 2 else 5) + [{"other": 1}] * (3 if number <= 2 else 4)

        server.answer = changing(Rows([]), change)
        pager = session.briefs.results(1, page_size=20, prefetch=1, start=1, strict=True)
        assert len(await pager.collect()) == 9
        assert pager.report.passes == 3


async def test_rows_that_only_look_otherwise_are_the_same_rows(server: HostileServer):
    count = 0

    def answer(page: int, size: int) -> tuple[int, bytes]:
        nonlocal count
        count += 1
        signed = [{**row, "imageUrl": f"https://images/{row['id']}?signature={count}"} for row in rows(*range(1, 10))]
        return Rows(signed)(page, size)

    server.answer = answer
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, strict=True)
        assert ids(await pager.collect()) == names(9)
        assert pager.report.passes == 2


async def test_skus_are_told_apart_by_the_id_that_they_have(server: HostileServer):
    count = 0

    def answer(page: int, size: int) -> tuple[int, bytes]:
        nonlocal count
        count += 1
        return Rows([{"skuId": number, "seen": count} for number in range(9)])(page, size)

    server.answer = answer
    async with server.session() as session:
        for into in (None, bytes):
            pager = session.skus.list(page_size=4, strict=True, into=into)
            assert len(await pager.collect()) == 9
            assert pager.report.passes == 2
