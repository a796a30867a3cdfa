"""Whole runs: what is planned, what is done, and that the second run has nothing to do."""

import json

import pytest
from aiohttp import web

from aishoot_async import UNSET, SyncError
from aishoot_async.sync import SyncAction, SyncPlan
from sync.running import counts, item, items

pytestmark = pytest.mark.anyio


async def test_a_catalog_is_created_and_then_there_is_nothing_to_do(service, sync):
    plan = await sync.plan(items(1, 2, 3))
    assert counts(plan) == {"create": 3}
    assert service.skus == {}  # a plan sends nothing
    report = await sync.apply(plan)
    assert counts(report) == {"created": 3}
    assert report.complete
    assert [outcome.key for outcome in report.outcomes] == ["1", "2", "3"]
    assert {outcome.sku_id for outcome in report.outcomes} == set(service.skus)
    again = await sync.plan(items(1, 2, 3))
    assert counts(again) == {"unchanged": 3}
    assert again.is_empty
    assert counts(await sync.apply(again)) == {"unchanged": 3}
    assert service.count("POST") == 3
    assert service.count("PUT") == 0


async def test_an_async_iterable_is_a_catalog_too(service, sync):
    async def catalog():
        for one in items(1, 2):
            yield one

    assert counts(await sync.run(catalog())) == {"created": 2}


async def test_a_change_in_the_catalog_is_an_update_that_keeps_what_it_does_not_state(service, sync):
    await sync.run([item("a"), item("b")])
    sku_id = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item a")
    service.change(sku_id, gender="UNHEARD_OF", projectIds=[4, 5], isInWardrobe=True, backImage="b1")
    plan = await sync.plan([item("a", "Renamed"), item("b")])
    assert counts(plan) == {"update": 1, "unchanged": 1}
    entry = plan.entries[0]
    assert (entry.action, entry.sku_id, entry.changes) == (SyncAction.UPDATE, sku_id, {"name": ("Item a", "Renamed")})
    assert counts(await sync.apply(plan)) == {"updated": 1, "unchanged": 1}
    assert service.skus[sku_id] == {
        "name": "Renamed",
        "frontImage": "front-a",
        "backImage": "b1",
        "gender": "UNHEARD_OF",
        "isInWardrobe": True,
        "projectIds": [4, 5],
        "skuCategoryName": None,
    }
    assert (await sync.plan([item("a", "Renamed"), item("b")])).is_empty


async def test_what_somebody_else_has_changed_is_changed_back(service, sync):
    await sync.run(items("a"))
    (sku_id,) = service.skus
    service.change(sku_id, name="Theirs", gender="male")
    plan = await sync.plan(items("a"))
    assert counts(plan) == {"update": 1}
    await sync.apply(plan)
    assert service.skus[sku_id]["name"] == "Item a"
    assert service.skus[sku_id]["gender"] == "male"  # not stated


async def test_the_remote_may_be_preferred(service, sync):
    await sync.run(items("a"))
    (sku_id,) = service.skus
    service.change(sku_id, name="Theirs")
    assert counts(await sync.run(items("a"), prefer="remote")) == {"unchanged": 1}
    assert service.skus[sku_id]["name"] == "Theirs"
    # It was left, and not settled: whoever does not prefer the remote owns the field again.
    assert counts(await sync.plan(items("a"))) == {"update": 1}


async def test_an_update_beside_a_field_that_is_left_does_not_settle_it(service, sync):
    await sync.run([item("a", gender="male")])
    (sku_id,) = service.skus
    service.change(sku_id, name="Theirs")
    assert counts(await sync.run([item("a", gender="female")], prefer="remote")) == {"updated": 1}
    assert service.skus[sku_id]["name"] == "Theirs"
    assert service.skus[sku_id]["gender"] == "female"
    plan = await sync.plan([item("a", gender="female")])
    assert plan.entries[0].changes == {"name": ("Theirs", "Item a")}


class TestChangedOnBothSides:
    async def test_is_a_conflict_of_which_nothing_is_sent(self, service, sync):
        await sync.run([item("a", gender="male")])
        (sku_id,) = service.skus
        service.change(sku_id, name="Theirs")
        report = await sync.run([item("a", "Ours", gender="female")])
        assert counts(report) == {"conflict": 1}
        assert not report.complete
        assert "name" in report.outcomes[0].error
        assert service.count("PUT") == 0

    async def test_the_catalog_may_win(self, service, sync):
        await sync.run(items("a"))
        (sku_id,) = service.skus
        service.change(sku_id, name="Theirs")
        assert counts(await sync.run([item("a", "Ours")], prefer="catalog")) == {"updated": 1}
        assert service.skus[sku_id]["name"] == "Ours"
        assert (await sync.plan([item("a", "Ours")])).is_empty

    async def test_the_remote_may_win_and_that_is_settled(self, service, sync):
        await sync.run(items("a"))
        (sku_id,) = service.skus
        service.change(sku_id, name="Theirs")
        assert counts(await sync.run([item("a", "Ours")], prefer="remote")) == {"unchanged": 1}
        assert service.skus[sku_id]["name"] == "Theirs"
        assert (await sync.plan([item("a", "Ours")])).is_empty
        assert counts(await sync.plan([item("a", "Newer")])) == {"update": 1}

    async def test_both_to_the_same_is_no_conflict(self, service, sync):
        await sync.run(items("a"))
        (sku_id,) = service.skus
        service.change(sku_id, name="Agreed")
        assert counts(await sync.run([item("a", "Agreed")])) == {"unchanged": 1}
        # It is remembered as agreed: a change on one side is no conflict afterwards.
        assert counts(await sync.plan([item("a", "Newer")])) == {"update": 1}


