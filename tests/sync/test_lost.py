"""Creates whose answers were lost are looked for, and sent again only when they are not there (promises 22, 27)."""

import asyncio
import random

import pytest
from aiohttp import web

from aishoot_async import AuthenticationError, RefreshToken, RetryPolicy, SessionClosedError
from aishoot_async.sandbox import DropAfter, DropBefore, ExpireToken, Fault, Sandbox, Status
from helpers.cancelling import cancelled_at_some_step
from helpers.sessions import session_for
from helpers.sku_service import LostError, lose, until
from sync.running import SETTLE, Syncing, counts, item, items

pytestmark = pytest.mark.anyio


async def settled(service, sync, catalog):
    """See that there is one SKU for each item, and nothing left to do."""
    again = await sync.plan(catalog)
    assert again.is_empty, again.entries
    assert counts(again) == {"unchanged": len(catalog)}
    assert service.names == sorted(one.sku.name for one in catalog)


async def test_a_create_that_happened_is_found_and_not_sent_again(service, sync):
    service.hook = lose(1)
    told = []
    report = await sync.apply(await sync.plan(items(1, 2, 3)), on_outcome=told.append)
    assert counts(report) == {"created": 3}
    assert sum(outcome.found_by_looking for outcome in report.outcomes) == 1
    assert {outcome.sku_id for outcome in report.outcomes} == set(service.skus)
    assert len(told) == 3
    assert service.count("POST") == 3
    await settled(service, sync, items(1, 2, 3))


async def test_a_create_that_did_not_happen_is_sent_again(service, sync):
    service.hook = lose(0, applied=False)
    report = await sync.run(items(1))
    assert counts(report) == {"created": 1}
    assert service.count("POST") == 2
    await settled(service, sync, items(1))


async def test_a_create_is_not_sent_again_for_ever(service, sync):
    service.hook = lose(applied=False)
    report = await sync.run(items(1))
    assert counts(report) == {"failed": 1}
    assert service.count("POST") == 4
    assert "sent 4 times" in report.outcomes[0].error
    service.hook = None
    assert counts(await sync.run(items(1))) == {"created": 1}
    await settled(service, sync, items(1))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_5xx_after_a_create_was_applied(service, sync, status):
    async def late(method, _path, _body, after):
        if method == "POST" and after:
            return web.json_response({"status": status}, status=status)
        return None

    service.hook = late
    report = await sync.run(items(1))
    assert counts(report) == {"created": 1}
    assert service.count("POST") == 1
    service.hook = None
    await settled(service, sync, items(1))


@pytest.mark.parametrize("answer", [b"", b"{}", b"<html>", b'{"name": 3}', b"[1]"])
async def test_a_create_whose_answer_says_nothing(service, sync, answer):
    async def unreadable(method, _path, _body, after):
        return web.Response(status=201, body=answer) if method == "POST" and after else None

    service.hook = unreadable
    assert counts(await sync.run(items(1, 2))) == {"created": 2}
    assert service.count("POST") == 2
    service.hook = None
    await settled(service, sync, items(1, 2))


