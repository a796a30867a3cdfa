"""All results of a brief in a file: whole, exact, or not there."""

import asyncio
import json

import pytest
from blockbuster import blockbuster_ctx

from aishoot_async import (
    ExportError,
    NotFoundError,
    PermissionDeniedError,
    RequestValidationError,
    RetryPolicy,
    ServerError,
)
from aishoot_async.export import ExportProgress, export_results, export_skus, lines
from aishoot_async.sandbox import Delay, DeleteRows, Fault, InsertRows, Sandbox, Status
from helpers.parts import session_of, visible

pytestmark = pytest.mark.anyio


def rows(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_each_line_is_what_the_server_sent(tmp_path):
    seen = []
    async with Sandbox(briefs={1: 250}) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1], tmp_path / "r.jsonl", on_progress=seen.append)
        sent = [await page async for page in raw_pages(session)]
    written = (tmp_path / "r.jsonl").read_bytes()
    assert written == b"".join(row + b"\n" for page in sent for row in page)
    assert (report.items, report.pages, report.bytes_written, report.complete) == (250, 3, len(written), True)
    assert seen[-1] == ExportProgress(
        brief_id=1, pages=3, items=250, total=250, briefs_total=1, rows=250, expected_rows=250, limit=64
    )
    assert visible(tmp_path) == ["r.jsonl"]


async def raw_pages(session):
    for number in (1, 2, 3):
        page = session.briefs.results(1, start=number, into=bytes)
        yield raw(page)


async def raw(pager):
    return (await pager).raw


async def test_a_pretty_printed_answer_loses_only_line_breaks_and_indentation(tmp_path):
    async with Sandbox(briefs={1: 120}) as compact, session_of(compact) as session:
        await export_results(session, [1], tmp_path / "compact.jsonl")
    async with Sandbox(briefs={1: 120}, pretty=True) as pretty, session_of(pretty) as session:
        await export_results(session, [1], tmp_path / "pretty.jsonl")
    assert (tmp_path / "pretty.jsonl").read_bytes() == (tmp_path / "compact.jsonl").read_bytes()


async def test_an_empty_brief_gives_an_empty_file(tmp_path):
    async with Sandbox(briefs={1: 0}) as sandbox, session_of(sandbox) as session:
        assert (await export_results(session, [1], tmp_path / "r.jsonl")).items == 0
    assert (tmp_path / "r.jsonl").read_bytes() == b""


