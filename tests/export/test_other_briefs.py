"""Other briefs than before: a folder has room for all, a file for one; what brought nothing owns no place."""

import contextlib
import json

import pytest

from aishoot_async import ExportError, LockedError, NotFoundError
from aishoot_async.export import export_results, export_skus, results_export
from aishoot_async.jobs._workspace import open_workspace
from aishoot_async.sandbox import Fault, Sandbox, Status
from helpers.parts import contents, rows_of, visible
from helpers.s3 import store_options
from helpers.s3_stub import BUCKET, S3Stub

pytestmark = pytest.mark.anyio
ROWS = {1: 25, 2: 3, 3: 14, 17: 5}


@pytest.fixture
async def sandbox():
    async with Sandbox(briefs=ROWS) as running:
        yield running


def manifest(folder):
    return {
        row["brief_id"]: row["complete"]
        for row in map(json.loads, (folder / "_manifest.ndjson").read_text().splitlines())
    }


# What each run names, how; then which briefs it fetches, which the manifest has, and whether the mark stands.
SEQUENCES = {
    "one more": [([1, 2], {}, [1, 2], [1, 2], True), ([1, 2, 3], {}, [3], [1, 2, 3], True)],
    "fewer": [([1, 2, 3], {}, [1, 2, 3], [1, 2, 3], True), ([1], {}, [], [1, 2, 3], True)],
    "another": [([1], {}, [1], [1], True), ([2], {}, [2], [1, 2], True), ([1, 2], {}, [], [1, 2], True)],
    "one more, then one alone": [
        ([1, 2], {}, [1, 2], [1, 2], True),
        ([1, 2, 3], {}, [3], [1, 2, 3], True),
        ([1], {}, [], [1, 2, 3], True),
        ([1], {"refresh": True}, [1], [1, 2, 3], True),
    ],
    "one more by a refresh": [([1, 2], {}, [1, 2], [1, 2], True), ([2, 3], {"refresh": True}, [2, 3], [1, 2, 3], True)],
    "a mistyped one": [([71], {}, [], [], False), ([17], {}, [17], [17], True)],
    "a mistyped one among others": [
        ([1, 71], {}, [1], [1], False),
        ([1, 17], {}, [17], [1, 17], True),
    ],
    "a mistyped one added": [
        ([1, 2], {}, [1, 2], [1, 2], True),
        ([1, 2, 71], {}, [], [1, 2], False),
        ([1, 2], {}, [], [1, 2], True),
    ],
    "begun anew with one": [([1, 2], {}, [1, 2], [1, 2], True), ([1], {"restart": True}, [1], [1], True)],
}


@pytest.mark.parametrize("runs", SEQUENCES.values(), ids=SEQUENCES)
async def test_a_folder_takes_other_briefs_and_fetches_only_what_is_missing(tmp_path, sandbox, session, runs):
    folder = tmp_path / "r"
    for briefs, how, fetched, listed, is_whole in runs:
        report = await export_results(session, briefs, folder, **how)
        assert [
            outcome.brief_id for outcome in report.outcomes if outcome.how == "fetched" and outcome.state == "complete"
        ] == fetched
        assert manifest(folder) == dict.fromkeys(listed, True)
        assert (folder / "_SUCCESS").exists() is is_whole
        for brief in listed:
            assert rows_of(folder, brief) == sandbox.results(brief)


@pytest.mark.parametrize("first", [{}, {"format": "csv", "columns": ["id"]}, {"format": "jsonl.gz"}, {"shard": (1, 2)}])
@pytest.mark.parametrize("fault", [404, 403, 503])
async def test_a_job_that_brought_nothing_does_not_own_the_folder(tmp_path, sandbox, session, first, fault):
    folder = tmp_path / "r"
    sandbox.add_fault(Fault(Status(fault), operation="brief_results"))
    await export_results(session, [71, 72], folder, patience=0, **first)
    sandbox.clear_faults()
    report = await export_results(session, [17], folder)
    assert report.complete
    assert visible(folder) == ["_SUCCESS", "_manifest.ndjson", "brief_id=17"]


@pytest.mark.parametrize("again", [{}, {"refresh": True}, {"restart": True}])
async def test_a_mistyped_brief_does_not_own_the_file(tmp_path, session, again):
    for name in ("r.jsonl", "r.jsonl.gz"):
        with pytest.raises(NotFoundError):
            await export_results(session, [71], tmp_path / name)
        assert (await export_results(session, [17], tmp_path / name, **again)).complete
        assert (await export_results(session, [17], tmp_path / name)).was_finished


async def test_results_that_brought_nothing_do_not_own_a_folder_of_skus(tmp_path, session):
    await export_results(session, [71], tmp_path / "r")
    assert (await export_skus(session, tmp_path / "r")).complete


