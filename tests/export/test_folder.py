"""Many briefs in a folder: one that fails does not stop the others, and what is not whole is not called so."""

import asyncio
import hashlib
import json

import pytest

from aishoot_async import AIShootSession, AuthenticationError, ExportError, RetryPolicy, SessionClosedError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Delay, Fault, RawBody, Sandbox, Status
from helpers.clock import LEAPING
from helpers.parts import contents, rows_of, session_of, visible

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)


async def test_a_folder_holds_each_brief_a_manifest_and_a_mark(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 250, 2: 0, 3: 7}) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [3, 1, 2, 1], folder)
        assert {brief: rows_of(folder, brief) for brief in (1, 2, 3)} == {
            brief: sandbox.results(brief) for brief in (1, 2, 3)
        }
    assert visible(folder) == ["_SUCCESS", "_manifest.ndjson", "brief_id=1", "brief_id=2", "brief_id=3"]
    assert [(outcome.brief_id, outcome.items, outcome.how) for outcome in report.outcomes] == [
        (1, 250, "fetched"),
        (2, 0, "fetched"),
        (3, 7, "fetched"),
    ]
    assert (report.complete, report.was_finished, report.items) == (True, False, 257)
    manifest = [json.loads(line) for line in (folder / "_manifest.ndjson").read_text().splitlines()]
    assert [(row["brief_id"], row["rows"], row["pages"], row["first_total"]) for row in manifest] == [
        (1, 250, 3, 250),
        (2, 0, 0, 0),
        (3, 7, 1, 7),
    ]
    part = manifest[0]["parts"][0]
    text = (folder / part["name"]).read_bytes()
    assert (part["bytes"], part["sha256"]) == (len(text), hashlib.sha256(text).hexdigest())


async def test_a_finished_folder_is_left_alone(tmp_path):
    async with Sandbox(briefs={1: 250, 2: 3}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], tmp_path / "r")
        times = {found: found.stat().st_mtime_ns for found in (tmp_path / "r").rglob("*") if found.is_file()}
        sandbox.reset_requests()
        report = await export_results(session, [1, 2], tmp_path / "r")
        assert (report.was_finished, report.complete, report.items) == (True, True, 253)
        assert sandbox.calls["brief_results"] == 0
    parts = {found: time for found, time in times.items() if ".aishoot" not in found.parts}
    assert {found: found.stat().st_mtime_ns for found in parts} == parts


async def test_one_bad_brief_does_not_stop_the_others(tmp_path):
    faults = [
        Fault(Status(503), operation="brief_results", brief=2),
        Fault(RawBody(b"<html>"), operation="brief_results", brief=3),
        Fault(Status(403), operation="brief_results", brief=4),
    ]
    folder = tmp_path / "r"
    async with Sandbox(briefs=dict.fromkeys(range(1, 6), 30), faults=faults) as sandbox:
        async with session_of(sandbox, retry=ONCE) as session:
            report = await export_results(session, [1, 2, 3, 4, 5, 404], folder, patience=0)
            assert [outcome.brief_id for outcome in report.outcomes if outcome.state == "complete"] == [1, 5]
            assert [(outcome.brief_id, outcome.permanent) for outcome in report.failed] == [
                (2, False),
                (3, True),
                (4, True),
                (404, True),
            ]
            assert "503" in (report.failed[0].error or "")
            assert visible(folder) == ["_manifest.ndjson", "brief_id=1", "brief_id=5"]
            sandbox.clear_faults()
            sandbox.add_brief(404, 1)
            again = await export_results(session, [1, 2, 3, 4, 5, 404], folder)
        assert [outcome.how for outcome in again.outcomes] == ["kept", *["fetched"] * 3, "kept", "fetched"]
        assert again.complete
        assert (folder / "_SUCCESS").exists()


async def test_a_refused_login_stops_all(tmp_path):
    async with Sandbox(briefs=dict.fromkeys(range(50), 1)) as sandbox:
        async with AIShootSession("stale", base_url=sandbox.url) as session:
            with pytest.raises(AuthenticationError):
                await export_results(session, range(50), tmp_path / "r")
        assert sandbox.calls["brief_results"] <= 16
    assert visible(tmp_path / "r") == []


