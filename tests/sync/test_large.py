"""Promise 22 as it is told: 5,000 SKUs, and 30,000, of which every tenth answer is lost."""

import resource
import time

import pytest

from aishoot_async.sandbox import DropAfter, Fault, ThreadedSandbox
from helpers.sessions import session_for
from sync.running import Syncing, counts, item

pytestmark = pytest.mark.anyio


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
