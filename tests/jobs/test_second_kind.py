"""A kind of job of ten lines (`helpers.counting`) has all that the engine gives: none of it is in those lines."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aishoot_async import ConfigurationError, ExportError, JobError, LockedError
from aishoot_async.export import export_results
from aishoot_async.jobs import run_job
from aishoot_async.sandbox import Delay, Fault, Sandbox, Status, ThreadedSandbox
from helpers.counting import count_job
from helpers.parts import contents, journal_rows, session_of, visible

pytestmark = pytest.mark.anyio
ROWS = {brief: brief * 3 for brief in range(1, 13)}
WHOLE = {f"brief_id={brief}/part-00000.txt": b"%d\n" % rows for brief, rows in ROWS.items()}


@pytest.fixture
async def sandbox():
    async with Sandbox(briefs=ROWS) as running:
        yield running


@pytest.fixture
async def session(sandbox):
    async with session_of(sandbox) as open_session:
        yield open_session


async def count(session, destination, briefs=ROWS, **options):
    on_progress = options.pop("on_progress", None)
    return await run_job(session, count_job(session, list(briefs), destination, **options), on_progress)


async def test_it_is_run_and_reported(sandbox, session, tmp_path):
    seen = []
    report = await count(session, tmp_path / "c", on_progress=seen.append)
    assert (report.complete, report.items, len(report.outcomes)) == (True, sum(ROWS.values()), len(ROWS))
    assert contents(tmp_path / "c") == WHOLE
    assert {name for name in visible(tmp_path / "c") if name.startswith("_")} == {"_SUCCESS", "_manifest.ndjson"}
    manifest = [json.loads(line) for line in (tmp_path / "c" / "_manifest.ndjson").read_text().splitlines()]
    assert {row["brief_id"]: row["rows"] for row in manifest} == ROWS
    assert seen[-1].briefs_total == len(ROWS)
    assert max(progress.rows for progress in seen) == sum(ROWS.values())
    sandbox.reset_requests()
    again = await count(session, tmp_path / "c")
    assert (again.was_finished, sandbox.calls["brief_results"]) == (True, 0)


async def test_a_brief_that_fails_does_not_stop_the_others(sandbox, session, tmp_path):
    sandbox.add_fault(Fault(Status(404), operation="brief_results", brief=7))
    report = await count(session, tmp_path / "c")
    assert [outcome.brief_id for outcome in report.failed] == [7]
    assert not (tmp_path / "c" / "_SUCCESS").exists()
    sandbox.clear_faults()
    assert (await count(session, tmp_path / "c")).complete
    assert contents(tmp_path / "c") == WHOLE


async def test_a_refresh_replaces_what_has_changed(sandbox, session, tmp_path):
    await count(session, tmp_path / "c")
    sandbox.insert_results(3, 0)
    report = await count(session, tmp_path / "c", refresh=True)
    assert [outcome.brief_id for outcome in report.outcomes if outcome.replaced] == [3]
    assert contents(tmp_path / "c")["brief_id=3/part-00000.txt"] == b"10\n"


async def test_another_kind_s_destination_is_refused(session, tmp_path):
    await count(session, tmp_path / "c")
    with pytest.raises(ExportError, match="belongs to another export"):
        await export_results(session, list(ROWS), tmp_path / "c")
    await export_results(session, [1], tmp_path / "r")
    with pytest.raises(JobError, match=r"belongs to another count \(.*kind: results there, counts here"):
        await count(session, tmp_path / "r")
    await count(session, tmp_path / "r", restart=True)
    assert contents(tmp_path / "r") == WHOLE


async def test_shards_come_to_the_whole(session, tmp_path):
    for number in (1, 2, 3):
        assert not (tmp_path / "c" / "_SUCCESS").exists()
        await count(session, tmp_path / "c", shard=(number, 3))
    assert contents(tmp_path / "c") == WHOLE
    assert (tmp_path / "c" / "_SUCCESS").exists()


async def test_an_object_store_will_do(session, s3, bucket, tmp_path):
    from helpers.s3 import objects, store_options  # noqa: PLC0415  # an extra

    options = {"store_options": store_options(s3), "state": tmp_path / "state"}
    assert (await count(session, f"s3://{bucket}/c", **options)).complete
    found = objects(s3, bucket)
    assert {name.removeprefix("c/"): text for name, text in found.items() if "part-" in name} == WHOLE
    assert (tmp_path / "state" / "counts").exists()


def test_it_is_locked_and_goes_on_after_it_was_killed(tmp_path):
    with ThreadedSandbox(briefs=ROWS, faults=[Fault(Delay(60), operation="brief_results", brief=11)]) as server:
        command = [sys.executable, "-m", "helpers.counting", server.url, server.token, str(tmp_path / "c")]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen([*command, *map(str, ROWS)], env=environment) as process:
            until(lambda: finished(tmp_path / "c") == len(ROWS) - 1)  # all but brief 11, which it waits for
            with pytest.raises(LockedError, match="another count writes"):
                asyncio.run(_count(server, tmp_path / "c"))
            process.send_signal(signal.SIGKILL)
        assert not (tmp_path / "c" / "_SUCCESS").exists()
        server.clear_faults()
        server.reset_requests()
        report = asyncio.run(_count(server, tmp_path / "c"))
        assert report.complete
        assert contents(tmp_path / "c") == WHOLE
        assert [outcome.brief_id for outcome in report.outcomes if outcome.how != "kept"] == [11]
        assert {request.path.split("/")[-2] for request in server.requests} == {"11"}


def until(is_true):
    give_up = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def finished(destination):
    return sum(row["state"] == "done" for row in journal_rows(destination / ".aishoot"))


async def _count(server, destination):
    async with session_of(server) as session:
        return await count(session, destination)


async def test_options_that_cannot_be_right_are_refused(session, tmp_path):
    with pytest.raises(ConfigurationError):
        await count(session, tmp_path / "c", prefetch="many")
    assert not (tmp_path / "c").exists()