async def test_a_file_is_replaced_only_when_the_new_one_is_whole(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("old")
    fault = Fault(Status(503), operation="brief_results", page=3)
    once = RetryPolicy(attempts=1)
    async with Sandbox(briefs={1: 250}, faults=[fault]) as sandbox, session_of(sandbox, retry=once) as session:
        with pytest.raises(ServerError) as caught:
            await export_results(session, [1], path, restart=True, patience=0)
        assert caught.value.cursor is not None
        assert path.read_text() == "old"
        sandbox.clear_faults()
        report = await export_results(session, [1], path)
        assert report.outcomes[0].how == "resumed"
    assert len(path.read_bytes().splitlines()) == 250


async def cancelled_at_page_two(sandbox, session, path):
    two_pages = asyncio.Event()

    def tell(progress):
        if progress.pages == 2:
            two_pages.set()

    sandbox.add_fault(Fault(Delay(60), operation="brief_results", page=3))
    task = asyncio.create_task(export_results(session, [1], path, on_progress=tell))
    await two_pages.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not path.exists()
    sandbox.clear_faults()
    sandbox.reset_requests()


async def test_a_cancelled_export_keeps_what_is_in_hand(tmp_path):
    async with Sandbox(briefs={1: 250}) as sandbox, session_of(sandbox) as session:
        await cancelled_at_page_two(sandbox, session, tmp_path / "r.jsonl")
        report = await export_results(session, [1], tmp_path / "r.jsonl")
        assert [(outcome.how, outcome.items) for outcome in report.outcomes] == [("resumed", 250)]
        assert [request.query["page"] for request in sandbox.requests][:2] == ["2", "3"]
        assert rows(tmp_path / "r.jsonl") == sandbox.results(1)


async def test_what_an_earlier_run_has_seen_to_change_is_read_anew(tmp_path):
    """A row came and another went: no total tells, only that a row of page 1 stood on page 2, too."""
    changes = [InsertRows(brief=1), DeleteRows(brief=1, position=250)]
    faults = [Fault(change, operation="brief_results", page=2, times=1) for change in changes]
    faults.append(Fault(Status(403), operation="brief_results", page=3, times=1))
    async with Sandbox(briefs={1: 250}, faults=faults) as sandbox, session_of(sandbox) as session:
        with pytest.raises(PermissionDeniedError):
            await export_results(session, [1], tmp_path / "r.jsonl", prefetch=1)
        report = await export_results(session, [1], tmp_path / "r.jsonl", prefetch=1)
        assert (report.complete, report.outcomes[0].items) == (True, 250)
        assert rows(tmp_path / "r.jsonl") == sandbox.results(1)


async def test_an_export_whose_listener_fails_keeps_what_is_in_hand(tmp_path):
    def tell(progress):
        if progress.pages == 2:
            raise ZeroDivisionError

    async with Sandbox(briefs={1: 250}) as sandbox, session_of(sandbox) as session:
        with pytest.raises(ZeroDivisionError):
            await export_results(session, [1], tmp_path / "r.jsonl", on_progress=tell)
        sandbox.reset_requests()
        report = await export_results(session, [1], tmp_path / "r.jsonl")
        assert [(outcome.how, outcome.items) for outcome in report.outcomes] == [("resumed", 250)]
        assert [request.query["page"] for request in sandbox.requests][:2] == ["2", "3"]
        assert rows(tmp_path / "r.jsonl") == sandbox.results(1)


async def test_a_cancelled_export_ends_no_block_that_would_not_have_ended(tmp_path):
    async with Sandbox(briefs={1: 250}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "whole.jsonl.gz")
        await cancelled_at_page_two(sandbox, session, tmp_path / "r.jsonl.gz")
        await export_results(session, [1], tmp_path / "r.jsonl.gz")
    assert (tmp_path / "r.jsonl.gz").read_bytes() == (tmp_path / "whole.jsonl.gz").read_bytes()


async def test_a_brief_that_always_changes_is_kept_as_unstable(tmp_path, caplog):
    fault = Fault(InsertRows(brief=1, position=0, count=5), operation="brief_results", page=2)
    async with Sandbox(briefs={1: 250}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1], tmp_path / "r.jsonl")
        assert not report.complete
        assert [(outcome.state, outcome.sweeps) for outcome in report.unstable] == [("unstable", 3)]
        assert len(caplog.records) == 2
        sandbox.clear_faults()
        again = await export_results(session, [1], tmp_path / "r.jsonl")
        assert again.complete
        assert rows(tmp_path / "r.jsonl") == sandbox.results(1)


async def test_a_brief_that_changes_once_is_read_again(tmp_path):
    fault = Fault(InsertRows(brief=1, position=0, count=5), operation="brief_results", page=2, times=1)
    async with Sandbox(briefs={1: 250}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1], tmp_path / "r.jsonl")
        assert (report.complete, report.outcomes[0].sweeps, report.items) == (True, 2, 255)
        assert rows(tmp_path / "r.jsonl") == sandbox.results(1)


async def test_an_unknown_brief_leaves_no_file(tmp_path):
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(NotFoundError):
            await export_results(session, [404], tmp_path / "r.jsonl")
    assert visible(tmp_path) == []


async def test_a_place_that_cannot_be_written_is_an_export_error(tmp_path):
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(ExportError, match="No such file"):
            await export_results(session, [1], tmp_path / "nowhere" / "r.jsonl")
        (tmp_path / "folder.jsonl").mkdir()
        with pytest.raises(ExportError, match=r"folder\.jsonl is there"):
            await export_results(session, [1], tmp_path / "folder.jsonl")
        with pytest.raises(ExportError, match="directory"):
            await export_results(session, [1], tmp_path / "folder.jsonl", restart=True)
        (tmp_path / "file").touch()
        with pytest.raises(ExportError, match="file"):
            await export_results(session, [1], tmp_path / "file")
        assert sandbox.calls["brief_results"] == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["file", "folder.jsonl"]


