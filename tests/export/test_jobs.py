"""Whose destination is it? Another job's, nobody's, or one with a damaged journal: refused, and nothing is touched."""

import asyncio
import os
import sqlite3

import pytest

from aishoot_async import ExportError, LockedError
from aishoot_async.export import export_results, export_skus
from aishoot_async.sandbox import Delay, Fault, Sandbox, ThreadedSandbox
from helpers.exporting import exporter
from helpers.parts import contents, rows_of, session_of, visible

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox():
    async with Sandbox(briefs={1: 120, 2: 30, 3: 5}) as running:
        yield running


@pytest.fixture
async def session(sandbox):
    async with session_of(sandbox) as open_session:
        yield open_session


def tree(folder):
    return {str(found.relative_to(folder)): found.read_bytes() for found in folder.rglob("*") if found.is_file()}


JOURNAL = ".aishoot/1-of-1/journal.sqlite"


@pytest.mark.parametrize("name", ["brief_id=7", "_SUCCESS", "_manifest.ndjson", "part-00000.jsonl"])
async def test_what_no_journal_knows_is_not_written_over(tmp_path, sandbox, session, name):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / name).write_text("mine")
    with pytest.raises(ExportError, match="restart=True"):
        await export_results(session, [1], tmp_path / "r")
    assert tree(tmp_path) == {f"r/{name}": b"mine"}
    assert sandbox.calls["brief_results"] == 0


async def test_other_files_in_a_folder_are_no_matter(tmp_path, session):
    (tmp_path / "README").write_text("mine")
    await export_results(session, [1], tmp_path)
    assert visible(tmp_path) == ["README", "_SUCCESS", "_manifest.ndjson", "brief_id=1"]


async def test_a_file_that_no_journal_knows_is_not_written_over(tmp_path, session):
    (tmp_path / "r.jsonl").write_text("mine")
    with pytest.raises(ExportError, match="restart=True"):
        await export_results(session, [1], tmp_path / "r.jsonl")
    assert tree(tmp_path) == {"r.jsonl": b"mine"}
    await export_results(session, [1], tmp_path / "r.jsonl", restart=True)
    assert len((tmp_path / "r.jsonl").read_bytes().splitlines()) == 120


async def test_another_job_is_refused(tmp_path, sandbox, session):
    await export_results(session, [1, 2], tmp_path / "r")
    before = tree(tmp_path)
    sandbox.reset_requests()
    with pytest.raises(ExportError, match="belongs to another export"):
        await export_results(session, [1, 2], tmp_path / "r", format="jsonl.gz")
    with pytest.raises(ExportError, match="belongs to another export"):
        await export_results(session, [1, 2], tmp_path / "r", shard=(1, 2))
    with pytest.raises(ExportError, match="belongs to another export"):
        await export_skus(session, tmp_path / "r")
    assert tree(tmp_path) == before
    assert sum(sandbox.calls.values()) == 0


async def test_a_server_of_this_machine_is_the_same_on_another_port(tmp_path, session):
    await export_results(session, [2], tmp_path / "r")
    async with Sandbox(briefs={2: 30}) as another, session_of(another) as other_session:
        assert (await export_results(other_session, [2], tmp_path / "r")).was_finished


async def test_restart_removes_what_the_job_has_written_and_nothing_else(tmp_path, session):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    (folder / "brief_id=2" / "mine.txt").write_text("mine")
    (folder / "mine.txt").write_text("mine")
    report = await export_results(session, [1], folder, format="jsonl.gz", restart=True)
    assert report.complete
    assert sorted(contents(folder)) == ["brief_id=1/part-00000.jsonl.gz"]
    assert (folder / "brief_id=2" / "mine.txt").exists()
    assert visible(folder) == ["_SUCCESS", "_manifest.ndjson", "brief_id=1", "brief_id=2", "mine.txt"]


def _truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def _empty(path):
    path.write_bytes(b"")


def _garbage(path):
    path.write_bytes(b"garbage" * 1000)


def _foreign(path):
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (id)")
    database.close()


def _newer(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def _row(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE unit SET record = '{}'")
    database.close()


def _deep_row(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE unit SET record = ?", ("[" * 200_000,))
    database.close()


def _page(path):
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"garbage" * 500)


def _gone(path):
    path.unlink()


@pytest.mark.parametrize("damage", [_truncate, _empty, _garbage, _foreign, _newer, _row, _deep_row, _page, _gone])
async def test_a_damaged_journal_is_refused(tmp_path, sandbox, session, damage):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    before = contents(folder)
    damage(folder / JOURNAL)
    sandbox.reset_requests()
    with pytest.raises(ExportError, match="restart=True"):
        await export_results(session, [1, 2], folder)
    assert contents(folder) == before
    assert visible(folder) == ["_SUCCESS", "_manifest.ndjson", "brief_id=1", "brief_id=2"]
    assert sandbox.calls["brief_results"] == 0
    assert (await export_results(session, [1, 2], folder, restart=True)).complete
    assert contents(folder) == before


DEEP = '{"format": ' + "[" * 200_000


@pytest.mark.parametrize(
    "text", [DEEP, "", "[]", "null", '{"format": []}', '{"format": "avro"}', "9" * 5000, "\ufeff{}"]
)
async def test_a_job_that_nobody_can_read_is_another_one(tmp_path, session, text):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    (folder / ".aishoot/job.json").write_text(text)
    with pytest.raises(ExportError, match=r"belongs to another export.*restart=True"):
        await export_results(session, [1, 2], folder)
    assert (await export_results(session, [1, 2], folder, restart=True)).complete


@pytest.mark.parametrize("text", ["[" * 200_000, "", "[]", "null\n", '{"rows": 1}\n', "9" * 5000, "\ufeff{}"])
async def test_what_only_has_the_name_of_an_earlier_manifest_is_left_alone(tmp_path, session, text):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    (folder / "_manifest.jsonl").write_text(text)
    assert (await export_results(session, [1, 2], folder, refresh=True)).complete
    assert (await export_results(session, [1, 2], folder, restart=True)).complete
    assert (folder / "_manifest.jsonl").read_text() == text


def test_a_second_process_is_turned_away(tmp_path, exports):
    """Promise 3: it stops at once, and the first is unharmed."""
    folder = tmp_path / "r"
    slow = Fault(Delay(3), operation="brief_results", page=2)
    with exporter() as second, ThreadedSandbox(briefs={1: 120, 2: 30}) as server:
        assert second.run(server, [2], tmp_path / "warm")["complete"]
        server.add_fault(slow)
        exports.start(server, [1, 2], folder, format="jsonl")
        server.wait_for_calls(4, "brief_results", timeout=20)
        refused = second.run(server, [1, 2], folder, format="jsonl")
        again = second.run(server, [1, 2], folder, format="jsonl", restart=True)
        assert exports.result()["complete"]
        assert {refused["error"], again["error"]} == {"LockedError"}
        assert "another export writes to" in refused["message"]
        assert rows_of(folder, 1) == server.results(1)
        assert exports.run(server, [1, 2], folder, format="jsonl")["outcomes"][0]["how"] == "kept"


async def test_a_second_export_of_the_same_process_is_turned_away(tmp_path, sandbox, session):
    sandbox.add_fault(Fault(Delay(60), operation="brief_results", page=2, times=1))
    task = asyncio.create_task(export_results(session, [1], tmp_path / "r.jsonl"))
    await sandbox.wait_for_calls(2, "brief_results")
    with pytest.raises(LockedError):
        await export_results(session, [1], tmp_path / "r.jsonl")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await export_results(session, [1], tmp_path / "r.jsonl")).complete