class TestDeletedAtTheService:
    async def test_is_created_again(self, service, sync):
        await sync.run(items("a", "b"))
        service.drop(next(iter(service.skus)))
        assert counts(await sync.run(items("a", "b"))) == {"created": 1, "unchanged": 1}
        assert service.names == ["Item a", "Item b"]
        assert (await sync.plan(items("a", "b"))).is_empty

    async def test_is_a_conflict_where_the_catalog_has_changed(self, service, sync):
        await sync.run(items("a"))
        service.drop(next(iter(service.skus)))
        assert counts(await sync.run([item("a", "New")])) == {"conflict": 1}
        assert service.skus == {}
        assert counts(await sync.plan([item("a", "New")], prefer="remote")) == {"unchanged": 1}
        assert counts(await sync.run([item("a", "New")], prefer="catalog")) == {"created": 1}

    async def test_is_adopted_where_somebody_has_made_it_again(self, service, sync):
        await sync.run(items("a"))
        service.drop(next(iter(service.skus)))
        made = service.put(name="Item a", frontImage="front-a")
        report = await sync.run(items("a"))
        assert counts(report) == {"adopted": 1}
        assert report.outcomes[0].sku_id == made


class TestAdopting:
    async def test_the_one_that_fits(self, service, sync):
        made = service.put(name="Item a", frontImage="front-a", gender="male", projectIds=[2, 1])
        service.put(name="Item a", frontImage="another")
        plan = await sync.plan([item("a", gender="male", project_ids=[1, 2])])
        assert counts(plan) == {"adopt": 1}
        report = await sync.apply(plan)
        assert [(outcome.outcome, outcome.sku_id) for outcome in report.outcomes] == [("adopted", made)]
        assert len(service.skus) == 2
        assert service.count("POST") == service.count("PUT") == 0
        assert (await sync.plan([item("a", gender="male", project_ids=[1, 2])])).is_empty

    async def test_not_one_that_differs_before_somebody_has_decided(self, service, sync):
        theirs = service.put(name="Item a", frontImage="front-a", gender="male")
        report = await sync.run([item("a", gender="female")])
        assert counts(report) == {"conflict": 1}
        assert theirs in report.outcomes[0].error
        assert counts(await sync.run([item("a", gender="female")], decide="create")) == {"created": 1}
        assert len(service.skus) == 2

    async def test_not_when_several_fit(self, service, sync):
        ids = [service.put(name="Item a", frontImage="front-a") for _ in range(2)]
        report = await sync.run(items("a"))
        assert counts(report) == {"conflict": 1}
        assert all(sku_id in report.outcomes[0].error for sku_id in ids)
        assert service.count("POST") == 0

    async def test_two_keys_never_take_the_same(self, service, sync):
        service.put(name="Twin", frontImage="f")
        report = await sync.run([item("a", "Twin", "f"), item("b", "Twin", "f")])
        assert counts(report) == {"adopted": 1, "created": 1}
        assert len({outcome.sku_id for outcome in report.outcomes}) == 2
        assert (await sync.plan([item("a", "Twin", "f"), item("b", "Twin", "f")])).is_empty


