"""Every kind of conflict can be decided, and once it is decided the next run has nothing to do."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from aishoot_async.sync import SyncPlan
from helpers.sku_service import LostError
from sync.running import Syncing, counts, item, items

pytestmark = pytest.mark.anyio
SIX = list(range(6))


@attrs.frozen
class Conflict:
    """A catalog that is in conflict with the service.

    Attributes:
        catalog: what it is now.
        key: the item that is in conflict.
        options: what the runs are told besides.
    """

    catalog: list[Any]
    key: str
    options: dict[str, Any] = attrs.field(factory=dict)


async def field_changed_on_both_sides(service, sync):
    await sync.run([item("a", gender="male")])
    service.change(next(iter(service.skus)), name="Theirs")
    return Conflict([item("a", "Ours", gender="male")], "a")


async def image_changed_on_both_sides(service, sync):
    await sync.run([item("a")])
    service.change(next(iter(service.skus)), frontImage="theirs")
    return Conflict([item("a", image="ours")], "a")


async def deleted_there_and_changed_in_the_catalog(service, sync):
    await sync.run(items("a", "b"))
    service.drop(next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item a"))
    return Conflict([item("a", "Ours"), item("b")], "a")


def dropped_from_the_catalog_and_changed_there(**changes):
    async def arrange(service, sync):
        await sync.run(items(*SIX))
        service.change(next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item 0"), **changes)
        return Conflict(items(*SIX[1:]), "0", {"prune": True})

    return arrange


async def renamed_key_of_a_sku_that_was_changed_on_both_sides(service, sync):
    await sync.run(items("007"))
    service.change(next(iter(service.skus)), gender="male")
    return Conflict([item("7", "Item 007", "front-007", gender="female")], "7", {"decide": "adopt"})


async def several_skus_fit(service, sync):
    for _ in range(2):
        service.put(name="Item a", frontImage="front-a")
    return Conflict([item("a")], "a")


async def a_sku_resembles_it(service, sync):
    service.put(name="Item a", frontImage="front-a", gender="male")
    return Conflict([item("a", gender="female")], "a")


async def a_key_may_have_been_changed(service, sync):
    await sync.run(items("007"))
    return Conflict([item("7", "Item 007", "front-007")], "7")


async def a_sku_may_have_come_of_the_create_of_another(service, sync):
    async def hook(method, _path, _body, after):
        if method == "POST" and not after:
            service.put(name="Item 1", frontImage="front-1", gender="male")
            raise LostError

    service.hook = hook
    await sync.run([item("1", gender="female")])
    service.hook = None
    return Conflict([item("9", "Item 1", "front-1")], "9")


CHANGED_THERE = {
    "a stated field": {"name": "Theirs"},
    "a field that was never stated": {"gender": "male"},
    "an image": {"frontImage": "theirs"},
    "projects": {"projectIds": [1, 2]},
    "several fields": {"name": "Theirs", "skuCategoryName": "top", "isInWardrobe": True},
}
BY_PREFERENCE: dict[str, Callable] = {
    "a field": field_changed_on_both_sides,
    "an image": image_changed_on_both_sides,
    "deleted there": deleted_there_and_changed_in_the_catalog,
    **{
        f"dropped here, {what} there": dropped_from_the_catalog_and_changed_there(**to)
        for what, to in CHANGED_THERE.items()
    },
    "a renamed key": renamed_key_of_a_sku_that_was_changed_on_both_sides,
}
BY_DECISION: dict[str, Callable] = {
    "several fit": several_skus_fit,
    "one resembles it": a_sku_resembles_it,
    "a key was changed": a_key_may_have_been_changed,
    "another's lost create": a_sku_may_have_come_of_the_create_of_another,
}


def conflicts(plan: SyncPlan) -> dict[str, Any]:
    return {entry.key: entry for entry in plan.entries if entry.action == "conflict"}


@pytest.mark.parametrize("prefer", ["catalog", "remote"])
@pytest.mark.parametrize("kind", BY_PREFERENCE)
async def test_a_preference_decides_it_for_good(service, sync, kind, prefer):
    conflict = await BY_PREFERENCE[kind](service, sync)
    assert list(conflicts(await sync.plan(conflict.catalog, **conflict.options))) == [conflict.key]
    before = service.skus
    report = await sync.run(conflict.catalog, prefer=prefer, **conflict.options)
    assert report.complete, report.unsettled
    if prefer == "remote":
        assert service.skus == before
    # Also for whoever says nothing any more.
    for options in ({"prefer": prefer}, {}):
        plan = await sync.plan(conflict.catalog, **{**conflict.options, **options})
        assert plan.is_empty, plan.entries
        assert not conflicts(plan)


@pytest.mark.parametrize("decision", ["one of them", "create"])
@pytest.mark.parametrize("kind", BY_DECISION)
async def test_a_person_decides_it_for_good(service, sync, kind, decision):
    conflict = await BY_DECISION[kind](service, sync)
    found = conflicts(await sync.plan(conflict.catalog))[conflict.key]
    assert found.candidates
    chosen = found.candidates[0] if decision == "one of them" else decision
    report = await sync.run(conflict.catalog, decide={conflict.key: chosen})
    outcome = next(outcome for outcome in report.outcomes if outcome.key == conflict.key)
    assert outcome.outcome == ("adopted" if decision == "one of them" else "created"), outcome
    assert (outcome.sku_id == chosen) == (decision == "one of them")
    again = await sync.plan(conflict.catalog)
    assert [entry.action for entry in again.entries if entry.key == conflict.key] == ["unchanged"]
    assert not conflicts(again)


class TestASkuThatTheRemoteKeeps:
    """Dropped from the catalog, changed at the service, and the remote is preferred."""

    async def kept(self, service, sync):
        conflict = await dropped_from_the_catalog_and_changed_there(gender="male")(service, sync)
        await sync.run(conflict.catalog, prefer="remote", **conflict.options)
        return next(sku_id for sku_id, row in service.skus.items() if row["gender"] == "male")

    async def test_is_told_once_and_is_nobody_s_then(self, service, sync):
        conflict = await dropped_from_the_catalog_and_changed_there(gender="male")(service, sync)
        plan = await sync.plan(conflict.catalog, prefer="remote", **conflict.options)
        assert counts(plan) == {"unchanged": 5, "release": 1}
        assert not plan.is_empty
        assert "gender" in plan.entries[-1].reason
        assert "stays" in plan.entries[-1].reason
        assert counts(await sync.apply(plan)) == {"unchanged": 5, "released": 1}
        assert service.count("PUT") == service.count("DELETE") == 0

    async def test_is_not_pruned_later_whoever_is_preferred(self, service, sync):
        sku_id = await self.kept(service, sync)
        for prefer in (None, "catalog", "remote"):
            await sync.run(items(*SIX[1:]), prune=True, prefer=prefer)
        assert sku_id in service.skus

    async def test_counts_for_no_deletion(self, service, sync):
        conflict = await dropped_from_the_catalog_and_changed_there(gender="male")(service, sync)
        plan = await sync.plan(conflict.catalog, prefer="remote", prune=True, max_delete=0)
        assert counts(plan)["release"] == 1

    async def test_becomes_the_item_s_again_when_its_key_comes_back(self, service, sync):
        sku_id = await self.kept(service, sync)
        report = await sync.run(items(*SIX))
        assert {one.key: one.sku_id for one in report.outcomes if one.outcome == "adopted"} == {"0": sku_id}
        assert len(service.skus) == 6

    async def test_by_a_plan_from_a_file(self, service, sync, tmp_path):
        conflict = await dropped_from_the_catalog_and_changed_there(gender="male")(service, sync)
        (await sync.plan(conflict.catalog, prefer="remote", **conflict.options)).save(tmp_path / "plan.json")
        report = await sync.apply(SyncPlan.load(tmp_path / "plan.json"))
        assert counts(report) == {"unchanged": 5, "released": 1}
        assert (await sync.plan(conflict.catalog, prune=True)).is_empty

    async def test_without_prune_the_catalog_s_absence_asks_for_nothing(self, service, sync):
        conflict = await dropped_from_the_catalog_and_changed_there(gender="male")(service, sync)
        plan = await sync.plan(conflict.catalog, prefer="remote")
        assert counts(plan) == {"unchanged": 5}
        assert list(plan.left_alone) == ["0"]


class TestADeletionThatTheRemoteIsPreferredFor:
    async def settled(self, service, sync):
        conflict = await deleted_there_and_changed_in_the_catalog(service, sync)
        await sync.run(conflict.catalog, prefer="remote")
        return conflict.catalog

    async def test_holds_until_the_catalog_is_preferred(self, service, sync):
        catalog = await self.settled(service, sync)
        assert counts(await sync.run(catalog)) == {"unchanged": 2}
        assert len(service.skus) == 1
        assert counts(await sync.run(catalog, prefer="catalog")) == {"created": 1, "unchanged": 1}
        assert (await sync.plan(catalog)).is_empty

    async def test_is_a_conflict_again_once_the_catalog_says_something_else(self, service, sync):
        await self.settled(service, sync)
        assert counts(await sync.plan([item("a", "Once more"), item("b")])) == {"conflict": 1, "unchanged": 1}

    async def test_ends_with_the_item(self, service, sync):
        await self.settled(service, sync)
        assert counts(await sync.run(items("b"), prune=True)) == {"deleted": 1, "unchanged": 1}
        assert counts(await sync.run(items("a", "b"))) == {"created": 1, "unchanged": 1}

    async def test_teaches_nothing_about_what_the_service_shows(self, service, sync, tmp_path):
        only = Syncing(sync.session, tmp_path / "only.state")
        await only.run([item("a", gender="male")])
        service.drop(next(iter(service.skus)))
        await only.run([item("a", "Ours")], prefer="remote")
        service.put(name="Item x", frontImage="front-x", gender="male")
        assert counts(await only.run([item("a", "Ours"), item("x", gender="male")])) == {"unchanged": 1, "adopted": 1}
        assert service.count("PUT") == 0
