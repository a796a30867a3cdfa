"""An export on Dask is the export of one machine: the same parts, the same manifest, the same rules."""

import asyncio
import subprocess
import sys
import threading

import pytest

from aishoot_async import ConfigurationError, ExportError, RequestValidationError
from aishoot_async.clusters.dask import export_results
from aishoot_async.export import export_results as on_one_machine
from aishoot_async.sandbox import Fault, InsertRows, Status
from helpers.cluster import BRIEFS, IN_FLIGHT, ROWS, manifest, session_at, staged
from helpers.leaks import NothingLeft
from helpers.parts import contents, rows_of, visible

pytestmark = pytest.mark.anyio
FEW = range(1, 9)


async def test_it_is_the_export_of_one_machine(cluster, server, session, whole, tmp_path):
    seen = []
    report = await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session, on_progress=seen.append)
    assert (report.complete, report.items, report.refetched_pages) == (True, ROWS, 0)
    assert contents(tmp_path / "r") == contents(whole.folder)
    assert manifest(tmp_path / "r") == manifest(whole.folder)
    assert visible(tmp_path / "r") == visible(whole.folder)
    assert staged(tmp_path / "r") == []
    assert server.max_in_flight <= IN_FLIGHT
    # A worker's briefs share a session: what one has learned of the listing, the others know.
    assert server.calls["brief_results"] <= whole.calls + IN_FLIGHT
    assert {progress.briefs_total for progress in seen} == {len(BRIEFS)}
    assert max(progress.rows for progress in seen) <= ROWS
    server.reset_requests()
    again = await export_results(cluster.address, BRIEFS, tmp_path / "r", session=session)
    assert (again.was_finished, server.calls["brief_results"]) == (True, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["parquet", "jsonl.gz"])
async def test_formats(cluster, session, tmp_path, name):
    if name == "parquet":
        pytest.importorskip("pyarrow")
    await export_results(cluster.address, FEW, tmp_path / "r", session=session, format=name)
    await on_one_machine(session, FEW, tmp_path / "one", format=name)
    assert contents(tmp_path / "r") == contents(tmp_path / "one")
    assert len(contents(tmp_path / "r")) == len(FEW)


@pytest.mark.slow
async def test_each_goes_on_with_what_the_other_has_begun(cluster, server, session, whole, tmp_path):
    for name, first, second in (("a", on_cluster, on_machine), ("b", on_machine, on_cluster)):
        folder = tmp_path / name
        server.add_fault(Fault(Status(404), operation="brief_results", brief=64, page=4))
        report = await first(cluster, session, folder)
        assert [outcome.brief_id for outcome in report.failed] == [64]
        assert not (folder / "_SUCCESS").exists()
        (folder / ".aishoot" / "1-of-1" / "staging" / "lost").mkdir()
        server.clear_faults()
        server.reset_requests()
        again = await second(cluster, session, folder)
        assert again.complete
        assert {outcome.how for outcome in again.outcomes if outcome.brief_id != 64} == {"kept"}
        assert server.calls["brief_results"] < 10
        assert contents(folder) == contents(whole.folder)
        assert staged(folder) == []
        assert (folder / "_SUCCESS").exists()


async def on_cluster(cluster, session, folder, **options):
    return await export_results(cluster.address, BRIEFS, folder, session=session, **options)


async def on_machine(cluster, session, folder, **options):
    return await on_one_machine(session, BRIEFS, folder, **options)


async def test_a_failing_brief_does_not_stop_the_others(cluster, session, tmp_path):
    report = await export_results(cluster.address, [*FEW, 99], tmp_path / "r", session=session)
    assert [(outcome.brief_id, outcome.permanent) for outcome in report.failed] == [(99, True)]
    assert "NotFoundError" in report.failed[0].error
    assert len(contents(tmp_path / "r")) == len(FEW)
    assert not (tmp_path / "r" / "_SUCCESS").exists()


@pytest.mark.slow
async def test_refresh_replaces_what_has_changed_and_restart_begins_anew(cluster, server, session, tmp_path):
    await export_results(cluster.address, FEW, tmp_path / "r", session=session)
    server.insert_results(3, 0)
    report = await export_results(cluster.address, FEW, tmp_path / "r", session=session, refresh=True)
    assert [outcome.replaced for outcome in report.outcomes] == [0, 0, 1, 0, 0, 0, 0, 0]
    assert rows_of(tmp_path / "r", 3) == server.results(3)
    report = await export_results(cluster.address, [2], tmp_path / "r", session=session, restart=True)
    assert list(contents(tmp_path / "r")) == ["brief_id=2/part-00000.jsonl"]
    assert staged(tmp_path / "r") == []


