"""Workers and drivers that die or hang: every row is there once, and what was finished is not fetched again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from aishoot_async.clusters.dask import export_results
from aishoot_async.export import export_results as on_one_machine
from aishoot_async.jobs import Journal
from aishoot_async.sandbox import Delay, Fault
from helpers.cluster import (
    BRIEFS,
    IN_FLIGHT,
    ROWS,
    TESTS,
    cluster_of_two,
    give_nothing,
    idle,
    manifest,
    processes,
    staged,
    stopped,
)
from helpers.parts import contents

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def cluster(tmp_path_factory):
    """Start a cluster for each test: none has workers that another has killed."""
    with cluster_of_two(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def check(folder, whole):
    """All is there, as one machine has it, and nothing else."""
    assert contents(folder) == contents(whole.folder)
    assert manifest(folder) == manifest(whole.folder)
    assert (folder / "_SUCCESS").exists()
    assert staged(folder) == []


async def until(server, calls):
    async with asyncio.timeout(20):
        await asyncio.to_thread(server.wait_for_calls, calls, "brief_results", timeout=20)


async def cleared(folder, but=frozenset()):
    """Wait until workers have removed what they had staged: one that was not to be heard does so when it comes back."""
    async with asyncio.timeout(20):
        while not {Path(name).name for name in staged(folder)} <= but:  # noqa: ASYNC110  # they are other processes
            await asyncio.sleep(0.05)


async def start_driver(cluster, server, folder, briefs=BRIEFS):
    arguments = ("-c", DRIVER, cluster.address, str(folder), json.dumps([*briefs]), server.url, server.token)
    env = os.environ | {"PYTHONPATH": str(TESTS)}
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, env=env)


@pytest.mark.parametrize("calls", [40, 150, 300])
async def test_a_worker_is_killed(cluster, client, server, session, whole, tmp_path, calls):
    async def kill():
        await until(server, calls)
        os.kill(next(iter((await processes(client)).values())), signal.SIGKILL)

    report, _ = await asyncio.gather(export_results(cluster.address, BRIEFS, tmp_path / "r", session=session), kill())
    assert (report.complete, report.items) == (True, ROWS)
    check(tmp_path / "r", whole)
    assert server.max_in_flight <= IN_FLIGHT
    again = server.calls["brief_results"] - whole.calls
    assert again < 60
    # What the worker had told of before it died, and no more than was fetched.
    assert 0 <= report.refetched_pages <= again + IN_FLIGHT


async def test_pages_that_are_fetched_again_are_counted(cluster, client, server, session, tmp_path):
    server.add_brief(100, 4000)
    told = asyncio.Event()

    async def kill_all():
        await told.wait()
        for pid in (await processes(client)).values():
            os.kill(pid, signal.SIGKILL)

    def tell(progress):
        if progress.pages >= 20:
            told.set()

    report, _ = await asyncio.gather(
        export_results(cluster.address, [100], tmp_path / "r", session=session, on_progress=tell), kill_all()
    )
    assert report.complete
    assert 20 <= report.refetched_pages <= server.calls["brief_results"] - 400


@pytest.mark.parametrize("go_on", [export_results, on_one_machine], ids=["dask", "one-machine"])
async def test_the_driver_is_killed(cluster, client, server, session, whole, tmp_path, go_on):
    driver = await start_driver(cluster, server, tmp_path / "r")
    await until(server, 150)
    driver.kill()
    await driver.wait()
    published = len(contents(tmp_path / "r"))
    assert not (tmp_path / "r" / "_SUCCESS").exists()
    server.reset_requests()
    at = cluster.address if go_on is export_results else session
    report = await go_on(at, BRIEFS, tmp_path / "r", **({"session": session} if at is not session else {}))
    assert report.complete
    assert sum(outcome.how == "kept" for outcome in report.outcomes) >= published - 1
    assert published > 10
    # What was published is not asked for, nor does what the dead driver had ordered go on.
    await idle(client)
    assert server.calls["brief_results"] <= whole.calls - 5 * (published - 1) + 3 * IN_FLIGHT
    assert server.max_in_flight <= IN_FLIGHT + (8 if go_on is on_one_machine else 0)
    check(tmp_path / "r", whole)


DRIVER = """
import asyncio, json, sys
from helpers.cluster import session_at
from aishoot_async.clusters.dask import export_results
class server:
    url, token = sys.argv[4:]