async def test_a_store_is_not_owned_either(tmp_path, session):
    pytest.importorskip("obstore")
    async with S3Stub() as stub:
        options = {"store_options": store_options(stub.url), "state": tmp_path / "state"}
        for name in ("r", "r.jsonl"):
            url = f"s3://{BUCKET}/{name}"
            if name == "r":
                await export_results(session, [71], url, **options)
            else:
                with pytest.raises(NotFoundError):
                    await export_results(session, [71], url, **options)
            assert (await export_results(session, [17], url, **options)).complete


async def test_a_file_of_one_brief_is_another_ones_only_by_a_refresh(tmp_path, sandbox, session):
    path = tmp_path / "r.jsonl"
    await export_results(session, [1], path)
    before = path.read_bytes()
    with pytest.raises(ExportError, match="other briefs"):
        await export_results(session, [2], path)
    assert path.read_bytes() == before
    for brief in (2, 1, 2):
        assert (await export_results(session, [brief], path, refresh=True)).complete
        assert [json.loads(line) for line in path.read_text().splitlines()] == sandbox.results(brief)
        assert (await export_results(session, [brief], path)).was_finished


@pytest.mark.parametrize("name", ["r", "r.jsonl"])
@pytest.mark.parametrize("how", [{}, {"refresh": True}, {"format": "csv", "columns": ["id"]}])
async def test_what_somebody_has_put_there_meanwhile_is_not_written_over(tmp_path, session, name, how):
    if name == "r.jsonl" and "format" in how:
        name = "r"
    destination = tmp_path / name
    with contextlib.suppress(NotFoundError):  # raised where the brief is a file's only one
        await export_results(session, [71], destination)
    mine = destination if name == "r.jsonl" else destination / "part-00000.csv"
    mine.write_text("mine")
    if name == "r.jsonl" or "format" in how:
        with pytest.raises(ExportError, match="no journal"):
            await export_results(session, [17], destination, **how)
    else:
        await export_results(session, [17], destination, **how)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"format": "jsonl.gz"}, "format: jsonl there, jsonl.gz here"),
        ({"shard": (1, 2)}, "shards: 1 there, 2 here"),
        ({"format": "csv", "columns": ["id", "a"]}, "columns: none there, id, a here; format: jsonl there, csv here"),
    ],
)
async def test_what_was_brought_is_owned_and_the_difference_is_named(tmp_path, session, other, told):
    await export_results(session, [1, 71], tmp_path / "r")
    before = contents(tmp_path / "r")
    with pytest.raises(ExportError, match="belongs to another export") as caught:
        await export_results(session, [1], tmp_path / "r", **other)
    assert told in str(caught.value)
    assert "{" not in str(caught.value)
    assert contents(tmp_path / "r") == before


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "null", '"x"'])
async def test_a_job_file_that_says_nothing_is_refused(tmp_path, session, text):
    await export_results(session, [1], tmp_path / "r")
    (tmp_path / "r/.aishoot/job.json").write_text(text)
    with pytest.raises(ExportError, match=r"job\.json cannot be read"):
        await export_results(session, [1], tmp_path / "r")
    assert (await export_results(session, [1], tmp_path / "r", restart=True)).complete


async def test_a_damaged_journal_may_own_the_folder(tmp_path, session):
    await export_results(session, [71], tmp_path / "r")
    (tmp_path / "r/.aishoot/1-of-1/journal.sqlite").write_bytes(b"garbage")
    with pytest.raises(ExportError, match="belongs to another export"):
        await export_results(session, [1], tmp_path / "r", format="jsonl.gz")


async def test_a_job_at_work_owns_the_folder(tmp_path, session):
    workspace = open_workspace(results_export(session, [1], tmp_path / "r"))
    try:
        with pytest.raises(LockedError):
            await export_results(session, [1], tmp_path / "r", format="jsonl.gz")
        with pytest.raises(LockedError):
            await export_results(session, [1], tmp_path / "r", shard=(2, 2))
    finally:
        workspace.close()


def test_a_brief_that_is_published_by_half_keeps_the_mark_away(tmp_path, exports, small_pages):
    """Whoever names only the other brief then hears of it."""
    folder = tmp_path / "r"
    steps = exports.run(small_pages, [1], folder, format="jsonl")["steps"]
    small_pages.insert_results(1, 80)
    last = None
    for step in range(steps, 1, -1):
        exports.run(small_pages, [1], folder, format="jsonl", refresh=True, die_at=step)
        last = exports.run(small_pages, [2], folder, format="jsonl")
        states = {json.loads(row)["complete"] for row in (folder / "_manifest.ndjson").read_text().splitlines()}
        if (folder / "_SUCCESS").exists():
            assert states == {True}
            continue
        assert states == {True, False}
        break
    else:
        pytest.fail("no step left a brief published by half")
    assert last is not None
    assert exports.run(small_pages, [1, 2], folder, format="jsonl")["complete"]
    assert (folder / "_SUCCESS").exists()
    assert rows_of(folder, 1) == small_pages.results(1)
