"""Promise 22: killed at any moment, a sync makes no SKU twice and loses none, and knows it when it goes on."""

import asyncio
import itertools
import random

import pytest

from helpers.sku_service import LostError, SkuService
from helpers.syncing import catalog, syncer
from sync.running import Syncing, counts

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
