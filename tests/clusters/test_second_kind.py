"""Any kind of job runs on a cluster: here one that is ten lines long, and knows nothing of clusters."""

import pytest

from aishoot_async.clusters.dask import run_job
from aishoot_async.jobs import run_job as on_one_machine
from helpers.cluster import BRIEFS, ROWS, manifest, staged
from helpers.counting import count_job
from helpers.parts import contents, visible

pytestmark = pytest.mark.anyio


async def test_a_second_kind_of_job_runs_on_workers(cluster, server, session, tmp_path):
    seen = []
    job = count_job(session, BRIEFS, tmp_path / "c")
    report, refetched = await run_job(cluster.address, session, job, seen.append)
    assert (report.complete, report.items, refetched) == (True, ROWS, 0)
    assert {progress.briefs_total for progress in seen} == {len(BRIEFS)}
    await on_one_machine(session, count_job(session, BRIEFS, tmp_path / "one"))
    assert contents(tmp_path / "c") == contents(tmp_path / "one")
    assert manifest(tmp_path / "c") == manifest(tmp_path / "one")
    assert visible(tmp_path / "c") == visible(tmp_path / "one")
    assert staged(tmp_path / "c") == []
    server.reset_requests()
    again, _ = await run_job(cluster.address, session, job)
    assert (again.was_finished, server.calls["brief_results"]) == (True, 0)
