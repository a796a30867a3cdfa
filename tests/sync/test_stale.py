"""A plan that does not fit any more is refused, and nothing of it is sent."""

import attrs
import pytest

from aishoot_async import ConfigurationError, SyncError
from aishoot_async.sync import SyncAction, apply_plan
from helpers.sku_service import SkuService
from sync.running import Syncing, counts, item, items

pytestmark = pytest.mark.anyio


async def refused(service, sync, plan, match):
    before = service.skus
    asked = service.count("POST"), service.count("PUT"), service.count("DELETE")
    with pytest.raises(SyncError, match=match):
        await sync.apply(plan)
    assert service.skus == before
    assert (service.count("POST"), service.count("PUT"), service.count("DELETE")) == asked


async def test_a_plan_is_applied_once(service, sync):
    plan = await sync.plan(items(1))
    await sync.apply(plan)
    await refused(service, sync, plan, "stale.*something was applied")


async def test_a_plan_made_before_another_was_applied(service, sync):
    old = await sync.plan(items(1))
    await sync.run(items(2))
    await refused(service, sync, old, "stale")


@pytest.mark.parametrize("change", [{"name": "Theirs"}, {"frontImage": "theirs"}])
async def test_a_sku_that_is_to_be_updated_has_changed(service, sync, change):
    await sync.run(items(1))
    plan = await sync.plan([item("1", "New")])
    service.change(next(iter(service.skus)), **change)
    await refused(service, sync, plan, "stale.*has changed")


async def test_a_field_that_the_plan_has_not_judged_may_change(service, sync):
    await sync.run(items(1))
    plan = await sync.plan([item("1", "New")])
    (sku_id,) = service.skus
    service.change(sku_id, gender="male")
    assert counts(await sync.apply(plan)) == {"updated": 1}
    assert service.skus[sku_id]["gender"] == "male"


async def test_a_sku_that_is_to_be_updated_is_gone(service, sync):
    await sync.run(items(1))
    plan = await sync.plan([item("1", "New")])
    service.drop(next(iter(service.skus)))
    await refused(service, sync, plan, "stale.*not there any more")


async def test_a_sku_that_is_to_be_adopted_has_changed(service, sync):
    sku_id = service.put(name="Item 1", frontImage="front-1")
    plan = await sync.plan(items(1))
    service.change(sku_id, frontImage="another")
    await refused(service, sync, plan, "stale")


@pytest.mark.parametrize("change", [{"name": "Theirs"}, {"gender": "male"}])
async def test_a_sku_that_is_to_be_deleted_has_changed(service, sync, change):
    await sync.run(items(1, 2))
    plan = await sync.plan(items(1), prune=True)
    assert counts(plan) == {"unchanged": 1, "delete": 1}
    service.change(plan.entries[1].sku_id, **change)
    await refused(service, sync, plan, "stale")


async def test_somebody_has_made_what_would_be_created(service, sync):
    plan = await sync.plan(items(1, 2))
    service.put(name="Item 2", frontImage="front-2")
    await refused(service, sync, plan, "stale.*is new, and fits '2'")
    assert counts(await sync.run(items(1, 2))) == {"created": 1, "adopted": 1}


async def test_a_sku_that_would_be_created_again_is_back(service, sync):
    await sync.run(items(1))
    (sku_id,) = service.skus
    kept = service.rows.pop(sku_id)
    plan = await sync.plan(items(1))
    assert counts(plan) == {"create": 1}
    service.rows[sku_id] = kept
    await refused(service, sync, plan, "stale.*is there")


async def test_another_state(service, sync, tmp_path):
    plan = await sync.plan(items(1))
    other = Syncing(sync.session, tmp_path / "other.state")
    await other.plan(items(2))
    with pytest.raises(SyncError, match="another state"):
        await apply_plan(sync.session, plan, state=other.state)
    assert service.skus == {}


async def test_a_state_that_has_moved(service, sync, tmp_path):
    plan = await sync.plan(items(1))
    moved = tmp_path / "elsewhere.state"
    sync.state.rename(moved)
    report = await apply_plan(sync.session, plan, state=moved, settle=0)
    assert counts(report) == {"created": 1}


async def test_another_service(service, sync):
    plan = await sync.plan(items(1))
    async with SkuService() as other, other.session() as session:
        with pytest.raises(SyncError, match="belongs to the service"):
            await apply_plan(session, plan)
        assert other.requests == []


async def test_what_is_no_plan(sync):
    with pytest.raises(ConfigurationError, match="SyncPlan"):
        await apply_plan(sync.session, {"entries": []})


class TestEdited:
    """A plan file is readable, so people will edit it."""

    async def edited(self, service, sync, **change):
        await sync.run(items("ours"))
        alien = service.put(name="Alien")
        plan = await sync.plan([item("ours", "New"), item("more")])
        entry = attrs.evolve(plan.entries[0], **{"sku_id": alien, **change})
        return attrs.evolve(plan, entries=(entry, *plan.entries[1:]))

    @pytest.mark.parametrize("action", [SyncAction.DELETE, SyncAction.UPDATE])
    async def test_it_cannot_touch_what_is_not_ours(self, service, sync, action):
        plan = await self.edited(service, sync, action=action)
        await refused(service, sync, plan, "does not fit the state")

    async def test_it_cannot_adopt_what_is_ours_already(self, service, sync):
        plan = await self.edited(service, sync, action=SyncAction.ADOPT, sku_id=next(iter(service.skus), None))
        ours = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item ours")
        entry = attrs.evolve(plan.entries[0], sku_id=ours)
        await refused(service, sync, attrs.evolve(plan, entries=(entry,)), "does not fit the state")

    async def test_a_key_is_there_once(self, service, sync):
        plan = await self.edited(service, sync, action=SyncAction.CONFLICT)
        await refused(service, sync, attrs.evolve(plan, entries=plan.entries * 2), "twice")
