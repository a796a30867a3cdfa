"""Promise 23, and what else keeps a sync from deleting too much."""

import pytest
from aiohttp import web

from aishoot_async import CatalogError, ConfigurationError, SyncError
from sync.running import Syncing, counts, item, items

pytestmark = pytest.mark.anyio
TWENTY = list(range(20))


async def test_without_prune_what_the_catalog_lacks_is_left(service, sync):
    await sync.run(items(*TWENTY))
    plan = await sync.plan(items(*TWENTY[:15]))
    assert counts(plan) == {"unchanged": 15}
    assert sorted(plan.left_alone) == sorted(map(str, TWENTY[15:]))
    assert counts(await sync.apply(plan)) == {"unchanged": 15}
    assert len(service.skus) == 20


async def test_prune_deletes_what_was_created_or_adopted_and_nothing_else(service, sync):
    adopted = service.put(name="Item 0", frontImage="front-0")
    alien = service.put(name="Alien")
    await sync.run(items(*TWENTY))
    report = await sync.run(items(*TWENTY[2:]), prune=True, max_delete=2)
    assert counts(report) == {"unchanged": 18, "deleted": 2}
    assert adopted not in service.skus
    assert alien in service.skus
    assert len(service.skus) == 19
    assert (await sync.plan(items(*TWENTY[2:]), prune=True)).is_empty


@pytest.mark.parametrize(
    ("most", "gone", "is_allowed"),
    [
        (None, 2, True),
        (None, 3, False),
        (3, 3, True),
        ("3", 3, True),
        (2, 3, False),
        (0, 1, False),
        ("15%", 3, True),
        ("14.9%", 3, False),
        ("100%", 10, True),
    ],
)
async def test_never_more_than_is_allowed(service, sync, most, gone, is_allowed):
    await sync.run(items(*TWENTY))
    if is_allowed:
        report = await sync.run(items(*TWENTY[gone:]), prune=True, max_delete=most)
        assert counts(report)["deleted"] == gone
    else:
        with pytest.raises(SyncError, match=f"{gone} of the 20 SKUs"):
            await sync.plan(items(*TWENTY[gone:]), prune=True, max_delete=most)
    assert len(service.skus) == 20 - gone * is_allowed


@pytest.mark.parametrize("most", [-1, "-1", "x", "10", 1.5, True, "101%", "1e3%", "%", "", b"1"])
async def test_a_limit_that_is_none(sync, most):
    if most == "10":
        await sync.plan(items(1), max_delete=most)
        return
    with pytest.raises(ConfigurationError, match="max_delete"):
        await sync.plan(items(1), max_delete=most)


class TestFromACatalogThatWasCut:
    async def test_an_empty_one_is_refused(self, service, sync):
        await sync.run(items(*TWENTY))
        asked = len(service.requests)
        with pytest.raises(SyncError, match="empty"):
            await sync.plan([], prune=True, max_delete="100%")
        assert len(service.requests) == asked
        assert len(service.skus) == 20
        assert counts(await sync.run([], prune=True, max_delete="100%", force=True)) == {"deleted": 20}

    async def test_one_that_lost_more_than_half_is_refused(self, service, sync):
        await sync.run(items(*TWENTY))
        with pytest.raises(SyncError, match="only 9 of the 20"):
            await sync.plan(items(*TWENTY[:9]), prune=True, max_delete="100%")
        assert counts(await sync.plan(items(*TWENTY[:10]), prune=True, max_delete="100%")) == {
            "unchanged": 10,
            "delete": 10,
        }
        assert len(service.skus) == 20

    async def test_one_of_other_keys_is_refused(self, service, sync):
        await sync.run(items(*TWENTY))
        with pytest.raises(SyncError, match="only 0 of the 20"):
            await sync.plan(items(*range(100, 120)), prune=True, max_delete="100%")

    async def test_one_that_breaks_off_while_it_is_read(self, service, sync, tmp_path):
        def torn():
            yield from items(*TWENTY[:19])
            msg = "the disk is gone"
            raise OSError(msg)

        fresh = Syncing(sync.session, tmp_path / "fresh.state")
        for syncing in (sync, fresh):
            with pytest.raises(OSError, match="the disk is gone"):
                await syncing.plan(torn(), prune=True)
        assert service.requests == []
        assert not fresh.state.exists()

    async def test_what_is_no_catalog(self, service, sync):
        for wrong in (None, 3, [1], ["a"], [item("a"), "b"]):
            with pytest.raises(CatalogError):
                await sync.plan(wrong, prune=True)
        assert service.requests == []
        assert not sync.state.exists()


async def test_what_was_changed_since_is_a_conflict_unless_the_catalog_is_preferred(service, sync):
    await sync.run(items(*TWENTY))
    changed = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item 0")
    service.change(changed, skuCategoryName="top")
    report = await sync.run(items(*TWENTY[1:]), prune=True)
    assert counts(report) == {"unchanged": 19, "conflict": 1}
    assert "sku_category_name" in report.outcomes[-1].error
    assert changed in service.skus
    assert counts(await sync.plan(items(*TWENTY[1:]), prune=True, prefer="remote"))["release"] == 1
    assert counts(await sync.run(items(*TWENTY[1:]), prune=True, prefer="catalog"))["deleted"] == 1
    assert changed not in service.skus


async def test_what_is_gone_already_is_forgotten(service, sync):
    await sync.run(items(*TWENTY))
    first = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item 0")
    service.drop(first)
    report = await sync.run(items(*TWENTY[1:]), prune=True, max_delete=0)
    assert counts(report) == {"unchanged": 19, "deleted": 1}
    assert service.count("DELETE") == 0
    assert (await sync.plan(items(*TWENTY[1:]), prune=True)).is_empty


async def test_all_problems_of_a_catalog_are_named(sync, service):
    with pytest.raises(CatalogError) as caught:
        await sync.plan([item("a"), item("b"), item("a"), 7, item("b")])
    assert [problem.key for problem in caught.value.problems] == ["a", None, "b"]
    assert "3 problems" in str(caught.value)
    twice = item("a")
    with pytest.raises(CatalogError, match="the key 'a' is there twice"):
        await sync.plan([twice, twice])
    with pytest.raises(CatalogError, match="the key 'a' is there twice") as caught:
        await sync.plan([item("a"), item("a")])
    assert (caught.value.field, caught.value.key) == ("key", "a")
    assert service.requests == []


async def test_a_list_that_is_not_found_says_nothing_of_a_sku(service, sync):
    """As behind a gateway that has lost its way: what is to be deleted is there still, and not to be forgotten."""
    await sync.run(items(*TWENTY))
    plan = await sync.plan(items(*TWENTY[1:]), prune=True)

    async def hook(_method, path, *_):
        return web.json_response({"error": "Not Found"}, status=404) if "skuIdFilter" in path else None

    service.hook = hook
    assert counts(await sync.apply(plan)) == {"unchanged": 19, "failed": 1}
    assert len(service.skus) == 20
    service.hook = None
    assert counts(await sync.run(items(*TWENTY[1:]), prune=True)) == {"unchanged": 19, "deleted": 1}
    assert len(service.skus) == 19
