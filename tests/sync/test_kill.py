"""Catalogs of thousands of items, and syncs that are killed at any moment (promise 22)."""

import asyncio
import itertools
import random
import resource
import time

import pytest

from aishoot_async.sandbox import DropAfter, Fault, ThreadedSandbox
from helpers.sessions import session_for
from helpers.sku_service import LostError, SkuService
from helpers.syncing import catalog, syncer
from sync.running import Syncing, counts, item

pytestmark = pytest.mark.anyio
COUNT = 60


@pytest.fixture
async def children():
    async with syncer() as running:
        yield running


def fatal(children, moment, chance):
    """Make a hook: a tenth of the creates lose their answers, and the child is killed at the moment-th event."""
    events = itertools.count()
    number = itertools.count()

    async def hook(method, _path, _body, after):
        if next(events) == moment:
            # Somewhere between this event and what the child makes of it.
            asyncio.get_running_loop().call_later(chance.choice([0, 0, 0.001, 0.004]), children.kill)
        if method == "POST" and after and next(number) % 10 == 9:
            raise LostError

    return hook


async def killed_and_gone_on(service, children, state, edition, moments, chance):
    wanted = catalog(edition, COUNT)
    was_killed = 0
    for moment in moments:
        service.hook = fatal(children, moment, chance)
        await children.start(service.url, state, edition, COUNT)
        said = await children.result()
        assert said.keys() <= {"killed", "counts", "complete"}, said
        was_killed += "killed" in said
    service.hook = None
    async with service.session() as session:
        sync = Syncing(session, state)
        report = await sync.run(wanted, prune=True, max_delete="50%")
        assert report.complete, list(report.unsettled)
        assert service.names == sorted(one.sku.name for one in wanted)
        again = await sync.plan(wanted, prune=True)
        assert counts(again) == {"unchanged": len(wanted)}
    return was_killed


async def killed(children, tmp_path, seed, times=2):
    """Kill both editions of a catalog at random moments; the last run must put all of it right."""
    chance = random.Random(seed)
    was_killed = 0
    async with SkuService() as service:
        for edition in (1, 2):
            moments = [chance.randrange(1, 150) for _ in range(times)]
            was_killed += await killed_and_gone_on(service, children, tmp_path / "s", edition, moments, chance)
    return was_killed


@pytest.mark.parametrize("seed", range(5))
async def test_killed_at_some_moments(children, tmp_path, seed):
    assert await killed(children, tmp_path, seed) >= 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_killed_at_fifty_moments(children, tmp_path):
    was_killed = 0
    for seed in range(100, 118):
        folder = tmp_path / str(seed)
        folder.mkdir()
        was_killed += await killed(children, folder, seed)
    assert was_killed >= 50


async def test_a_full_disk_stops_all_and_the_next_run_goes_on(children, tmp_path):
    """A limit on the size of files, in a child of its own, stands in for the end of the disk."""
    async with SkuService() as service:
        await children.start(service.url, tmp_path / "s", 1, 400, file_limit=80_000)
        said = await children.result()
        assert said["error"] == "SyncError", said
        assert "cannot use the state" in said["message"]
        assert "make a new plan" in said["message"]
        made = len(service.skus)
        assert 0 < made < 400
        await children.start(service.url, tmp_path / "s", 1, 400)
        said = await children.result()
        assert said["complete"], said
        assert service.names == sorted(one.sku.name for one in catalog(1, 400))
        assert service.count("POST") == 400


@pytest.fixture
def sandbox():
    with ThreadedSandbox(skus=20, faults=[Fault(DropAfter(), operation="create_sku", every=10)]) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [5_000, 30_000])
async def test_a_large_catalog(sandbox, tmp_path, capsys, count):
    catalog = [
        item(str(number), f"Shirt {number}", f"{number:064x}", project_ids=[1, 2], gender="female")
        for number in range(count)
    ]
    async with session_for(sandbox, sandbox.token) as session:
        sync = Syncing(session, tmp_path / "s", settle=0.5)
        plan = await sync.plan(catalog)
        began = time.monotonic()
        report = await sync.apply(plan)
        seconds = time.monotonic() - began
        calls = sandbox.calls.copy()
        assert counts(report) == {"created": count}
        assert calls["create_sku"] == count
        assert len(sandbox.skus()) == count + 20
        assert sum(outcome.found_by_looking for outcome in report.outcomes) == count // 10
        began = time.monotonic()
        again = await sync.plan(catalog)
        assert counts(again) == {"unchanged": count}
        second = time.monotonic() - began
        requests = sandbox.calls["list_skus"] - calls["list_skus"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{count:,} creates in {seconds:.1f} s ({count / seconds:.0f}/s), {sum(calls.values()) / count:.3f} "
            f"requests each; second run {second:.1f} s, {requests} requests; peak {peak} MB, the sandbox included"
        )
