"""How a strict walk is used: cursors, pages, types, what it says of a change, and what it never does."""

import asyncio
import gc
import json
import logging
import sys
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from aishoot_async import (
    ConfigurationError,
    Cursor,
    DriftError,
    Page,
    PagingError,
    PermissionDeniedError,
    UnexpectedResponseError,
    UnstableListingError,
)
from paging.hostile import HostileServer, Rows, changing, failure, ids, names, outcome, paired, rows, tasks, warnings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("cap", [None, 4])
async def test_a_plain_walk_goes_on_exactly_from_every_place(server: HostileServer, base: int, cap: int | None):
    server.answer = Rows(rows(*range(1, 11)), base=base, cap=cap, total="missing")
    found: list[Cursor] = []
    async with server.session() as session:
        async with session.briefs.results(1, page_size=None if cap else 4, strict=True).walk() as walk:
            assert walk.cursor == Cursor(-1, 0, 100 if cap else 4)
            async for _ in walk:
                found.append(walk.cursor)  # a cursor moves
        assert walk.cursor == found[-1]
    assert found == [Cursor(base + at // 4, at % 4 + 1, 4) for at in range(10)]
    for done, cursor in enumerate(found, 1):
        for strict in (False, True):
            async with server.session() as session:
                rest = session.briefs.results(1, start=Cursor.parse(str(cursor)), strict=strict)
                assert ids(await rest.collect()) == names(10, first=done + 1)
                assert rest.report.complete
                assert rest.report.items == 10 - done


async def test_a_strict_rest_waits_until_the_rest_stands_still(server: HostileServer):
    def change(number: int, shown: Rows) -> None:
        if number == 2:
            paired(100, shown)

    server.answer = changing(Rows(rows(*range(1, 21))), change)
    async with server.session() as session:
        pager = session.briefs.results(1, start=Cursor(2, 1, 4), prefetch=1, strict=True)
        assert ids(await pager.collect()) == [*names(20, first=7), "r100"]
        assert pager.report.passes == 3


async def test_a_strict_rest_of_a_page_that_became_shorter_is_not_clean(server: HostileServer):
    server.answer = Rows(rows(*range(1, 7)), total="missing")
    async with server.session() as session:
        got, error = await outcome(session.briefs.results(1, start=Cursor(2, 4, 4), strict=True))
    assert got == []
    assert isinstance(error, UnstableListingError)
    assert "shorter than where the cursor stands" in str(error)
    assert error.cursor == Cursor(2, 4, 4)


async def test_pages_of_a_strict_walk_are_those_of_its_last_pass(server: HostileServer):
    data = rows(*range(1, 11))
    server.answer = Rows(data, base=0)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, strict=True)
        pages = [page async for page in pager.pages()]
        assert [(page.number, len(page.items), page.total) for page in pages] == [(0, 4, 10), (1, 4, 10), (2, 2, 10)]
        assert [json.loads(raw) for page in pages for raw in page.raw] == data
        assert (pager.report.pages, pager.report.items) == (3, 10)
        rest = [page async for page in session.briefs.results(1, start=Cursor(1, 3, 4), strict=True).pages()]
        assert [ids(page.items) for page in rest] == [["r8"], ["r9", "r10"]]


async def test_awaiting_or_collecting_some_of_a_strict_pager_walks_all_of_it_first(server: HostileServer):
    server.answer = Rows(rows(*range(1, 42)))
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, strict=True)
        server.hold(2)

        async def first() -> Page[Any]:
            return await pager

        waiting = asyncio.create_task(first())
        await server.arrived(9)  # all of it is read, so with all of the window
        server.release(2)
        page = await waiting
        assert (page.number, page.total, ids(page.items)) == (1, 41, names(4))
        assert server.pages.count(11) == 2
        assert pager.cursor == Cursor(1, 4, 4)
        assert not pager.report.complete
        assert ids(await pager.collect(5)) == names(5)
        assert server.pages.count(11) == 4
        assert not pager.report.complete
        assert await pager.collect(0) == []
        assert server.pages.count(11) == 4
        assert tasks() == set()
        server.answer = Rows([])
        assert await session.briefs.results(1, strict=True) == Page(number=1, items=(), total=0)


