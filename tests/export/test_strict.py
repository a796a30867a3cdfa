"""``strict=True``: what is written is what two walks have agreed on, whatever was read before."""

import pytest

from aishoot_async import UnstableListingError
from aishoot_async.export import export_results, export_skus
from aishoot_async.sandbox import Delay, DeleteRows, Fault, InsertRows, Sandbox, Status, ThreadedSandbox
from helpers.parts import contents, needs, options_for, rows_of, session_of, visible

pytestmark = pytest.mark.anyio
FORMATS = ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv"]
ALWAYS = Fault(InsertRows(brief=1, position=0, count=2), operation="brief_results", page=2, brief=1)
ONCE = Fault(DeleteRows(brief=1, position=0, count=2), operation="brief_results", page=2, brief=1, times=1)
# The number of rows stays: no total tells.
PAIRED = [
    Fault(DeleteRows(brief=1, position=0), operation="brief_results", page=2, brief=1, times=1),
    Fault(InsertRows(brief=1, position=10**6), operation="brief_results", page=2, brief=1, times=1),
]


@pytest.mark.parametrize("name", FORMATS)
async def test_what_stands_still_comes_to_the_same_bytes(tmp_path, name):
    needs(name)
    options = options_for(name)
    async with Sandbox(briefs={1: 165, 2: 33, 3: 0}, max_page_size=10) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2, 3], tmp_path / "usual", **options)
        sandbox.reset_requests()
        report = await export_results(session, [1, 2, 3], tmp_path / "strict", strict=True, **options)
        assert report.complete
        assert sandbox.calls["brief_results"] >= 2 * (17 + 4 + 1)
        assert contents(tmp_path / "strict") == contents(tmp_path / "usual")
        one, usual = tmp_path / f"one.{name}", tmp_path / f"usual.{name}"
        assert (await export_results(session, [1], one, strict=True, **options)).complete
        await export_results(session, [1], usual, **options)
        assert one.read_bytes() == usual.read_bytes()


async def test_the_skus(tmp_path):
    async with Sandbox(skus=230) as sandbox, session_of(sandbox) as session:
        await export_skus(session, tmp_path / "usual.jsonl")
        report = await export_skus(session, tmp_path / "strict.jsonl", strict=True)
        assert (report.complete, report.items) == (True, 230)
    assert (tmp_path / "strict.jsonl").read_bytes() == (tmp_path / "usual.jsonl").read_bytes()


@pytest.mark.parametrize("faults", [[ONCE], PAIRED], ids=["fewer rows", "as many rows"])
async def test_what_changes_during_one_pass_is_written_as_the_next_ones_agree(tmp_path, faults):
    async with Sandbox(briefs={1: 165}, max_page_size=10, faults=faults) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1], tmp_path / "r", strict=True)
        assert report.complete
        assert rows_of(tmp_path / "r", 1) == sandbox.results(1)


async def test_a_brief_that_keeps_changing_has_failed_and_the_others_have_not(tmp_path):
    briefs = {1: 165, 2: 33}
    async with Sandbox(briefs=briefs, max_page_size=10, faults=[ALWAYS]) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1, 2], tmp_path / "r", strict=True)
        assert [(outcome.state, outcome.permanent) for outcome in report.outcomes] == [
            ("failed", False),
            ("complete", False),
        ]
        assert "UnstableListingError" in (report.failed[0].error or "")
        assert visible(tmp_path / "r") == ["_manifest.ndjson", "brief_id=2"]
        with pytest.raises(UnstableListingError):
            await export_results(session, [1], tmp_path / "r.jsonl", strict=True)
        assert visible(tmp_path) == ["r"]
        sandbox.clear_faults()
        again = await export_results(session, [1, 2], tmp_path / "r", strict=True)
        assert [(outcome.state, outcome.how) for outcome in again.outcomes] == [
            ("complete", "fetched"),
            ("complete", "kept"),
        ]
        assert rows_of(tmp_path / "r", 1) == sandbox.results(1)