@pytest.mark.slow
async def test_strict_and_changing_briefs(cluster, server, session, tmp_path):
    server.add_fault(Fault(InsertRows(brief=1), operation="brief_results", brief=1, page=2, times=1))
    report = await export_results(cluster.address, [1, 2], tmp_path / "r", session=session, strict=True)
    assert report.complete
    assert rows_of(tmp_path / "r", 1) == server.results(1)
    server.add_fault(Fault(InsertRows(brief=1), operation="brief_results", brief=1, page=2))
    report = await export_results(cluster.address, [1, 2], tmp_path / "s", session=session)
    assert [(outcome.brief_id, outcome.sweeps) for outcome in report.unstable] == [(1, 3)]


@pytest.mark.slow
async def test_shards_at_the_same_time_leave_each_other_alone(cluster, session, whole, tmp_path):
    reports = await asyncio.gather(
        *(
            export_results(cluster.address, BRIEFS, tmp_path / "r", session=session, shard=(number, 2), in_flight=8)
            for number in (1, 2)
        )
    )
    assert all(report.complete for report in reports)
    assert contents(tmp_path / "r") == contents(whole.folder)
    assert (tmp_path / "r" / "_SUCCESS").exists()
    assert staged(tmp_path / "r") == []


@pytest.mark.slow
async def test_any_client_will_do(cluster, client, session, tmp_path):
    from distributed import Client  # noqa: PLC0415

    async with NothingLeft():
        await export_results(client, [1], tmp_path / "asynchronous", session=session)
    threads = set(threading.enumerate())
    blocking = await asyncio.to_thread(Client, cluster.address, set_as_default=False)
    try:
        await export_results(blocking, [1], tmp_path / "synchronous", session=session)
    finally:
        await asyncio.to_thread(blocking.close)
    assert contents(tmp_path / "synchronous") == contents(tmp_path / "asynchronous")
    assert not {thread.name for thread in set(threading.enumerate()) - threads if "aishoot" in thread.name}


@pytest.mark.slow
async def test_without_a_session_the_environment_says_where(cluster, server, tmp_path, monkeypatch):
    monkeypatch.setenv("AISHOOT_TOKEN", server.token)
    monkeypatch.setenv("AISHOOT_BASE_URL", server.url)
    assert (await export_results(cluster.address, 1, tmp_path / "r")).items == 50


@pytest.mark.slow
async def test_a_folder_that_is_not_shared_is_said_to_be_none(cluster, client, session, tmp_path):
    # What the driver sees there, workers see elsewhere: as if the path were of another machine.
    def elsewhere(dask_worker):
        import aishoot_async.clusters._attempt as attempt  # noqa: PLC0415

        attempt.Path = lambda text: attempt.Kept(str(text) + ".other-machine")

    def keep(dask_worker):
        import pathlib  # noqa: PLC0415

        import aishoot_async.clusters._attempt as attempt  # noqa: PLC0415

        attempt.Kept = attempt.Path = pathlib.Path

    await client.run(keep)
    await client.run(elsewhere)
    try:
        with pytest.raises(ExportError, match="share with it, or an object store") as caught:
            await export_results(cluster.address, FEW, tmp_path / "r", session=session)
    finally:
        await client.run(keep)
    assert "tcp://" in str(caught.value)
    assert contents(tmp_path / "r") == {}


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"destination": "r.jsonl", "briefs": [1]}, RequestValidationError, "one file is for one brief"),
        ({"in_flight": 0}, ConfigurationError, "in_flight"),
        ({"window": True}, ConfigurationError, "window"),
        ({"stall": -1.0}, ConfigurationError, "stall"),
        ({"client": object()}, ConfigurationError, "client"),
        ({"client": "nowhere"}, ConfigurationError, "nowhere"),
        ({"client": "tcp://127.0.0.1:9"}, ExportError, "tcp://127.0.0.1:9 cannot be reached"),
        (
            {"destination": "s3://b/r", "store_options": {"credential_provider": lambda: None}},
            ConfigurationError,
            "sent to workers",
        ),
    ],
    ids=["file", "in_flight", "window", "stall", "object", "no-address", "nobody", "store"],
)
async def test_what_cannot_work_is_refused(cluster, session, tmp_path, monkeypatch, given, kind, said):
    import dask  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    pytest.importorskip("obstore")
    settings = {"client": cluster.address, "briefs": FEW, "destination": "r", "state": tmp_path / "state"} | given
    client, briefs, destination = (settings.pop(name) for name in ("client", "briefs", "destination"))
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), pytest.raises(kind, match=said):
        await export_results(client, briefs, destination, session=session, **settings)
    assert not (tmp_path / "r").exists()


async def test_a_context_of_ones_own_cannot_be_sent(cluster, server, tmp_path):
    import ssl  # noqa: PLC0415

    async with session_at(server, ssl=ssl.create_default_context()) as session:
        with pytest.raises(ConfigurationError, match="SSLContext"):
            await export_results(cluster.address, FEW, tmp_path / "r", session=session)


WITHOUT = """
import sys
sys.modules["distributed"] = None
import aishoot_async, aishoot_async.export
try:
    import aishoot_async.clusters.dask
except aishoot_async.ConfigurationError as error:
    print(error)
"""


def test_without_dask_it_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert "pip install 'aishoot-async[dask]'" in done.stdout
