"""What type checkers must see in a listing. Never run: mypy and pyright read it."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, TypedDict, TypeVar, assert_type

import attrs

from aishoot_async import (
    AIShootSession,
    BriefResult,
    Cursor,
    EnvelopePaths,
    Page,
    Pager,
    PagingOptions,
    PagingReport,
    Sku,
    SkuCreate,
    Walk,
)

T = TypeVar("T")


@attrs.frozen
class Shot:
    id: str


@dataclasses.dataclass
class Row:
    id: str


class Raw(TypedDict):
    id: str


class Pair(NamedTuple):
    id: str
    size: int


class Factory:
    def __call__(self, text: bytes) -> Row:
        return Row(text.decode())


def measure(text: bytes) -> int:
    return len(text)


def maybe(text: bytes) -> Shot | None:
    return Shot(text.decode()) if text else None


async def listings(session: AIShootSession) -> None:
    assert_type(session.skus.list(), Pager[Sku])
    assert_type(session.briefs.results(1), Pager[BriefResult])
    assert_type(await session.skus.list(), Page[Sku])
    assert_type(session.skus.list().pages(), Walk[Page[Sku]])
    assert_type(session.skus.list().walk(), Walk[Sku])
    assert_type(session.skus.list().walk().cursor, Cursor)
    assert_type(session.skus.list().walk().report, PagingReport)
    assert_type(session.skus.list().cursor, Cursor)
    assert_type(session.skus.list().report.passes, int)
    assert_type(aiter(session.skus.list()), Walk[Sku])
    assert_type(await anext(aiter(session.skus.list())), Sku)
    async for sku in session.skus.list(start=Cursor.parse("1:0:100")):
        assert_type(sku, Sku)
    async with session.briefs.results(1).walk() as walk:
        assert_type(walk, Walk[BriefResult])
        async for result in walk:
            assert_type(result["imageUrl"], Any)
    async for page in session.briefs.results(1).pages():
        assert_type(page, Page[BriefResult])
        assert_type(page.items, Sequence[BriefResult])
        assert_type(page.raw, Sequence[bytes])
        assert_type(page.total, int | None)


async def types(session: AIShootSession) -> None:
    assert_type(session.briefs.results(1, fields=("status", "imageUrl")), Pager[BriefResult])
    assert_type(session.briefs.results(1, fields=["status"], strict=True), Pager[BriefResult])
    assert_type(session.briefs.results(1, fields=None, into=Shot), Pager[Shot])
    assert_type(session.briefs.results(1, into=Shot), Pager[Shot])
    assert_type(session.briefs.results(1, into=Row), Pager[Row])
    assert_type(session.briefs.results(1, into=Raw), Pager[Raw])
    assert_type(session.briefs.results(1, into=dict[str, int]), Pager[dict[str, int]])
    assert_type(session.briefs.results(1, into=bytes), Pager[bytes])
    assert_type(session.skus.list(into=Shot, prefetch=32, on_drift="raise"), Pager[Shot])
    assert_type(session.skus.list(into=Shot, strict=True), Pager[Shot])
    assert_type(session.skus.list(into=None), Pager[Sku])
    assert_type(await session.skus.list(into=Shot), Page[Shot])
    assert_type(await session.skus.list(into=Shot).collect(), list[Shot])
    assert_type(await session.skus.list(into=Shot, strict=True).collect(limit=3), list[Shot])
    assert_type(session.skus.list(into=Shot).pages(), Walk[Page[Shot]])
    async with session.skus.list(into=Row).walk() as walk:
        assert_type(await anext(walk), Row)
    async for page in session.briefs.results(1, into=Raw).pages():
        assert_type(page.items, Sequence[Raw])
        assert_type(page.items[0]["id"], str)


async def callables(session: AIShootSession) -> None:
    assert_type(session.briefs.results(1, into=measure), Pager[int])
    assert_type(session.briefs.results(1, into=maybe), Pager[Shot | None])
    assert_type(session.briefs.results(1, into=Factory()), Pager[Row])
    assert_type(session.briefs.results(1, into=json.loads), Pager[Any])
    assert_type(session.skus.list(into=lambda text: text.decode()), Pager[str])
    assert_type(session.skus.list(into=lambda text: Pair(text.decode(), len(text))), Pager[Pair])
    async for number in session.briefs.results(1, into=measure):
        assert_type(number, int)


async def generic(session: AIShootSession, into: Callable[[bytes], T]) -> AsyncIterator[T]:
    async for item in session.briefs.results(1, into=into):
        assert_type(item, T)
        yield item


async def options(session: AIShootSession) -> None:
    paging: PagingOptions = {"prefetch": 3, "strict": True, "envelope": EnvelopePaths("rows"), "patience": 60}
    assert_type(session.skus.list(**paging), Pager[Sku])
    assert_type(session.briefs.results(1, page_size=50, into=Shot, **paging), Pager[Shot])


async def writes(session: AIShootSession) -> None:
    assert_type(await session.skus.create(SkuCreate(name="a", front_image="b", project_ids=[1])), Sku)
    assert_type(await session.skus.edit("a", name="b", gender=None, sku_category_name="top"), Sku)
