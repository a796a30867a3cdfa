"""Listings that change while they are walked: reported, once, as the walk was told to."""

import logging

import pytest

from aishoot_async import DriftError
from paging.hostile import HostileServer, Rows, ids, rows, warnings

pytestmark = pytest.mark.anyio


async def drifting(server: HostileServer, change, session, **options):
    """Walk, and change the data after the first page and again after the third."""
    shown = Rows(rows(*range(1, 25)), total=options.pop("total", "honest"))
    server.answer = shown
    walk = session.briefs.results(1, page_size=4, prefetch=1, **options).walk()
    got = []
    async for row in walk:
        got.append(row["id"])
        if len(got) in {4, 12}:
            shown.data = change(shown.data, len(got))
    return got, walk


def inserted(data, at):
    return rows(100 + at) + list(data)


def deleted(data, _at):
    return list(data)[1:]


@pytest.mark.parametrize("change", [inserted, deleted])
async def test_by_default_drift_is_reported_and_logged_once(server: HostileServer, change, caplog):
    async with server.session() as session:
        with caplog.at_level(logging.WARNING):
            got, walk = await drifting(server, change, session)
    assert len(warnings(caplog)) == 1
    assert walk.report.total_changed
    assert not walk.report.complete
    assert walk.report.duplicates == len(got) - len(set(got)) == (2 if change is inserted else 0)
    assert walk.report.items == len(got)


async def test_without_a_total_rows_that_come_twice_tell(server: HostileServer, caplog):
    async with server.session() as session:
        with caplog.at_level(logging.WARNING):
            got, walk = await drifting(server, inserted, session, total="missing")
    assert len(warnings(caplog)) == 1
    assert "given before" in warnings(caplog)[0]
    assert not walk.report.complete
    assert walk.report.duplicates == len(got) - len(set(got)) == 2


@pytest.mark.parametrize("change", [inserted, deleted])
async def test_drift_can_be_an_error(server: HostileServer, change, caplog):
    async with server.session() as session:
        with pytest.raises(DriftError) as caught, caplog.at_level(logging.WARNING):
            await drifting(server, change, session, on_drift="raise")
        cursor = caught.value.cursor
        assert cursor is not None
        assert (cursor.page, cursor.offset) == (1, 4)
    assert warnings(caplog) == []


@pytest.mark.parametrize("change", [inserted, deleted])
async def test_drift_can_be_ignored_and_is_reported_all_the_same(server: HostileServer, change, caplog):
    async with server.session() as session:
        with caplog.at_level(logging.WARNING):
            _, walk = await drifting(server, change, session, on_drift="ignore")
    assert warnings(caplog) == []
    assert not walk.report.complete


async def test_a_page_with_one_row_twice_is_drift(server: HostileServer):
    server.answer = Rows(rows(1, 2, 2))
    async with server.session() as session:
        pager = session.briefs.results(1, on_drift="ignore")
        assert ids(await pager.collect()) == ["r1", "r2", "r2"]
        assert pager.report.duplicates == 1
        assert not pager.report.complete


async def test_a_whole_walk_is_reported_as_such(server: HostileServer, caplog):
    server.answer = Rows(rows(*range(1, 10)), base=0, cap=4)
    async with server.session() as session:
        pager = session.briefs.results(1)
        before = pager.report
        assert (before.items, before.complete, before.page_base) == (0, False, None)
        await pager.collect()
        report = pager.report
    assert report.complete
    assert (report.pages, report.items, report.duplicates) == (3, 9, 0)
    assert (report.expected_total, report.total_changed) == (9, False)
    assert (report.page_base, report.page_size) == (0, 4)
    assert warnings(caplog) == []


async def test_each_pages_own_count_is_no_changing_total(server: HostileServer, caplog):
    server.answer = Rows(rows(*range(1, 10)), total="own")
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        await pager.collect()
    assert pager.report.complete
    assert not pager.report.total_changed
    assert warnings(caplog) == []
