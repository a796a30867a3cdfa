"""Listings: envelopes, page bases, size caps, totals, the end, and filters."""

import itertools
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

SKUS = "/ai-shoot/skus"
RESULTS = "/ai-shoot/briefs/1/results"


def rows_of(envelope: str, name: str, document: Any) -> list[Any]:
    match envelope:
        case "entries":
            return document["entries"]
        case "spring" | "spring-page":
            return document["content"]
        case "hal":
            return document.get("_embedded", {name: []})[name]
        case "array":
            return document
        case "nested":
            return document["data"]["rows"]
        case _:
            return document["records"]


ENVELOPES = ["entries", "spring", "spring-page", "hal", "array", "nested", "single-list"]


@pytest.mark.parametrize("envelope", ENVELOPES)
async def test_every_envelope_gives_every_row_in_order(connect, envelope):
    async with connect(envelope=envelope, global_envelope=envelope, briefs={1: 7}, skus=7) as api:
        for path, name, truth in ((SKUS, "skus", api.sandbox.skus()), (RESULTS, "results", api.sandbox.results(1))):
            pages = [(await api.get(f"{path}?page={page}&pageSize=3")).json() for page in (1, 2, 3, 4)]
            assert list(itertools.chain(*(rows_of(envelope, name, page) for page in pages))) == truth
        everywhere = (await api.get(f"{SKUS}/global")).json()
        assert len(rows_of(envelope, "skus", everywhere)) == 3


async def test_what_the_envelopes_say_about_themselves(connect):
    said = {}
    for envelope in ENVELOPES:
        async with connect(envelope=envelope, briefs={1: 7}) as api:
            document = (await api.get(f"{RESULTS}?page=3&pageSize=3")).json()
            rows = rows_of(envelope, "results", document)
            assert len(rows) == 1
            said[envelope] = document
    assert said["entries"]["total"] == 7
    assert {key: said["spring"][key] for key in ("totalElements", "totalPages", "last", "number", "size")} == {
        "totalElements": 7,
        "totalPages": 3,
        "last": True,
        "number": 2,
        "size": 3,
    }
    assert said["spring-page"]["page"] == {"size": 3, "number": 2, "totalElements": 7, "totalPages": 3}
    assert said["hal"]["page"] == said["spring-page"]["page"]
    assert said["nested"]["data"]["count"] == 7
    assert "7" not in said["single-list"]


async def test_an_empty_hal_page_embeds_nothing(connect):
    async with connect(envelope="hal", briefs={1: 0}) as api:
        assert "_embedded" not in (await api.get(RESULTS)).json()


async def test_defaults_are_the_first_page_and_twenty_rows(connect):
    async with connect(briefs={1: 50}, max_page_size=100) as api:
        assert (await api.get(RESULTS)).json()["entries"] == api.sandbox.results(1)[:20]


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=", "page=1.0", "page=%D9%A3", "pageSize=0", "pageSize=-5", f"page={10**30}"],
)
async def test_a_page_that_cannot_be_is_refused(connect, query):
    async with connect() as api:
        for path in (SKUS, RESULTS):
            reply = await api.get(f"{path}?{query}")
            assert reply.status == 400
            assert reply.json()["path"] == path


async def test_the_first_page_is_0_if_so_wanted(connect):
    async with connect(page_base=0, briefs={1: 30}) as api:
        assert (await api.get(f"{RESULTS}?page=0")).json()["entries"] == api.sandbox.results(1)[:20]
        assert (await api.get(f"{RESULTS}?page=-1")).status == 400


async def test_below_the_base(connect):
    async with connect(below_base="clamp", briefs={1: 30}) as api:
        assert (await api.get(f"{RESULTS}?page=0")).body == (await api.get(f"{RESULTS}?page=1")).body
    async with connect(below_base="empty", briefs={1: 30}) as api:
        assert (await api.get(f"{RESULTS}?page=0")).json() == {"entries": [], "total": 30}
        assert (await api.get(f"{SKUS}?page=0")).json() == {"entries": [], "total": 12}


