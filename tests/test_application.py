"""A session as an asyncio application uses it: many tasks, many walks, one pool."""

import asyncio
import logging

import pytest

from aishoot_async import AIShootSession, Cursor
from aishoot_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_200_concurrent_collects_are_right_and_leave_nothing_behind(caplog):
    before = asyncio.all_tasks()
    async with Sandbox(skus=57) as sandbox:
        want = [sku["id"] for sku in sandbox.skus()]
        async with AIShootSession(sandbox.token, base_url=sandbox.url, auth_url=sandbox.url) as session:
            with caplog.at_level(logging.WARNING):
                lists = await asyncio.gather(*(session.skus.list(page_size=10).collect() for _ in range(200)))
            assert asyncio.all_tasks() - before - sandbox_tasks(before) == set()
        assert all([sku.id for sku in found] == want for found in lists)
    assert [record for record in caplog.records if record.name.startswith(("aishoot_async", "asyncio"))] == []
    assert asyncio.all_tasks() == before


def sandbox_tasks(before):
    """The server's own tasks run on the same loop: one a connection."""
    return {task for task in asyncio.all_tasks() - before if "aiohttp/web" in repr(task.get_coro().cr_code)}


async def test_two_walks_of_one_pager_keep_separate_cursors():
    async with Sandbox(briefs={1: 30}) as sandbox, AIShootSession(sandbox.token, base_url=sandbox.url) as session:
        pager = session.briefs.results(1, page_size=7)
        one, two = pager.walk(), pager.walk()
        for _ in range(3):
            await anext(one)
        for _ in range(9):
            await anext(two)
        assert (one.cursor, two.cursor) == (Cursor(1, 3, 7), Cursor(2, 2, 7))
        assert pager.cursor == two.cursor
        await one.aclose()
        await two.aclose()


@pytest.mark.parametrize("taken", [0, 1, 9, 10, 11, 137, 249, 250])
async def test_the_cursor_after_item_k_under_prefetch_32_resumes_at_the_next_with_prefetch_1(taken):
    async with Sandbox(briefs={1: 250}) as sandbox:
        want = [row["id"] for row in sandbox.results(1)]
        async with (
            AIShootSession(sandbox.token, base_url=sandbox.url) as session,
            session.briefs.results(1, page_size=10, prefetch=32).walk() as walk,
        ):
            given = [(await anext(walk)).id for _ in range(taken)]
            bookmark = str(walk.cursor)
        async with AIShootSession(sandbox.token, base_url=sandbox.url) as session:
            rest = await session.briefs.results(1, start=Cursor.parse(bookmark), prefetch=1).collect()
        assert given + [row.id for row in rest] == want