class TestFailures:
    async def test_an_item_that_is_refused_does_not_stop_the_others(self, service, sync):
        async def refuse(method, _path, body, after):
            if method == "POST" and body["name"] == "Item 2" and not after:
                return web.json_response({"status": 422, "message": "not this one"}, status=422)
            return None

        service.hook = refuse
        told = []
        report = await sync.apply(await sync.plan(items(1, 2, 3)), on_outcome=told.append)
        assert counts(report) == {"created": 2, "failed": 1}
        assert "not this one" in report.outcomes[1].error
        assert sorted(outcome.key for outcome in told) == ["1", "2", "3"]
        service.hook = None
        assert counts(await sync.run(items(1, 2, 3))) == {"created": 1, "unchanged": 2}

    async def test_a_sku_that_changes_under_the_plan_is_a_conflict(self, service, sync):
        await sync.run(items(1, 2))
        first = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item 1")

        async def change(_method, path, _body, after):
            # The listing with which an apply begins is still as planned.
            if f"skuIdFilter={first}" in path and not after:
                service.change(first, name="Theirs")

        plan = await sync.plan([item("1", "New 1"), item("2", "New 2")])
        service.hook = change
        report = await sync.apply(plan)
        assert counts(report) == {"conflict": 1, "updated": 1}
        assert service.skus[first]["name"] == "Theirs"

    @pytest.mark.parametrize(("method", "outcome"), [("PUT", "failed"), ("DELETE", "failed")])
    async def test_an_update_and_a_delete_that_are_refused(self, service, sync, method, outcome):
        await sync.run(items(1, 2, 3, 4))

        async def refuse(asked, _path, _body, after):
            return web.json_response({"message": "no"}, status=403) if asked == method and not after else None

        service.hook = refuse
        catalog = [item("1", "New"), *items(2, 3)]
        report = await sync.run(catalog, prune=True)
        assert counts(report)[outcome] == 1
        service.hook = None
        assert (await sync.run(catalog, prune=True)).complete
        assert service.names == ["Item 2", "Item 3", "New"]

    @pytest.mark.parametrize(("moment", "expected"), [("get", "conflict"), ("put", "failed")])
    async def test_a_sku_that_goes_under_the_plan(self, service, sync, moment, expected):
        await sync.run(items(1))
        (first,) = service.skus

        async def drop(method, path, _body, after):
            is_get = method == "GET" and f"skuIdFilter={first}" in path
            if not after and first in service.rows and (is_get if moment == "get" else method == "PUT"):
                service.drop(first)

        service.hook = drop
        assert counts(await sync.run([item("1", "New")])) == {expected: 1}

    @pytest.mark.parametrize("moment", ["get", "delete"])
    async def test_a_sku_that_somebody_else_deletes_first(self, service, sync, moment):
        await sync.run(items(1, 2))
        gone = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item 2")

        async def drop(method, path, _body, after):
            is_get = method == "GET" and f"skuIdFilter={gone}" in path
            if not after and gone in service.rows and (is_get if moment == "get" else method == "DELETE"):
                service.drop(gone)

        service.hook = drop
        assert counts(await sync.run(items(1), prune=True)) == {"unchanged": 1, "deleted": 1}
        assert (await sync.plan(items(1), prune=True)).is_empty

    async def test_a_sku_that_changes_just_before_it_is_deleted_is_a_conflict(self, service, sync):
        await sync.run(items(1, 2))
        gone = next(sku_id for sku_id, row in service.skus.items() if row["name"] == "Item 2")

        async def change(_method, path, _body, after):
            if f"skuIdFilter={gone}" in path and not after:
                service.change(gone, gender="male")

        service.hook = change
        assert counts(await sync.run(items(1), prune=True)) == {"unchanged": 1, "conflict": 1}
        assert gone in service.skus

    async def test_a_service_that_gives_two_creates_one_id(self, service, sync):
        """Nobody can know what it means; no key takes another's SKU, and nothing is sent without end."""

        async def same(method, _path, _body, after):
            return web.json_response({"id": "sku-00001"}, status=201) if method == "POST" and after else None

        service.hook = same
        report = await sync.run(items(1, 2))
        assert len(service.skus) == 2
        assert report.complete
        assert len({outcome.sku_id for outcome in report.outcomes}) == 2

    async def test_what_it_raises_for_is_told_in_the_callback_until_then(self, sync):
        def tell(_outcome):
            msg = "the caller's own"
            raise ValueError(msg)

        with pytest.raises(ValueError, match="the caller's own"):
            await sync.apply(await sync.plan(items(1)), on_outcome=tell)
        assert (await sync.run(items(1))).complete


class TestPlanFiles:
    async def test_are_read_back_as_they_were(self, service, sync, tmp_path):
        service.put(name="Item a", frontImage="front-a")
        await sync.run([item("b", back_image="b1"), item("c")])
        plan = await sync.plan([item("a"), item("b", "Ünïcode \u2028", back_image=None), item("d", project_ids=[])])
        plan.save(tmp_path / "plan.json")
        assert SyncPlan.load(tmp_path / "plan.json") == plan
        text = (tmp_path / "plan.json").read_text()
        assert "tok" not in text
        assert json.loads(text)["entries"][0]["action"] == "adopt"
        report = await sync.apply(SyncPlan.load(tmp_path / "plan.json"))
        assert counts(report) == {"adopted": 1, "updated": 1, "created": 1}

    @pytest.mark.parametrize(
        "text", ["", "{}", "[]", "null", '{"format": 3}', "\ud83d", '{"format": "aishoot_async sync plan"}']
    )
    def test_what_is_no_plan_is_refused(self, tmp_path, text):
        (tmp_path / "plan.json").write_text(text, errors="surrogatepass")
        with pytest.raises(SyncError, match="no plan"):
            SyncPlan.load(tmp_path / "plan.json")

    def test_what_is_not_there_cannot_be_read(self, tmp_path):
        with pytest.raises(SyncError, match="No such file"):
            SyncPlan.load(tmp_path / "plan.json")


async def test_a_field_that_is_left_out_and_one_that_is_null_differ(service, sync):
    await sync.run([item("a", back_image="b1")])
    (sku_id,) = service.skus
    assert (await sync.plan([item("a", back_image=UNSET)])).is_empty
    assert counts(await sync.run([item("a", back_image=None)])) == {"updated": 1}
    assert service.skus[sku_id]["backImage"] is None
    assert (await sync.plan([item("a", back_image=None)])).is_empty
