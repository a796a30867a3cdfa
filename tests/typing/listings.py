"""What type checkers must see in a listing. Never run: mypy and pyright read it."""

from typing import Any, assert_type

import attrs

from aishoot_async import AIShootSession, BriefResult, Cursor, Page, Pager, Sku, SkuCreate, Walk


@attrs.frozen
class Shot:
    id: str


def measure(text: bytes) -> int:
    return len(text)


async def listings(session: AIShootSession) -> None:
    assert_type(session.skus.list(), Pager[Sku])
    assert_type(session.briefs.results(1), Pager[BriefResult])
    assert_type(session.briefs.results(1, into=Shot), Pager[Shot])
    assert_type(session.briefs.results(1, into=measure), Pager[int])
    assert_type(session.briefs.results(1, into=bytes), Pager[bytes])
    assert_type(session.skus.list(into=Shot, prefetch=32, on_drift="raise"), Pager[Shot])
    assert_type(session.skus.list(into=lambda text: text.decode()), Pager[str])
    assert_type(await session.skus.list(), Page[Sku])
    assert_type(await session.skus.list(into=Shot).collect(), list[Shot])
    assert_type(session.skus.list().pages(), Walk[Page[Sku]])
    assert_type(session.skus.list().walk().cursor, Cursor)
    async for sku in session.skus.list(start=Cursor.parse("1:0:100")):
        assert_type(sku, Sku)
    async with session.briefs.results(1).walk() as walk:
        async for result in walk:
            assert_type(result["imageUrl"], Any)


async def writes(session: AIShootSession) -> None:
    assert_type(await session.skus.create(SkuCreate(name="a", front_image="b", project_ids=[1])), Sku)
    assert_type(await session.skus.edit("a", name="b", gender=None, sku_category_name="top"), Sku)