async def test_a_page_size_above_the_cap(connect):
    async with connect(max_page_size=5, envelope="spring") as api:
        document = (await api.get(f"{RESULTS}?pageSize=100&page=2")).json()
        assert document["content"] == api.sandbox.results(1)[5:10]
        assert document["size"] == 5
        assert (await api.get(RESULTS)).json()["size"] == 5
    async with connect(max_page_size=5, oversize="reject") as api:
        assert (await api.get(f"{RESULTS}?pageSize=6")).status == 400
        assert (await api.get(f"{RESULTS}?pageSize=5")).status == 200


@pytest.mark.parametrize(("total", "told"), [("exact", 7), ("missing", None), ("page", 3), (-4, 3), (5, 12), (-100, 0)])
async def test_totals_true_and_false(connect, total, told):
    async with connect(total=total, envelope="spring", briefs={1: 7}) as api:
        document = (await api.get(f"{RESULTS}?pageSize=3")).json()
        assert document.get("totalElements") == told
        assert ("totalPages" in document) == (told is not None)
        assert document["last"] is False


@pytest.mark.parametrize(("last", "told"), [("missing", None), ("always", True), ("never", False), ("exact", False)])
async def test_last_true_and_false(connect, last, told):
    async with connect(last=last, envelope="spring", briefs={1: 7}) as api:
        assert (await api.get(f"{RESULTS}?pageSize=3")).json().get("last") is told


async def test_past_the_end(connect):
    far = f"{RESULTS}?page=4&pageSize=3"
    async with connect(briefs={1: 7}) as api:
        assert (await api.get(far)).json() == {"entries": [], "total": 7}
        assert (await api.get(f"{SKUS}?page={10**17}&pageSize={10**17}")).json()["entries"] == []
    async with connect(briefs={1: 7, 2: 0}, past_end="not-found") as api:
        assert (await api.get(far)).status == 404
        assert (await api.get("/ai-shoot/briefs/2/results")).json() == {"entries": [], "total": 0}
    async with connect(briefs={1: 7}, past_end="repeat-last") as api:
        assert (await api.get(far)).json()["entries"] == api.sandbox.results(1)[6:]


async def test_a_server_that_ignores_page(connect):
    async with connect(briefs={1: 7}, ignore_page=True) as api:
        assert (await api.get(f"{RESULTS}?page=3&pageSize=3")).json()["entries"] == api.sandbox.results(1)[:3]


async def test_filters_come_before_paging(connect):
    async with connect(skus=40) as api:
        api.sandbox.insert_sku(sku_id="sku-0001-x", projectIds=[77, 1])
        everyone = api.sandbox.skus()
        for query, expected in {
            "skuIdFilter=sku-0001": [sku for sku in everyone if "sku-0001" in sku["id"]],
            "projectFilter=77": [sku for sku in everyone if 77 in sku["projectIds"]],
            "projectFilter=7": [sku for sku in everyone if 7 in sku["projectIds"]],
            "projectFilter=1&skuIdFilter=-x": [everyone[-1]],
            "skuIdFilter=": everyone,
            "skuIdFilter=%25": [],
        }.items():
            document = (await api.get(f"{SKUS}?pageSize=100&{query}")).json()
            assert document == {"entries": expected, "total": len(expected)}
        document = (await api.get(f"{SKUS}?skuIdFilter=sku-0001&page=2&pageSize=1")).json()
        assert document == {"entries": [everyone[-1]], "total": 2}


async def test_an_exact_id_filter(connect):
    async with connect(sku_id_filter="exact") as api:
        first = api.sandbox.skus()[0]
        assert (await api.get(f"{SKUS}?skuIdFilter={first['id']}")).json()["entries"] == [first]
        assert (await api.get(f"{SKUS}?skuIdFilter={first['id'][:-1]}")).json()["entries"] == []


async def test_global_skus_are_every_third_and_those_made_so(connect):
    async with connect(skus=7) as api:
        made = api.sandbox.insert_sku(is_global=True, name="For all")
        everyone = api.sandbox.skus()
        assert (await api.get(f"{SKUS}/global")).json() == [everyone[0], everyone[3], everyone[6], made]
