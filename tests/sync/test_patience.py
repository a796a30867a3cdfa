"""An outage in the middle of an apply is ridden out; an incomplete listing plans nothing."""

import asyncio
import itertools

import pytest
from aiohttp import web

from aishoot_async import ConfigurationError, PagingError
from sync.running import Syncing, counts, items

pytestmark = pytest.mark.anyio


async def go_away(service):
    await service.close()
    await asyncio.sleep(1)  # longer than the pause between two probes
    await service.listen(service.port)


async def test_a_service_that_goes_away_and_comes_back(service, tmp_path, monkeypatch):
    """Unsent creates wait for it, and are sent then; what was on its way is looked for."""
    monkeypatch.setattr("aishoot_async.calls._circuit_breaker.PROBE_INTERVAL", 0.2)
    away = []

    async def go(method, _path, _body, after):
        if method == "POST" and after and len(service.skus) == 70 and not away:
            away.append(asyncio.create_task(go_away(service)))

    async with service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        plan = await sync.plan(items(*range(300)))
        service.hook = go
        report = await sync.apply(plan, patience=60)
        await away[0]
        assert counts(report) == {"created": 300}
        assert len(service.skus) == 300
        assert (await sync.plan(items(*range(300)))).is_empty


async def test_patience_ends(service, tmp_path):
    """What was not sent has failed, and is not asked for one by one."""
    async with service.session() as session:
        sync = Syncing(session, tmp_path / "s")
        plan = await sync.plan(items(*range(2000)))
        began = asyncio.Event()

        async def go(method, _path, _body, after):
            if method == "POST" and after and len(service.skus) == 70:
                began.set()

        service.hook = go
        task = asyncio.create_task(sync.apply(plan))
        await began.wait()
        await service.close()
        report = await task
    left = counts(report)
    assert left["failed"] >= 2000 - 70 - 64 * 2
    assert left["failed"] + left.get("created", 0) + left.get("unknown", 0) == 2000
    assert any("too often in a row" in (outcome.error or "") for outcome in report.outcomes)


@pytest.mark.parametrize("setting", ["settle", "patience"])
@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "1", None, True])
async def test_times_that_cannot_be(sync, setting, wrong):
    plan = await sync.plan(items(1))
    with pytest.raises(ConfigurationError, match=setting):
        await sync.plan(items(1), **{setting: wrong})
    with pytest.raises(ConfigurationError, match=setting):
        await sync.apply(plan, **{setting: wrong})


@pytest.mark.parametrize("wrong", ["theirs", "", 1, "Catalog"])
async def test_whom_nobody_can_prefer(sync, wrong):
    with pytest.raises(ConfigurationError, match="prefer"):
        await sync.plan(items(1), prefer=wrong)


async def test_a_listing_that_is_not_whole_plans_nothing(service, sync):
    await sync.run(items(*range(30)))

    async def hole(method, path, _body, after):
        if method == "GET" and "page=1" in path and after:
            return web.json_response({"entries": [], "total": 30})
        return None

    service.hook = hole
    with pytest.raises(PagingError):
        await sync.plan(items(*range(30)))
    assert service.count("POST") == 30


async def test_a_listing_that_changes_all_the_time_plans_nothing(service, sync):
    names = itertools.count()

    async def grow(method, _path, _body, after):
        if method == "GET" and after:
            service.put(name=f"New {next(names)}")

    service.hook = grow
    with pytest.raises(PagingError):
        await sync.plan(items(1))
    assert service.count("POST") == 0