async def test_nothing_blocks_the_event_loop(tmp_path):
    async with Sandbox(briefs={1: 250, 2: 30}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "warm")
        with blockbuster_ctx(scanned_modules=["aishoot_async.export", "aishoot_async.jobs", "aishoot_async.storage"]):
            await export_results(session, [1, 2], tmp_path / "r", format="jsonl.gz")
    assert visible(tmp_path / "r") == ["_SUCCESS", "_manifest.ndjson", "brief_id=1", "brief_id=2"]


async def test_the_skus(tmp_path):
    async with Sandbox(skus=230) as sandbox, session_of(sandbox) as session:
        report = await export_skus(session, tmp_path / "skus")
        assert (report.items, report.outcomes[0].brief_id) == (230, None)
        assert rows(tmp_path / "skus" / "part-00000.jsonl") == sandbox.skus()
        assert (await export_skus(session, tmp_path / "skus")).was_finished
        wanted = sandbox.skus()[7]["id"]
        await export_skus(session, tmp_path / "one.jsonl", sku_id_filter=wanted)
        assert json.loads((tmp_path / "one.jsonl").read_bytes())["id"] == wanted
        with pytest.raises(ExportError, match="belongs to another export"):
            await export_skus(session, tmp_path / "one.jsonl")


@pytest.mark.parametrize(
    ("briefs", "name", "options", "field"),
    [
        ([1, 2], "r.jsonl", {}, "briefs"),
        ([], "r.jsonl", {}, "briefs"),
        (["1"], "r.jsonl", {}, "brief_id"),
        ([True], "r.jsonl", {}, "brief_id"),
        ([2**63], "r.jsonl", {}, "brief_id"),
        ([-(10**5000)], "r", {}, "brief_id"),
        ([1], "", {}, "destination"),
        ([1], "ftp://host/r.jsonl", {}, "destination"),
        ([1], "a\0b", {}, "destination"),
        ([1], "a\0b.jsonl", {}, "destination"),
        ([1], "a\ud800", {}, "destination"),
        ([1], "r.json", {}, "destination"),
        ([1], "r.json", {"format": "jsonl"}, "destination"),
        ([1], "r.NDJSON", {}, "destination"),
        ([1], "r.jsonl", {"format": "csv", "columns": ["id"]}, "format"),
        ([1], "r", {"format": "xml"}, "format"),
        ([1], "r.csv", {}, "columns"),
        ([1], "r.csv", {"columns": "id"}, "columns"),
        ([1], "r.csv", {"columns": ["a..b"]}, "columns"),
        ([1], "r.csv", {"columns": ["id", "id"]}, "columns"),
        ([1], "r.jsonl", {"columns": ["id"]}, "columns"),
        ([1], "r.jsonl", {"shard": (1, 2)}, "shard"),
        ([1], "r", {"shard": (0, 2)}, "shard"),
        ([1], "r", {"shard": "1/2"}, "shard"),
        ([1], "r", {"refresh": True, "restart": True}, "restart"),
    ],
)
async def test_bad_input_is_refused_before_any_call(tmp_path, briefs, name, options, field):
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(RequestValidationError) as caught:
            await export_results(
                session, briefs, str(tmp_path / name) if "://" not in name and name else name, **options
            )
        assert caught.value.field == field
        assert len(sandbox.requests) == 0
    assert list(tmp_path.iterdir()) == []


async def test_an_option_that_there_is_not_is_refused_as_python_does(tmp_path):
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'colums'.*columns"):
            await export_results(session, [1], tmp_path / "r.csv", colums=["id"])
        with pytest.raises(TypeError, match="shard"):
            await export_skus(session, tmp_path / "r", shard=(1, 2))
    assert list(tmp_path.iterdir()) == []


def test_lines_of_items_with_and_without_line_breaks():
    assert lines([]) == b""
    assert lines([b'{"a":1}', b'{"b":"\\n"}']) == b'{"a":1}\n{"b":"\\n"}\n'
    assert lines([b'{\r\n  "a": 1.50,\n "a": 12345678901234567890123}', b"{}"]) == (
        b'{"a":1.50,"a":12345678901234567890123}\n{}\n'
    )