async def main():
    async with session_at(server) as session:
        await export_results(sys.argv[1], json.loads(sys.argv[3]), sys.argv[2], session=session)
asyncio.run(main())
"""


async def test_what_a_dead_driver_has_ordered_ends_without_another(cluster, client, server, tmp_path):
    long = range(100, 108)
    for brief in long:
        server.add_brief(brief, 4000)
    driver = await start_driver(cluster, server, tmp_path / "r", long)
    await until(server, 30)
    driver.kill()
    await driver.wait()
    await idle(client)
    assert server.calls["brief_results"] < 400 * len(long) / 2
    # Each attempt has removed what it had staged: only the mark of the shared folder is left.
    assert len(staged(tmp_path / "r")) == 1


async def test_a_worker_that_hangs_is_given_up_and_does_no_harm_when_it_wakes(
    cluster, client, server, session, whole, tmp_path
):
    async def hang(done):
        await until(server, 60)
        with stopped(next(iter((await processes(client)).values()))):
            await done.wait()
            check(tmp_path / "r", whole)
            server.reset_requests()

    async def export(done):
        try:
            return await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session, stall=3.0)
        finally:
            done.set()

    done = asyncio.Event()
    report, _ = await asyncio.gather(export(done), hang(done))
    assert (report.complete, report.items) == (True, ROWS)
    assert server.max_in_flight <= IN_FLIGHT
    # Awake, it sends nothing, and leaves nothing behind.
    await idle(client)
    assert server.calls["brief_results"] <= IN_FLIGHT
    check(tmp_path / "r", whole)


async def test_what_a_hanging_worker_has_brought_is_brought_by_another(
    cluster, client, server, session, whole, tmp_path
):
    await client.run(give_nothing)
    report = await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session, stall=2.0)
    assert (report.complete, report.items) == (True, ROWS)
    assert server.calls["brief_results"] > whole.calls
    check(tmp_path / "r", whole)


async def test_a_worker_that_wakes_in_the_middle_sends_nothing_of_what_is_another_s(
    cluster, client, server, session, whole, tmp_path, caplog
):
    async def hang():
        await until(server, 60)
        with stopped(next(iter((await processes(client)).values()))):
            async with asyncio.timeout(20):
                while "gives no sign of life" not in caplog.text:  # noqa: ASYNC110  # the driver's own thread says it
                    await asyncio.sleep(0.05)

    report, _ = await asyncio.gather(
        export_results(cluster.address, BRIEFS, tmp_path / "r", session=session, stall=2.5), hang()
    )
    assert report.complete
    await cleared(tmp_path / "r")
    check(tmp_path / "r", whole)
    assert server.max_in_flight <= IN_FLIGHT


async def test_a_caller_that_is_cancelled_ends_the_workers_attempts(cluster, client, server, session, tmp_path):
    task = asyncio.create_task(export_results(cluster.address, BRIEFS, tmp_path / "r", session=session))
    await until(server, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    calls = server.calls["brief_results"]
    await idle(client)
    # What was on its way may still come in, and nothing else.
    assert server.calls["brief_results"] <= calls + IN_FLIGHT
    # What was brought and not yet published waits for the next run; of attempts in hand nothing is left, once a worker
    # that had just been given one has heard that nobody wants it.
    with contextlib.closing(Journal(tmp_path / "r" / ".aishoot" / "1-of-1" / "journal.sqlite")) as journal:
        brought = {unit.staged_as for unit in journal.units().values()}
    await cleared(tmp_path / "r", brought)
    report = await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session)
    assert report.complete
    assert staged(tmp_path / "r") == []


async def test_a_brief_that_kills_every_worker_fails_alone(cluster, client, server, session, tmp_path):
    """As one does that takes more memory than there is."""

    async def kill():
        for _ in range(4):
            while not server.calls["brief_results"]:  # noqa: ASYNC110  # no thread is to outlast the test
                await asyncio.sleep(0.02)
            for pid in (await processes(client)).values():
                os.kill(pid, signal.SIGKILL)
            server.reset_requests()

    server.add_fault(Fault(Delay(0.5), operation="brief_results"))
    killing = asyncio.create_task(kill())
    report = await export_results(cluster.address, [1], tmp_path / "r", session=session)
    killing.cancel()
    (outcome,) = report.outcomes
    assert (outcome.state, outcome.permanent) == ("failed", False)
    assert outcome.error.startswith("TransportError: brief_id=1 was lost")
