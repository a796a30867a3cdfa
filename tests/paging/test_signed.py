"""Rows without ids, whose URLs are signed anew in each answer: pages and rows are known again all the same."""

import itertools

import pytest

from aishoot_async import PagingLoopError
from paging.hostile import Answer, HostileServer, body, failure

pytestmark = pytest.mark.anyio
SIGNED = ["https://cdn/{row}.png?X-Sig={sign}", "//cdn/{row}.png#{sign}", "/images/{row}.png?e={sign}"]


def signing(form: str, count: int, *, total: int | None, is_deaf: bool = False, past: int = 0):
    """Make a service of so many rows that signs what it gives, each time anew."""
    signs = itertools.count()

    def answer(page: int, size: int) -> Answer:
        shown = 1 if is_deaf else max(page, 1)
        found = range(count)[(shown - 1) * size : shown * size]
        if past and not found:
            return failure(past)
        urls = [form.format(row=row, sign=next(signs)) for row in found]
        return 200, body({"entries": [{"imageUrl": url} for url in urls], "total": total})

    return answer


def paths(items):
    return [item["imageUrl"].partition("?")[0].partition("#")[0] for item in items]


@pytest.mark.parametrize("form", SIGNED)
async def test_a_page_number_that_is_ignored_is_a_loop(server: HostileServer, form: str):
    server.answer = signing(form, 3, total=None, is_deaf=True)
    got = []
    async with server.session() as session, session.briefs.results(1, page_size=3, start=1).walk() as walk:
        with pytest.raises(PagingLoopError):
            async for item in walk:
                got.append(item)
                assert len(got) <= 3


@pytest.mark.parametrize("form", SIGNED)
@pytest.mark.parametrize("total", [None, 40])
async def test_a_service_that_gives_page_1_for_page_0_too_gives_no_row_twice(server, form, total):
    server.answer = signing(form, 40, total=total)
    async with server.session() as session:
        got = paths(await session.briefs.results(1, page_size=10).collect())
    assert len(got) == len(set(got)) == 40


@pytest.mark.parametrize("form", SIGNED)
async def test_a_404_behind_the_last_page_is_the_end(server: HostileServer, form: str):
    server.answer = signing(form, 40, total=None, past=404)
    async with server.session() as session:
        assert len(await session.briefs.results(1, page_size=10).collect()) == 40


@pytest.mark.parametrize("form", SIGNED)
async def test_two_passes_of_a_strict_walk_agree(server: HostileServer, form: str):
    server.answer = signing(form, 40, total=40)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=10, strict=True)
        got = paths(await pager.collect())
    assert len(set(got)) == 40
    assert pager.report.passes == 2
