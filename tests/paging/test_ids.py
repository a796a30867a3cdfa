"""Ids that do not tell the rows of a page apart are no identities; those that do keep telling loops and duplicates."""

from typing import Any

import pytest

from aishoot_async import PagingError, PagingLoopError
from aishoot_async.export import export_results
from paging.hostile import HostileServer, Rows, body, rows

pytestmark = pytest.mark.anyio

ROWS = [{"imageUrl": f"https://images/{n}.jpg", "n": n} for n in range(1, 51)]
NO_IDS = [
    pytest.param(lambda n: 0, id="0"),
    pytest.param(lambda n: "", id="empty"),
    pytest.param(lambda n: None, id="null"),
    pytest.param(lambda n: "sku-7", id="the SKU"),
    pytest.param(lambda n: -1, id="-1"),
    pytest.param(lambda n: "00000000-0000-0000-0000-000000000000", id="a nil UUID"),
    pytest.param(lambda n: f"sku-{n % 2}", id="two SKUs"),
    pytest.param(lambda n: f"sku-{(n - 1) // 3}", id="a SKU in three views"),
    pytest.param(lambda n: 17, id="the brief"),
    pytest.param(lambda n: "" if n % 2 else None, id="empty and null"),
]


@pytest.mark.parametrize("no_id", NO_IDS)
@pytest.mark.parametrize("total", ["honest", "missing"])
@pytest.mark.parametrize("options", [{}, {"prefetch": 1}, {"into": bytes}, {"strict": True}], ids=repr)
async def test_a_brief_whose_ids_repeat_within_a_page_is_read(
    server: HostileServer, no_id: Any, total: str, options: dict[str, Any]
):
    data = [{"id": no_id(row["n"]), **row} for row in ROWS]
    server.answer = Rows(data, total=total)
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=9, **options)
        assert len(await pager.collect()) == 50
        assert pager.report.complete
        assert pager.report.duplicates == 0


@pytest.mark.parametrize("no_id", NO_IDS)
@pytest.mark.parametrize("url", ["https://images/image?id={}", "https://images/one.jpg?signature={}"])
async def test_rows_that_only_a_query_tells_apart_are_rows(server: HostileServer, no_id: Any, url: str):
    server.answer = Rows([{"id": no_id(n), "imageUrl": url.format(n)} for n in range(1, 51)])
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=9)
        assert len(await pager.collect()) == 50
        assert pager.report.complete


async def test_a_brief_whose_ids_are_all_0_is_exported(server: HostileServer, tmp_path):
    server.answer = Rows([{"id": 0, **row} for row in ROWS])
    async with server.session() as session:
        report = await export_results(session, [1, 2], tmp_path / "out")
    assert (report.items, report.complete) == (100, True)


class Stuck:
    """Gives the same page for ever; its rows' ``seen`` differs in each answer, as a counter does."""

    def __init__(self, ids: list[Any], total: int | None, *, counts: bool) -> None:
        self.ids, self.total, self.counts, self.asked = ids, total, counts, 0

    def __call__(self, page: int, size: int) -> tuple[int, bytes]:
        self.asked += 1
        assert self.asked < 1000, "endless"
        here = [
            {"id": each, "n": at, "seen": self.asked if self.counts else 0} for at, each in enumerate(self.ids[:size])
        ]
        return 200, body({"entries": here, **({} if self.total is None else {"total": self.total})})


@pytest.mark.parametrize("total", [None, 40, 1000])
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(
    "ids",
    [["r1", "r2", "r3", "r4"], [0, 1, 2, 3], ["a"], ["r1", "r1", "r2", "r3", "r4"], ["a", "b", "b", "c"]],
    ids=repr,
)
async def test_a_page_of_real_ids_that_comes_again_is_a_loop(
    server: HostileServer, ids: list[Any], total: int | None, *, counts: bool
):
    server.answer = Stuck(ids, total, counts=counts)
    async with server.session() as session:
        with pytest.raises(PagingLoopError):
            await session.briefs.results(1, page_size=len(ids), start=1).collect()


@pytest.mark.parametrize("total", [None, 40, 1000])
@pytest.mark.parametrize("ids", [[0, 0, 0, 0], ["r1", "r1", "r2", "r3"], ["sku", "sku", "sku", "sku"]], ids=repr)
async def test_the_same_rows_again_are_a_loop_although_they_share_an_id(
    server: HostileServer, ids: list[Any], total: int | None
):
    server.answer = Stuck(ids, total, counts=False)
    async with server.session() as session:
        with pytest.raises(PagingLoopError):
            await session.briefs.results(1, page_size=4, start=1).collect()


async def test_a_row_that_is_there_twice_on_a_page_is_a_duplicate(server: HostileServer):
    server.answer = Rows(rows(1, 2, 2, 3, 4, 5, 6))
    async with server.session() as session:
        pager = session.briefs.results(1, page_size=4, on_drift="ignore")
        assert len(await pager.collect()) == 7
        assert (pager.report.duplicates, pager.report.complete) == (1, False)


async def test_the_ids_of_skus_are_documented_and_stay_identities(server: HostileServer):
    server.answer = Rows([{"id": "s1", "name": "a"}, {"id": "s1", "name": "b"}, {"id": "s2", "name": "c"}])
    async with server.session() as session:
        pager = session.skus.list(on_drift="ignore")
        await pager.collect()
        assert (pager.report.duplicates, pager.report.complete) == (1, False)
        with pytest.raises(PagingError):
            await session.skus.list(on_drift="raise").collect()