async def test_strict_with_into(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)))

    def number(text: bytes) -> int:
        found: int = json.loads(text)["n"]
        if found == limit:
            raise KeyError(found)
        return found

    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, into=number, strict=True)
        limit = 11
        assert await pager.collect() == list(range(1, 11))
        limit = 6
        got: list[int] = []
        with pytest.raises(KeyError):
            async for row in pager:
                got.append(row)  # a row that does not fit is met before the first is given
        assert got == []
        raws = await session.briefs.results(1, page_size=4, into=bytes, strict=True).collect()
        assert [json.loads(raw) for raw in raws] == rows(*range(1, 11))
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.briefs.results(1, page_size=4, into=float, strict=True).collect()
        assert caught.value.cursor == Cursor(-1, 0, 4)
        assert tasks() == set()


@pytest.mark.parametrize(("on_drift", "logged"), [("warn", 1), ("ignore", 0)])
async def test_what_a_strict_walk_says_of_a_change(server: HostileServer, on_drift: Any, logged: int, caplog):
    def change(number: int, shown: Rows) -> None:
        if number in {2, 7}:
            shown.data = rows(100 + number) + list(shown.data)

    server.answer = changing(Rows(rows(*range(1, 12))), change)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, start=1, prefetch=1, strict=True, on_drift=on_drift)
        with caplog.at_level(logging.WARNING):
            assert len(await pager.collect()) == 13
        assert pager.report.complete
        assert pager.report.passes == 4
    assert len(warnings(caplog)) == logged


@pytest.mark.parametrize("when", [2, 4])
async def test_a_change_may_be_an_error_at_once(server: HostileServer, when: int):
    def change(number: int, shown: Rows) -> None:
        if number == when:
            shown.data = [*rows(100), *shown.data[:-1]]

    server.answer = changing(Rows(rows(*range(1, 12))), change)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, start=1, prefetch=1, strict=True, on_drift="raise")
        got, error = await outcome(pager)
    assert got == []
    assert isinstance(error, DriftError)
    assert error.cursor == Cursor(1, 0, 4)
    assert pager.report.passes == (1 if when == 2 else 2)


async def test_an_error_of_a_pass_is_the_walks(server: HostileServer):
    def change(number: int, shown: Rows) -> None:
        shown.overrides = {2: failure(403)} if number == 5 else {}

    server.answer = changing(Rows(rows(*range(1, 12))), change)
    async with server.session() as session:
        walk = session.briefs.results(1, page_size=4, start=1, prefetch=1, strict=True).walk()
        with pytest.raises(PermissionDeniedError) as caught:
            await anext(walk)
        assert caught.value.cursor == Cursor(1, 0, 4)
        assert [row async for row in walk] == []
        assert tasks() == set()
        assert not walk.report.complete


async def test_a_total_beyond_all_numbers_is_no_trouble(server: HostileServer):
    server.answer = lambda page, size: (200, b'{"entries": [{"id": 1}], "total": %d}' % 10**30)
    async with server.session() as session:
        page = await session.briefs.results(1)
        assert page.total == 10**30
        got, error = await outcome(session.briefs.results(1, strict=True))
    assert got == []
    assert isinstance(error, PagingError)


async def test_a_strict_walk_never_blocks_the_loop(server: HostileServer):
    server.answer = Rows([{**row, "pad": "x" * 2000} for row in rows(*range(1, 2001))])
    with blockbuster_ctx("aishoot_async"):
        async with server.session() as session:
            assert len(await session.briefs.results(1, strict=True).collect()) == 2000
            async for _ in session.briefs.results(1, strict=True):
                break
            await asyncio.sleep(0)


@pytest.mark.parametrize("strict", ["yes", 1, None])
async def test_strict_is_yes_or_no(server: HostileServer, strict: Any):
    async with server.session() as session:
        with pytest.raises(ConfigurationError, match="strict"):
            session.briefs.results(1, strict=strict)


async def test_without_a_database_a_strict_walk_is_refused_and_nothing_else_is_said(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch
):
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    # As where Python was built without sqlite3.
    monkeypatch.setitem(sys.modules, "aishoot_async.paging._strict", None)
    async with server.session() as session:
        pager = session.briefs.results(1, strict=True)
        for walk in (pager.walk, pager.pages):
            with pytest.raises(ImportError):
                walk()
    gc.collect()
    assert unraisable == []
    assert server.asked == []