async def test_briefs_that_keep_changing_do_not_pass_for_an_outage(tmp_path):
    many = range(1, 31)
    faults = [Fault(InsertRows(brief=one, position=0), operation="brief_results", page=2, brief=one) for one in many]
    async with Sandbox(briefs=dict.fromkeys([*many, 99], 12), max_page_size=5, faults=faults) as sandbox:
        async with session_of(sandbox) as session:
            report = await export_results(session, [*many, 99], tmp_path / "r", strict=True)
    assert len(report.failed) == 30
    assert all("UnstableListingError" in (outcome.error or "") for outcome in report.failed)
    assert report.outcomes[-1].state == "complete"


async def test_what_was_read_otherwise_is_read_again_and_what_was_read_so_is_kept(tmp_path):
    async with Sandbox(briefs={1: 165}, max_page_size=10) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "r")
        first = await export_results(session, [1], tmp_path / "r", strict=True)
        assert [(outcome.how, outcome.replaced) for outcome in first.outcomes] == [("fetched", 0)]
        assert (await export_results(session, [1], tmp_path / "r", strict=True)).was_finished
        assert (await export_results(session, [1], tmp_path / "r")).was_finished


async def test_half_of_an_earlier_run_is_not_taken_for_what_two_passes_agreed_on(tmp_path):
    """The page that the earlier run read last still stands, and so does the total; a row before them does not."""
    fault = Fault(Status(503), operation="brief_results", page=9)
    async with Sandbox(briefs={1: 165}, max_page_size=10, faults=[fault]) as sandbox, session_of(sandbox) as session:
        options = {"prefetch": 1, "patience": 0}
        report = await export_results(session, [1], tmp_path / "r", **options)
        assert not report.complete
        sandbox.clear_faults()
        sandbox.delete_results(1, 3)
        sandbox.insert_results(1, 3)
        report = await export_results(session, [1], tmp_path / "r", strict=True)
        assert [(outcome.how, outcome.state) for outcome in report.outcomes] == [("fetched", "complete")]
        assert rows_of(tmp_path / "r", 1) == sandbox.results(1)


@pytest.mark.parametrize("name", FORMATS)
def test_killed_while_it_writes_it_comes_to_the_same_bytes(exports, small_pages, tmp_path, name):
    needs(name)
    options = {**options_for(name), "strict": True}
    whole = exports.run(small_pages, [1, 2, 3], tmp_path / "whole", **options)
    for step in (whole["steps"] // 3, whole["steps"] // 2, whole["steps"] - 1):
        folder = tmp_path / str(step)
        assert exports.run(small_pages, [1, 2, 3], folder, die_at=step, **options) == {"killed": True}
        assert exports.run(small_pages, [1, 2, 3], folder, **options)["complete"]
        assert contents(folder) == contents(tmp_path / "whole")


@pytest.mark.parametrize("number", [3, 12, 25])
def test_killed_in_the_middle_of_a_pass_it_begins_anew(exports, tmp_path, number):
    with ThreadedSandbox(briefs={1: 165, 2: 33}, max_page_size=10) as server:
        whole = exports.run(server, [1, 2], tmp_path / "whole", format="jsonl", strict=True)
        assert whole["complete"]
        server.reset_requests()
        server.add_fault(Fault(Delay(60), operation="brief_results", at=number, times=10**6))
        exports.start(server, [1, 2], tmp_path / "r", format="jsonl", strict=True)
        server.wait_for_calls(number, "brief_results", timeout=20)
        assert exports.kill() == {"killed": True}
        server.clear_faults()
        assert not list((tmp_path / "r").glob("brief_id=*"))
        last = exports.run(server, [1, 2], tmp_path / "r", format="jsonl", strict=True)
        assert [outcome["how"] for outcome in last["outcomes"]] == ["fetched", "fetched"]
        assert contents(tmp_path / "r") == contents(tmp_path / "whole")
