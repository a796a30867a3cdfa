"""What a pager and a walk can do."""

import dataclasses
import json
from typing import Any, TypedDict

import attrs
import pytest

from aishoot_async import BriefResult, ConfigurationError, Cursor, NotFoundError, Page, UnexpectedResponseError
from paging.hostile import HostileServer, Rows, failure, ids, names, rows, tasks

pytestmark = pytest.mark.anyio


async def test_a_pager_requests_nothing_until_it_is_used(server: HostileServer):
    async with server.session() as session:
        pager = session.briefs.results(1)
        pager.walk()
        pager.pages()
        aiter(pager)
        assert await pager.collect(0) == []
        assert pager.cursor == Cursor(-1, 0, 100)
    assert server.asked == []


async def test_awaiting_a_pager_gives_the_first_page_only(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)))
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        page = await pager
        assert (page.number, page.total, ids(page.items)) == (1, 10, names(4))
        assert [json.loads(raw) for raw in page.raw] == rows(1, 2, 3, 4)
        assert set(server.pages) == {1, 0}
        assert pager.cursor == Cursor(1, 4, 4)
        server.answer = Rows([])
        assert await session.briefs.results(1) == Page(number=1, items=(), total=0)
        assert await session.briefs.results(1, start=1) == Page(number=1, items=(), total=0)


async def test_an_empty_listing_of_an_unknown_base_has_a_first_page(server: HostileServer):
    server.answer = Rows([])
    async with server.session() as session:
        assert await session.briefs.results(1, start=7) == Page(number=1, items=(), total=0)


@pytest.mark.parametrize("limit", [1, 4, 5, 10, 99])
async def test_collect_takes_a_limit(server: HostileServer, limit: int):
    server.answer = Rows(rows(*range(1, 11)))
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        assert ids(await pager.collect(limit)) == names(min(limit, 10))
        assert tasks() == set()
        assert pager.report.complete == (limit == 99)


@pytest.mark.parametrize("limit", [-1, True, 1.0, "3"])
async def test_a_limit_that_is_none_is_refused(server: HostileServer, limit: Any):
    async with server.session() as session:
        with pytest.raises(ConfigurationError, match="limit"):
            await session.briefs.results(1).collect(limit)


async def test_pages_come_whole_and_in_order(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)), base=0)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4)
        found = [(page.number, len(page.items), page.total) async for page in pager.pages()]
        assert found == [(0, 4, 10), (1, 4, 10), (2, 2, 10)]
        assert (pager.report.pages, pager.report.items) == (3, 10)


@attrs.frozen
class ById:
    id: str
    image_url: str


@dataclasses.dataclass
class ByData:
    id: str
    image_url: str


class ByDict(TypedDict):
    id: str
    imageUrl: str


@pytest.mark.parametrize(
    ("into", "wanted"),
    [
        (ById, ById("a", "u")),
        (ByData, ByData("a", "u")),
        (ByDict, {"id": "a", "imageUrl": "u"}),
        (dict, {"id": "a", "imageUrl": "u"}),
        (dict[str, str], {"id": "a", "imageUrl": "u"}),
        (bytes, b'{"id": "a", "imageUrl":  "u"}'),
        (len, 29),
        (lambda text: json.loads(text)["id"], "a"),
    ],
)
async def test_items_come_as_the_caller_wants_them(server: HostileServer, into: Any, wanted: object):
    server.answer = lambda page, size: (200, b'[{"id": "a", "imageUrl":  "u"}]' if page == 1 else b"[]")
    async with server.session() as session:
        pager = session.briefs.results(1, into=into)
        assert await pager.collect() == [wanted]
        assert (await pager).items == (wanted,)


async def test_an_item_that_does_not_fit_is_named_by_its_place(server: HostileServer):
    server.answer = lambda page, size: (
        200,
        b'{"entries": [{"id": "a", "imageUrl": "u"}, {"id": "b"}], "total": 2}',
    )
    async with server.session() as session:
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.briefs.results(1, into=ById, start=1).collect()
    assert caught.value.where.startswith("entries[1]")
    assert caught.value.cursor == Cursor(1, 0, 100)


async def test_an_error_of_the_callers_own_function_comes_as_it_is(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)))

    def refuse_6(text: bytes) -> int:
        number = json.loads(text)["n"]
        if number == 6:
            raise KeyError(number)
        return number

    async with server.session() as session:
        walk = session.briefs.results(1, into=refuse_6, page_size=4).walk()
        got = []
        with pytest.raises(KeyError):
            async for number in walk:
                got.append(number)
        assert got == [1, 2, 3, 4]
        assert tasks() == set()
        assert [number async for number in walk] == []


async def test_items_are_results_where_nothing_else_is_said(server: HostileServer):
    server.answer = Rows(rows(1))
    async with server.session() as session:
        (item,) = await session.briefs.results(1).collect()
    assert isinstance(item, BriefResult)


async def test_a_brief_that_is_not_there_is_not_found_with_a_cursor(server: HostileServer):
    server.answer = lambda page, size: failure(404)
    async with server.session() as session:
        with pytest.raises(NotFoundError) as caught:
            await session.briefs.results(1).collect()
    assert caught.value.cursor == Cursor(-1, 0, 100)


async def test_skus_are_walked_the_same_way(server: HostileServer):
    server.answer = Rows(rows(*range(1, 11)))
    async with server.session() as session:
        assert [sku.id async for sku in session.skus.list(page_size=4, project_filter="a b&c=ü")] == names(10)
