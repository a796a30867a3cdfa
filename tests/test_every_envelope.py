"""Every form that a page can come in, wherever the server counts from and however it caps: every row, in order."""

import pytest

from aishoot_async import AIShootSession, EnvelopePaths
from aishoot_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

ENVELOPES = ("entries", "spring", "spring-page", "hal", "array", "single-list", "nested")
BRIEFS = {1: 250, 2: 0, 3: 100, 4: 7, 5: 30, 6: 200}


@pytest.mark.parametrize("cap", [None, 30])
@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("envelope", ENVELOPES)
async def test_every_row_of_every_brief_in_order(envelope, base, cap):
    paging = {"envelope": EnvelopePaths("data.rows", total="data.count")} if envelope == "nested" else {}
    async with (
        Sandbox(briefs=BRIEFS, skus=57, envelope=envelope, page_base=base, max_page_size=cap) as sandbox,
        AIShootSession(sandbox.token, base_url=sandbox.url) as session,
    ):
        for brief in BRIEFS:
            pager = session.briefs.results(brief, **paging)
            assert [row.id for row in await pager.collect()] == [row["id"] for row in sandbox.results(brief)]
            assert pager.report.complete
        skus = await session.skus.list(page_size=9, **paging).collect()
        assert [sku.id for sku in skus] == [sku["id"] for sku in sandbox.skus()]


@pytest.mark.parametrize("past_end", ["empty", "not-found", "repeat-last"])
@pytest.mark.parametrize("below_base", ["reject", "clamp", "empty"])
@pytest.mark.parametrize("total", ["exact", "page", -20, 20])
async def test_a_total_that_lies_never_costs_a_row_in_silence(total, below_base, past_end):
    options = {"total": total, "below_base": below_base, "past_end": past_end}
    async with Sandbox(briefs={1: 250, 3: 100, 4: 7}, **options) as sandbox:
        for brief in (1, 3, 4):
            async with AIShootSession(sandbox.token, base_url=sandbox.url) as session:
                given, problem = [], None
                try:
                    async for row in session.briefs.results(brief):
                        given.append(row.id)  # what came before an error counts
                except Exception as error:  # noqa: BLE001  # looked at below
                    problem = error
                want = [row["id"] for row in sandbox.results(brief)]
                assert given == want[: len(given)]
                # Whoever got no error got every row.
                assert problem is not None or given == want
                if total == "exact":
                    assert problem is None
                if problem is not None:
                    assert problem.cursor is not None