async def test_a_closed_session_stops_all_and_what_is_done_is_kept(tmp_path):
    fault = Fault(Delay(60), operation="brief_results", brief=2)
    async with Sandbox(briefs={1: 30, 2: 30, 3: 30}, faults=[fault]) as sandbox:
        session = session_of(sandbox)
        task = asyncio.create_task(export_results(session, [1, 2, 3], tmp_path / "r"))
        await sandbox.wait_for_calls(3, "brief_results")
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await task
        sandbox.clear_faults()
        async with session_of(sandbox) as another:
            report = await export_results(another, [1, 2, 3], tmp_path / "r")
        assert report.complete
        assert rows_of(tmp_path / "r", 2) == sandbox.results(2)


async def test_a_service_that_fails_for_every_brief_is_not_asked_for_all_of_them(tmp_path):
    fault = Fault(Status(500), operation="brief_results")
    async with Sandbox(briefs=dict.fromkeys(range(200), 1), faults=[fault]) as sandbox:
        async with session_of(sandbox, retry=ONCE) as session:
            report = await export_results(session, range(200), tmp_path / "r", patience=0)
        assert len(report.failed) == 200
        assert not any(outcome.permanent for outcome in report.failed)
        assert sandbox.calls["brief_results"] < 40


@pytest.mark.parametrize("anyio_backend", [LEAPING])
async def test_an_outage_of_ten_minutes_is_ridden_out(tmp_path, anyio_backend):
    fault = Fault(Status(503), operation="brief_results", at=3, times=10**6)
    async with Sandbox(briefs={1: 950, 2: 30}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        loop.call_later(600, sandbox.clear_faults)
        report = await export_results(session, [1, 2], tmp_path / "r", prefetch=4)
        assert report.complete
        assert loop.time() - begun >= 600
        assert rows_of(tmp_path / "r", 1) == sandbox.results(1)
        # Retries of the first moments, then one look every 30 s.
        assert sandbox.calls["brief_results"] < 12 + 5 * 4 + 600 / 30 + 5


async def test_a_callback_that_raises_ends_the_export_as_itself(tmp_path):
    def tell(progress):
        raise ZeroDivisionError

    async with Sandbox(briefs={1: 30}) as sandbox, session_of(sandbox) as session:
        with pytest.raises(ZeroDivisionError):
            await export_results(session, [1], tmp_path / "r", on_progress=tell)
        assert (await export_results(session, [1], tmp_path / "r")).complete


async def test_progress_counts_all_briefs(tmp_path):
    seen = []
    async with Sandbox(briefs={1: 250, 2: 30}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], tmp_path / "r", on_progress=seen.append)
        assert (seen[-1].rows, seen[-1].expected_rows, seen[-1].briefs_total) == (280, 280, 2)
        assert [one.rows for one in seen] == sorted(one.rows for one in seen)
        sandbox.add_brief(3, 5)
        await export_results(session, [1, 2, 3], tmp_path / "r", refresh=True, on_progress=seen.append)
    assert (seen[-1].rows, seen[-1].briefs_total) == (285, 3)


async def test_a_part_that_was_taken_away_is_fetched_again(tmp_path):
    folder = tmp_path / "r"
    async with Sandbox(briefs={1: 30, 2: 30}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2], folder)
        before = contents(folder)
        (folder / "brief_id=2" / "part-00000.jsonl").unlink()
        report = await export_results(session, [1, 2], folder)
        assert [outcome.how for outcome in report.outcomes] == ["kept", "fetched"]
        assert contents(folder) == before
        (folder / "brief_id=2" / "part-00000.jsonl").write_text("mine\n")
        with pytest.raises(ExportError, match="was changed since"):
            await export_results(session, [1, 2], folder)
        assert (folder / "brief_id=2" / "part-00000.jsonl").read_text() == "mine\n"
