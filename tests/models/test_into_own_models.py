"""``into=`` of the models that listings give anyway, of others, and of what cannot be one."""

import functools
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from aishoot_async import BriefResult, ConfigurationError, Gender, Sku
from paging.hostile import HostileServer, Rows

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    async with HostileServer(lambda page, size: (500, b"")) as running:
        yield running


ROWS: list[dict[str, Any]] = [
    {"id": "6", "name": "n", "more": 2},
    {"id": "6", "gender": "male"},
    {"id": 6, "gender": "robot", "skuCategoryName": "top"},
    {"skuId": "6"},
    {"id": "6", "projectIds": [1, 2], "isInWardrobe": None},
    {"id": "6", "frontImage": 7, "n": 123456789012345678901234567890},
]


@pytest.mark.parametrize("row", ROWS, ids=repr)
@pytest.mark.parametrize("model", [Sku, BriefResult])
@pytest.mark.parametrize("kind", ["skus", "results"])
async def test_own_models_are_read_as_they_are_without_into(
    server: HostileServer, row: dict[str, Any], model: Any, kind: str
):
    server.answer = Rows([row])
    async with server.session() as session:
        listing = session.skus.list if kind == "skus" else functools.partial(session.briefs.results, 1)
        pager = listing(into=model)
        [item] = await pager.collect()
        [raw] = await listing(into=bytes).collect()
        assert pager.report.complete
    assert type(item) is model
    assert item.raw == raw
    assert {**item.extra}.items() <= row.items()
    if model is BriefResult:
        assert dict(item) == row
        assert item.get("name") == row.get("name")
    if model is Sku:
        assert item.id == "6"
        assert item.gender == row.get("gender")


async def test_into_own_models_gives_what_no_into_gives(server: HostileServer):
    server.answer = Rows([{"id": f"{n}", "gender": "female", "more": n} for n in range(250)])
    async with server.session() as session:
        assert await session.skus.list(into=Sku).collect() == await session.skus.list().collect()
        mine, theirs = (
            await session.briefs.results(1, into=BriefResult).collect(),
            await session.briefs.results(1).collect(),
        )
        assert [dict(each) for each in mine] == [dict(each) for each in theirs]
        assert {sku.gender for sku in await session.skus.list(into=Sku).collect()} == {Gender.FEMALE}


@attrs.frozen
class HoldsSku:
    sku: Sku


@attrs.frozen
class HoldsResults:
    results: list[BriefResult]


class MyResult(BriefResult):
    pass


class MySku(Sku):
    pass


@pytest.mark.parametrize("into", [HoldsSku, HoldsResults, MyResult, MySku, list[Sku], dict[str, BriefResult]])
async def test_models_that_would_lose_their_json_are_refused(server: HostileServer, into: Any):
    async with server.session() as session:
        with pytest.raises(ConfigurationError, match="into=BriefResult"):
            session.briefs.results(1, into=into)
        with pytest.raises(ConfigurationError, match="into=BriefResult"):
            session.skus.list(into=into)
    assert server.asked == []


async def into_async(raw: bytes) -> bytes:
    return raw


async def into_generator(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


class Reader:
    async def __call__(self, raw: bytes) -> bytes:
        return raw

    async def read(self, raw: bytes) -> bytes:
        return raw

    @staticmethod
    async def read_static(raw: bytes) -> bytes:
        return raw

    @classmethod
    async def read_class(cls, raw: bytes) -> bytes:
        return raw


@pytest.mark.parametrize(
    "into",
    [
        into_async,
        into_generator,
        functools.partial(into_async),
        functools.partial(functools.partial(Reader().read)),
        functools.partial(Reader()),
        Reader(),
        Reader().read,
        Reader.read_static,
        Reader.read_class,
    ],
)
async def test_an_async_into_is_refused_when_the_pager_is_made(server: HostileServer, into: Any):
    async with server.session() as session:
        for listing in (session.skus.list, functools.partial(session.briefs.results, 1)):
            with pytest.raises(ConfigurationError, match="asynchronous"):
                listing(into=into)
    assert server.asked == []


class Callable:
    def __call__(self, raw: bytes) -> int:
        return len(raw)


@pytest.mark.parametrize(
    "into", [len, Callable(), functools.partial(Callable()), Callable().__call__, lambda raw: raw.count(b"") - 1]
)
async def test_any_other_callable_is_taken(server: HostileServer, into: Any):
    server.answer = Rows([{"id": 1}])
    async with server.session() as session:
        assert await session.briefs.results(1, into=into).collect() == [9]