class TestWhatIsTakenForIt:
    async def test_not_what_was_there_before(self, service, sync):
        service.put(name="Item 1", frontImage="front-1", gender="male")
        service.hook = lose(0, applied=False)
        report = await sync.run([item("1", gender="female")], decide="create")
        assert counts(report) == {"created": 1}
        assert service.count("POST") == 2
        assert len(service.skus) == 2

    async def test_not_what_another_key_has(self, service, sync):
        """The very same SKU twice in the catalog: one answer is lost, and the other's SKU is no candidate."""
        twins = [item("a", "Twin", "f"), item("b", "Twin", "f")]
        service.hook = lose(0, applied=False)
        assert counts(await sync.run(twins)) == {"created": 2}
        assert service.count("POST") == 3
        assert len(service.skus) == 2
        await settled(service, sync, twins)

    async def test_twins_may_be_paired_in_any_order(self, service, sync):
        twins = [item(str(number), "Twin", "f") for number in range(6)]
        service.hook = lose(0, 1, 2, 3)
        report = await sync.run(twins)
        assert counts(report) == {"created": 6}
        assert len({outcome.sku_id for outcome in report.outcomes}) == 6
        assert service.count("POST") == 6
        await settled(service, sync, twins)

    async def test_of_twins_some_may_not_have_happened(self, service, sync):
        twins = [item(str(number), "Twin", "f") for number in range(4)]

        async def hook(method, _path, _body, after):
            # The first two are lost before they happen, the other two after.
            if method == "POST" and len(service.bodies("POST")) <= 4 and after == (len(service.skus) > 0):
                raise LostError

        service.hook = hook
        report = await sync.run(twins)
        assert counts(report) == {"created": 4}
        assert len(service.skus) == 4
        service.hook = None
        await settled(service, sync, twins)

    @pytest.mark.parametrize("alien", [{"gender": "male"}, {"frontImage": "other"}, {"name": "ITEM  1"}])
    async def test_what_fits_in_part_is_left_to_a_person(self, service, sync, alien):
        async def hook(method, _path, _body, after):
            if method == "POST" and not after:
                service.put(**{"name": "Item 1", "frontImage": "front-1", "gender": "female", **alien})
                raise LostError

        service.hook = hook
        catalog = [item("1", gender="female"), item("2")]
        report = await sync.run(catalog[:1])
        assert counts(report) == {"unknown": 1}
        (theirs,) = service.skus
        assert theirs in report.outcomes[0].error
        service.hook = None
        # It stays so, is named by key, and nothing is sent for it; the others go on.
        again = await sync.run(catalog)
        assert counts(again) == {"unknown": 1, "created": 1}
        assert not again.complete
        assert service.count("POST") == 2
        # A person has looked: it was somebody else's, who has renamed it.
        service.change(theirs, name="Theirs", frontImage="theirs")
        assert counts(await sync.run(catalog)) == {"created": 1, "unchanged": 1}
        assert len(service.skus) == 3

    async def test_another_key_may_not_adopt_it(self, service, sync):
        async def hook(method, _path, _body, after):
            if method == "POST" and not after:
                service.put(name="Item 1", frontImage="front-1", gender="male")
                raise LostError

        service.hook = hook
        await sync.run([item("1", gender="female")])
        service.hook = None
        plan = await sync.plan([item("1", gender="female"), item("9", "Item 1", "front-1")])
        assert counts(plan) == {"hold": 1, "conflict": 1}
        assert "may have come of the create of '1'" in plan.entries[1].reason

    async def test_not_what_a_listing_had_before_it_was_sent(self, service, sync):
        """Each create of its own: what is new to an older one may be old to a later one."""

        async def hook(method, _path, body, after):
            if method == "POST" and not after:
                if body["name"] == "Item 1":
                    service.put(name="Item 1", frontImage="other")
                raise LostError
            if method == "GET" and service.count("POST") == 2:
                return web.json_response({}, status=400)  # so that nothing can be found out yet
            return None

        service.hook = hook
        assert counts(await sync.run(items(1))) == {"unknown": 1}
        service.put(name="Item 2", frontImage="other")
        assert counts(await sync.run(items(1, 2), decide={"2": "create"})) == {"unknown": 2}
        service.hook = None
        assert counts(await sync.plan(items(1, 2), decide={"2": "create"})) == {"hold": 1, "create": 1}

    async def test_too_many_that_fit_cannot_be_told_apart(self, service, sync):
        async def hook(method, _path, _body, after):
            if method == "POST" and after:
                service.put(name="Item 1", frontImage="front-1")
                raise LostError

        service.hook = hook
        report = await sync.run(items(1))
        assert counts(report) == {"unknown": 1}
        assert "it cannot be told which" in report.outcomes[0].error
        service.hook = None
        ours, theirs = service.skus
        # Nobody else may take them either.
        plan = await sync.plan([item("1"), item("9", "Item 1", "front-1")])
        assert counts(plan) == {"hold": 1, "conflict": 1}
        service.drop(theirs)
        assert (await sync.plan(items(1))).is_empty
        assert set(service.skus) == {ours}


async def test_an_unknown_create_of_a_key_that_left_the_catalog_is_still_named(service, sync):
    async def hook(method, _path, _body, after):
        if method == "POST" and not after:
            service.put(name="Item 1", frontImage="other")
            raise LostError

    service.hook = hook
    await sync.run(items(1))
    service.hook = None
    plan = await sync.plan(items(2))
    assert [(entry.key, entry.action) for entry in plan.entries] == [("2", "create"), ("1", "hold")]


