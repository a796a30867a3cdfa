"""Object stores: workers stage in the store itself, the driver copies, and nothing of the staging is left."""

import asyncio
import os
import signal

import pytest

from aishoot_async import ExportError
from aishoot_async.clusters.dask import export_results
from aishoot_async.export import ResultsExport
from aishoot_async.export import export_results as on_one_machine
from aishoot_async.jobs import JobWorkspace
from helpers.cluster import cluster_of_two, processes
from helpers.parts import contents
from helpers.s3 import SECRET, objects, other_client, store_options

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
FEW = range(1, 17)


@pytest.fixture
def cluster(tmp_path_factory):
    """Start a cluster for each test: none has workers that another has killed."""
    with cluster_of_two(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def options(s3, tmp_path):
    return {"store_options": store_options(s3), "state": tmp_path / "state"}


def parts(found):
    return {name.removeprefix("r/"): text for name, text in found.items() if "part-" in name}


async def test_a_prefix_holds_what_a_folder_would(cluster, client, server, session, tmp_path, s3, bucket, options):
    theirs = "r/_staging/theirs/part-00000.staged"  # another's, of whatever meaning
    other_client(s3).put_object(Bucket=bucket, Key=theirs, Body=b"theirs")
    await on_one_machine(session, FEW, tmp_path / "one")

    async def kill():
        await asyncio.to_thread(server.wait_for_calls, 50, "brief_results", timeout=20)
        os.kill(next(iter((await processes(client)).values())), signal.SIGKILL)

    server.reset_requests()
    report, _ = await asyncio.gather(
        export_results(cluster.address, FEW, f"s3://{bucket}/r", session=session, **options), kill()
    )
    assert report.complete
    found = objects(s3, bucket)
    assert found.pop(theirs) == b"theirs"
    assert parts(found) == contents(tmp_path / "one")
    assert set(found) - {f"r/{name}" for name in parts(found)} == {"r/_SUCCESS", "r/_manifest.ndjson"}
    assert SECRET not in cluster.log.read_text()
    again = await on_one_machine(session, FEW, f"s3://{bucket}/r", **options)
    assert again.was_finished


async def test_one_machine_publishes_what_workers_have_staged(
    cluster, session, tmp_path, s3, bucket, options, monkeypatch
):
    """The driver is lost between the journal that says that a brief is staged, and its publication."""

    def lost(*arguments):
        raise ExportError("lost")

    monkeypatch.setattr(ResultsExport, "publish", lost)
    monkeypatch.setattr(JobWorkspace, "remove_unwanted", lambda self: None)
    with pytest.raises(ExportError, match="lost"):
        await export_results(cluster.address, FEW, f"s3://{bucket}/r", session=session, **options)
    monkeypatch.undo()
    assert any("_staging/1-of-1/" in name for name in objects(s3, bucket))
    report = await on_one_machine(session, FEW, f"s3://{bucket}/r", **options)
    assert "resumed" in {outcome.how for outcome in report.outcomes}
    await on_one_machine(session, FEW, tmp_path / "one")
    assert parts(objects(s3, bucket)) == contents(tmp_path / "one")


async def test_the_end_of_a_caller_leaves_nothing_in_the_store(cluster, server, session, s3, bucket, options):
    task = asyncio.create_task(
        export_results(cluster.address, range(1, 65), f"s3://{bucket}/r", session=session, **options)
    )
    await asyncio.to_thread(server.wait_for_calls, 60, "brief_results", timeout=20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [name for name in objects(s3, bucket) if "_staging" in name]


async def test_a_store_that_workers_cannot_reach_is_said_to_be_none(cluster, session, s3, bucket, options):
    await export_results(cluster.address, [1], f"s3://{bucket}/r", session=session, **options)
    wrong = store_options(s3)
    wrong["config"]["aws_secret_access_key"] = SECRET + "-too"
    report = await export_results(
        cluster.address, [2], f"s3://{bucket}/s", session=session, state=options["state"], store_options=wrong
    )
    assert report.complete  # the server checks no signature: what counts is that the options arrived
    assert SECRET not in cluster.log.read_text()
