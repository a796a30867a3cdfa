"""Items borrow their JSON from their page; one that is kept has its own, and holds no page."""

import asyncio
import copy
import gc
import json
import pickle
from functools import partial

import attrs
import pytest

from aishoot_async import AIShootSession, EnvelopePaths, Sku, codec, jsontext
from aishoot_async.jsontext import LazyRawList as Lent
from aishoot_async.jsontext import elements
from helpers.listings import unasked
from helpers.refusals import refusal
from paging.hostile import HostileServer, Rows, rows, tasks

pytestmark = pytest.mark.anyio
COUNT = 40


@pytest.fixture
async def session(server: HostileServer):
    server.answer = Rows(rows(*range(1, COUNT + 1)))
    async with server.session() as session:
        yield session


def lent() -> int:
    """Count the pages' texts that something still holds."""
    gc.collect(1)
    return sum(isinstance(each, Lent) for each in gc.get_objects())


def listing(session: AIShootSession, kind: str):
    return (session.briefs.results(1, page_size=4), session.skus.list(page_size=4))[kind == "SKUs"]


both = pytest.mark.parametrize("kind", ["results", "SKUs"])


@both
async def test_of_a_walk_that_keeps_nothing_no_page_is_taken_apart(session, kind: str, monkeypatch):
    cut = []
    monkeypatch.setattr(jsontext, "elements", lambda text: cut.append(text) or elements(text))
    assert len([each.id async for each in listing(session, kind)]) == COUNT
    # The last item of all is still in its reader's hands.
    assert len(cut) <= 1


@both
@pytest.mark.parametrize("keep", [1, 3, 4, 10, COUNT])
async def test_what_is_kept_holds_no_page(session, kind: str, keep: int):
    kept = []
    async with listing(session, kind).walk() as walk:
        async for each in walk:
            if len(kept) < COUNT // keep and int(each.id[1:]) % keep == 0:
                kept.append(each)
            # The page in hand, the one whose last item its reader may still hold, and at the beginning that behind it.
            assert int(each.id[1:]) % 5 or lent() <= 3
    del each
    assert lent() == 0
    assert [json.loads(each.raw)["id"] for each in kept] == [each.id for each in kept]


@both
async def test_a_walk_that_is_broken_off(session, kind: str):
    async for each in listing(session, kind):
        if each.id == "r6":
            break
    assert lent() == 0
    assert json.loads(each.raw)["id"] == "r6"


@both
async def test_a_walk_that_has_ended_lends_nothing(session, kind: str):
    walk = listing(session, kind).walk()
    kept = [each async for each in walk]
    assert lent() == 0
    assert (len(kept), walk.report.complete) == (COUNT, True)


@both
async def test_a_walk_that_is_closed_goes_on_with_nothing(session, kind: str):
    walk = listing(session, kind).walk()
    first = await anext(walk)
    await walk.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(walk)
    assert lent() == 0
    assert json.loads(first.raw)["id"] == "r1"


async def higher(frames: int, work):
    return await (higher(frames - 1, work) if frames else work())


@both
async def test_a_walk_is_closed_where_the_stack_has_no_room_for_what_it_read(server: HostileServer, kind: str):
    deep = "[" * 500 + "]" * 500
    page = ",".join(f'{{"id":"r{number}","deep":{deep}}}' for number in range(1, 5))
    server.answer = Rows([], overrides={1: (200, f'{{"entries":[{page}],"total":40}}'.encode())})
    server.hold(3)
    async with server.session() as session:
        walk = listing(session, kind).walk()
        kept = [await anext(walk) for _ in range(3)]
        await higher(400, walk.aclose)
        assert not tasks()
        assert [json.loads(each.raw)["id"] for each in kept] == [each.id for each in kept]


@pytest.mark.parametrize(
    "page",
    [
        b'{"entries":[{"id":"1"}],"total":"many"}',
        b'{"content":[{"id":"1"}],"page":{"totalElements":[]}}',
        b'{"entries":[{"id":"1"},{"id":""}],"total":"?"}',
        b'[{"id":"1"},{"id":""}]',
    ],
)
@pytest.mark.parametrize("paths", [None, EnvelopePaths(items="entries", total="total", last=None)])
def test_a_page_that_is_refused_is_let_go_of_at_once(page: bytes, paths: EnvelopePaths | None):
    before = lent()
    gc.disable()
    try:
        for decode in (codec.sku, codec.brief_result):
            refusal(partial(unasked(decode, paths).open, number=1), page)
        assert sum(isinstance(each, Lent) for each in gc.get_objects()) == before
    finally:
        gc.enable()


@both
async def test_lists_and_pages(session, kind: str):
    pager = listing(session, kind)
    found = [await pager.collect(), await pager.collect(5), (await pager).items]
    found += [page.items async for page in pager.pages()]
    assert lent() == 0
    assert all(json.loads(each.raw)["id"] == each.id for items in found for each in items)


async def test_a_raw_asked_for_in_other_threads(session):
    items = []
    async with session.briefs.results(1, page_size=COUNT).walk() as walk:
        async for each in walk:
            items.append(each)
            if len(items) == COUNT:
                found = await asyncio.gather(*[asyncio.to_thread(getattr, each, "raw") for each in items * 3])
    assert [json.loads(raw)["id"] for raw in found] == [each.id for each in items] * 3


@both
async def test_copies_of_what_borrows(session, kind: str):
    async with listing(session, kind).walk() as walk:
        each = await anext(walk)
        copies = [pickle.loads(pickle.dumps(each)), copy.copy(each), copy.deepcopy(each)]
        if kind == "SKUs":
            copies += [attrs.evolve(each), Sku(**attrs.asdict(each))]
    assert [one.raw for one in copies] == [each.raw] * len(copies)
    assert [one.id for one in copies] == ["r1"] * len(copies)
