"""A stranger adds things to the tables, from test code alone."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, Unpack, cast, overload

import attrs
import msgspec
import pytest
from aiohttp import web

from aishoot_async import AIShootSession, Cursor, PagingOptions, UnexpectedResponseError, codec, models
from aishoot_async.models import LazyRaw, ModelSpec
from aishoot_async.models._raw import lazy_raw
from aishoot_async.models._spec import id_text
from aishoot_async.paging import EndpointMemory, Pager
from aishoot_async.resources import _listings

pytestmark = pytest.mark.anyio
U = TypeVar("U")

# The model's file.


@lazy_raw
@attrs.frozen(kw_only=True)
class Brief:
    id: str
    title: str | None = None
    raw: bytes = attrs.field(default=b"", eq=False, repr=False)


class BriefWire(msgspec.Struct):
    id: int | str | None = None
    title: str | None = None


def make_brief(wire: BriefWire, raw: LazyRaw) -> Brief:
    return Brief(id=id_text(wire.id) or "", title=wire.title, raw=cast("bytes", raw))


BRIEF: Final = ModelSpec(model=Brief, name="brief", wire=BriefWire, make=make_brief)


# The resource's method.


class Briefs:
    def __init__(self, session: AIShootSession) -> None:
        self._caller = session.briefs._caller
        self._memory = EndpointMemory()

    @overload
    def list(
        self, *, page_size: int | None = None, into: None = None, **paging: Unpack[PagingOptions]
    ) -> Pager[Brief]: ...
    @overload
    def list(
        self, *, page_size: int | None = None, into: type[U] | Callable[[bytes], U], **paging: Unpack[PagingOptions]
    ) -> Pager[U]: ...
    def list(self, *, page_size: int | None = None, into: Any = None, **paging: Unpack[PagingOptions]) -> Pager[Any]:
        decode = None if into is None else codec.decoder(into)
        return _listings.pager(
            self._caller,
            self._memory,
            "/ai-shoot/briefs",
            model=Brief,
            decode=decode,
            page_size=page_size,
            paging=paging,
        )


# The test.

ROWS: Final = [{"id": number, "title": f"Brief {number}", "owner": {"name": "Ada"}} for number in range(1, 24)]


async def give_page(request: web.Request) -> web.Response:
    number, size = int(request.query["page"]), int(request.query["pageSize"])
    return web.json_response({"entries": ROWS[(number - 1) * size : number * size], "total": len(ROWS)})


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Mapping[type, ModelSpec[Any]] = MappingProxyType({**models.MODELS, Brief: BRIEF})
    for room in (models, codec, _listings):
        monkeypatch.setattr(room, "MODELS", rows)


@pytest.fixture
async def briefs(table: None):
    app = web.Application()
    app.router.add_get("/ai-shoot/briefs", give_page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with AIShootSession("token", base_url=url, auth_url=url) as session:
        yield Briefs(session)
    await runner.cleanup()


async def test_an_added_endpoint_gives_typed_items(briefs: Briefs) -> None:
    pager = briefs.list(page_size=5)
    found = await pager.collect()
    assert found == [Brief(id=str(row["id"]), title=cast("str", row["title"])) for row in ROWS]
    assert [msgspec.json.decode(brief.raw) for brief in found] == ROWS
    report = pager.report
    assert (report.items, report.pages, report.expected_total, report.complete) == (23, 5, 23, True)


async def test_an_added_endpoint_is_walked_on_from_a_cursor(briefs: Briefs) -> None:
    async with briefs.list(page_size=5).walk() as walk:
        first = [(await anext(walk)).id for _ in range(7)]
        cursor = Cursor.parse(str(walk.cursor))
    assert cursor == Cursor(2, 2, 5)
    rest = [brief.id async for brief in briefs.list(start=cursor)]
    assert first + rest == [str(row["id"]) for row in ROWS]


async def test_an_added_endpoint_gives_other_types(briefs: Briefs) -> None:
    assert await briefs.list(into=Brief).collect(3) == await briefs.list().collect(3)
    assert [msgspec.json.decode(text) async for text in briefs.list(into=bytes)] == ROWS
    assert await briefs.list(into=dict[str, Any]).collect() == ROWS


async def test_what_an_added_endpoint_cannot_read_is_named(briefs: Briefs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS[2], "id", None)
    with pytest.raises(UnexpectedResponseError, match="a brief needs an id") as caught:
        await briefs.list().collect()
    assert caught.value.where == "entries[2].id"