async def test_what_a_cancelled_apply_had_sent_is_looked_for(service, sync):
    started = asyncio.Event()

    async def hang(method, _path, body, after):
        if method == "POST" and after and body["name"] == "Item 2":
            started.set()
            await asyncio.Event().wait()

    service.hook = hang
    plan = await sync.plan(items(1, 2, 3))
    task = asyncio.create_task(sync.apply(plan))
    await started.wait()
    await until(lambda: len(service.skus) == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    service.hook = None
    await settled(service, sync, items(1, 2, 3))
    assert service.count("POST") == 3


async def test_a_closed_session_stops_all_and_what_was_done_is_kept(service, tmp_path):
    async def close(method, _path, _body, after):
        if method == "POST" and after and len(service.skus) == 20:
            asyncio.get_running_loop().create_task(session.aclose())
            await asyncio.Event().wait()

    catalog = items(*range(200))
    async with service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        plan = await sync.plan(catalog)
        service.hook = close
        with pytest.raises(SessionClosedError):
            await sync.apply(plan)
    service.hook = None
    made = len(service.skus)
    assert 20 <= made < 200
    async with service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        report = await sync.run(catalog)
        assert counts(report) == {"created": 200 - made, "unchanged": made}
        await settled(service, sync, catalog)


class TestUpdatesAndDeletes:
    async def test_an_update_whose_answer_was_lost_is_repeated_or_seen(self, service, sync):
        await sync.run(items(1))
        service.hook = lose(method="PUT")
        report = await sync.run([item("1", "New")])
        assert counts(report) == {"updated": 1}
        assert report.outcomes[0].found_by_looking
        service.hook = None
        await settled(service, sync, [item("1", "New")])

    async def test_one_that_never_happened_is_unknown_and_done_by_the_next_run(self, service, sync):
        await sync.run(items(1))
        service.hook = lose(method="PUT", applied=False)
        report = await sync.run([item("1", "New")])
        assert counts(report) == {"unknown": 1}
        service.hook = None
        assert counts(await sync.run([item("1", "New")])) == {"updated": 1}
        await settled(service, sync, [item("1", "New")])

    async def test_an_update_in_doubt_is_no_conflict_with_a_newer_catalog(self, service, sync):
        await sync.run(items(1))

        async def hook(method, _path, _body, after):
            if method == "PUT" and after:
                raise LostError
            if method == "GET" and service.count("PUT"):
                return web.json_response({"status": 500}, status=400)  # so that it cannot be read back
            return None

        service.hook = hook
        assert counts(await sync.run([item("1", "New")])) == {"unknown": 1}
        service.hook = None
        assert service.names == ["New"]
        assert counts(await sync.run([item("1", "Newest")])) == {"updated": 1}
        await settled(service, sync, [item("1", "Newest")])

    async def test_a_delete_whose_answer_was_lost(self, service, sync):
        await sync.run(items(1, 2))
        service.hook = lose(method="DELETE")
        report = await sync.run(items(1), prune=True)
        assert counts(report) == {"unchanged": 1, "deleted": 1}
        assert service.names == ["Item 1"]
        assert (await sync.plan(items(1), prune=True)).is_empty

    async def test_a_delete_that_never_happened(self, service, sync):
        await sync.run(items(1, 2))
        service.hook = lose(method="DELETE", applied=False)
        assert counts(await sync.run(items(1), prune=True)) == {"unchanged": 1, "unknown": 1}
        service.hook = None
        assert counts(await sync.run(items(1), prune=True)) == {"unchanged": 1, "deleted": 1}
        assert service.names == ["Item 1"]

    async def test_a_delete_in_doubt_of_a_key_that_comes_back(self, service, sync):
        await sync.run(items(1, 2))

        async def hook(method, _path, _body, after):
            if method == "DELETE" and after:
                raise LostError
            return web.json_response({}, status=400) if method == "GET" and service.count("DELETE") else None

        service.hook = hook
        assert counts(await sync.run(items(1), prune=True)) == {"unchanged": 1, "unknown": 1}
        service.hook = None
        catalog = [item("1"), item("2", "Changed, too")]
        assert counts(await sync.run(catalog)) == {"unchanged": 1, "created": 1}
        await settled(service, sync, catalog)


class TestAtTheSandbox:
    """Promise 27, and a token that ends while a plan is applied."""

    async def run_at(self, tmp_path, faults, catalog, auth=None, **options):
        async with Sandbox(skus=0, faults=faults, **options) as sandbox:
            token = sandbox.token if auth is None else auth(sandbox)
            async with session_for(sandbox, token, retry=RetryPolicy(attempts=2, backoff=0.001)) as session:
                sync = Syncing(session, tmp_path / "s", settle=SETTLE)
                report = await sync.run(catalog)
                calls = sandbox.calls.copy()
                sandbox.clear_faults()
                again = await sync.plan(catalog)
                assert again.is_empty
                assert len(sandbox.skus()) == len(catalog)
                return report, calls

    async def test_504_after_a_create_was_applied(self, tmp_path):
        report, calls = await self.run_at(
            tmp_path, [Fault(Status(504, after_effect=True), operation="create_sku", at=2)], items(1, 2, 3)
        )
        assert counts(report) == {"created": 3}
        assert calls["create_sku"] == 3

    async def test_401_in_the_middle_of_a_create(self, tmp_path):
        report, calls = await self.run_at(
            tmp_path,
            [Fault(ExpireToken(), operation="create_sku", every=20, times=3)],
            items(*range(100)),
            auth=lambda sandbox: RefreshToken(sandbox.refresh_token),
            rotate_refresh_tokens=True,
            forbid_refresh_token_reuse=True,
        )
        assert counts(report) == {"created": 100}
        assert calls["refresh"] >= 1
        assert calls["create_sku"] > 100  # those that were refused were sent again, with the new token

    async def test_a_login_that_is_refused_stops_all_and_what_was_done_is_kept(self, tmp_path):
        catalog = items(*range(400))
        async with Sandbox(skus=0) as sandbox:
            async with session_for(sandbox, sandbox.token) as session:
                sync = Syncing(session, tmp_path / "s")
                plan = await sync.plan(catalog)
                sandbox.add_fault(Fault(ExpireToken(), operation="create_sku", at=80))
                with pytest.raises(AuthenticationError):
                    await sync.apply(plan)
            done = len(sandbox.skus())
            assert 0 < done < 400
            assert sandbox.calls["create_sku"] < 300
            async with session_for(sandbox, sandbox.issue_token()) as session:
                sync = Syncing(session, tmp_path / "s")
                assert counts(await sync.run(catalog)) == {"created": 400 - done, "unchanged": done}
                assert len(sandbox.skus()) == 400

    async def test_every_tenth_answer_is_lost(self, tmp_path):
        """Promise 22, small."""
        report, calls = await self.run_at(
            tmp_path, [Fault(DropAfter(), operation="create_sku", every=10)], items(*range(300))
        )
        assert counts(report) == {"created": 300}
        assert calls["create_sku"] == 300
        assert sum(outcome.found_by_looking for outcome in report.outcomes) == 30

    async def test_every_tenth_is_lost_before_or_after_it_happens(self, tmp_path):
        report, calls = await self.run_at(
            tmp_path,
            [
                Fault(DropAfter(reset=True), operation="create_sku", every=20),
                Fault(DropBefore(), operation="create_sku", every=13),
            ],
            items(*range(300)),
        )
        assert counts(report) == {"created": 300}
        assert 300 < calls["create_sku"] <= 300 + 300 // 12


async def test_a_service_that_loses_everything_for_a_while_is_left_alone_meanwhile(service, sync):
    """Each lost create costs a look and a wait; so after some in a row one harmless request asks first."""
    state = {"lost": 0}

    async def hook(method, _path, _body, after):
        if method == "POST" and not after and not state.get("asked"):
            state["lost"] += 1
            raise LostError
        if method == "GET" and state["lost"] and not after:
            state["asked"] = True

    service.hook = hook
    report = await sync.run(items(*range(300)))
    assert counts(report) == {"created": 300}
    assert state["lost"] <= 128 + 8
    assert len(service.skus) == 300


async def test_what_is_changed_before_it_was_read_back_is_changed_back(service, sync):
    """A run that was cut off has not read back; but the others show that this service shows names as they are."""
    await sync.run(items(1, 2))

    async def hook(method, _path, _body, after):
        return web.json_response({}, status=400) if method == "GET" and service.count("POST") > 2 and after else None

    service.hook = hook
    assert counts(await sync.run(items(1, 2, 3))) == {"created": 1, "unchanged": 2}
    service.hook = None
    service.change(max(service.skus), name="Theirs")
    assert counts(await sync.run(items(1, 2, 3))) == {"updated": 1, "unchanged": 2}
    await settled(service, sync, items(1, 2, 3))


async def test_cancelled_at_any_moment_it_goes_on_to_what_it_would_have_been(service, sync):
    chance = random.Random(7)
    catalog = items(*range(40))
    for _ in range(25):
        # What still writes, or still holds the lock, would make the next run fail.
        await cancelled_at_some_step(sync.run(catalog), chance, 400)
    assert (await sync.run(catalog)).complete
    await settled(service, sync, catalog)
