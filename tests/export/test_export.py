"""All results of a brief in a file: whole, exact, or not there."""

import asyncio
import json
import resource
import signal

import pytest

from aishoot_async import AIShootSession, ExportError, NotFoundError, RequestValidationError, RetryPolicy, ServerError
from aishoot_async.export import ExportProgress, export_results, lines
from aishoot_async.sandbox import Delay, Fault, InsertRows, Sandbox, Status

pytestmark = pytest.mark.anyio


def session_for(sandbox, **options):
    return AIShootSession(sandbox.token, base_url=sandbox.url, **options)


def rendered(rows):
    return b"".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for row in rows)


async def test_each_line_is_what_the_server_sent(tmp_path):
    seen = []
    async with Sandbox(briefs={1: 250}) as sandbox, session_for(sandbox) as session:
        report = await export_results(session, [1], tmp_path / "r.jsonl", on_progress=seen.append)
        sent = [await page async for page in raw_pages(session)]
    written = (tmp_path / "r.jsonl").read_bytes()
    assert written == b"".join(row + b"\n" for page in sent for row in page)
    assert (report.items, report.pages, report.bytes_written, report.complete) == (250, 3, len(written), True)
    assert seen[-1] == ExportProgress(brief_id=1, pages=3, items=250, total=250)
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]


async def raw_pages(session):
    for number in (1, 2, 3):
        page = session.briefs.results(1, start=number, into=bytes)
        yield raw(page)


async def raw(pager):
    return (await pager).raw


async def test_a_pretty_printed_answer_loses_only_line_breaks_and_indentation(tmp_path):
    async with Sandbox(briefs={1: 120}) as compact, session_for(compact) as session:
        await export_results(session, [1], tmp_path / "compact.jsonl")
    async with Sandbox(briefs={1: 120}, pretty=True) as pretty, session_for(pretty) as session:
        await export_results(session, [1], tmp_path / "pretty.jsonl")
    assert (tmp_path / "pretty.jsonl").read_bytes() == (tmp_path / "compact.jsonl").read_bytes()


async def test_an_empty_brief_gives_an_empty_file(tmp_path):
    async with Sandbox(briefs={1: 0}) as sandbox, session_for(sandbox) as session:
        assert (await export_results(session, [1], tmp_path / "r.jsonl")).items == 0
    assert (tmp_path / "r.jsonl").read_bytes() == b""


async def test_a_file_is_replaced_only_when_the_new_one_is_whole(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("old")
    fault = Fault(Status(503), operation="brief_results", page=3)
    once = RetryPolicy(attempts=1)
    async with Sandbox(briefs={1: 250}, faults=[fault]) as sandbox, session_for(sandbox, retry=once) as session:
        with pytest.raises(ServerError) as caught:
            await export_results(session, [1], path)
        assert caught.value.cursor is not None
        assert path.read_text() == "old"
        assert [found.name for found in tmp_path.iterdir()] == ["r.jsonl"]
        sandbox.clear_faults()
        await export_results(session, [1], path)
    assert len(path.read_bytes().splitlines()) == 250


async def test_a_cancelled_export_leaves_nothing(tmp_path):
    fault = Fault(Delay(60), operation="brief_results", page=3)
    async with Sandbox(briefs={1: 250}, faults=[fault]) as sandbox, session_for(sandbox) as session:
        task = asyncio.create_task(export_results(session, [1], tmp_path / "r.jsonl"))
        await sandbox.wait_for_calls(3, "brief_results")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(tmp_path.iterdir()) == []


async def test_a_brief_that_changes_is_not_called_complete(tmp_path, caplog):
    fault = Fault(InsertRows(brief=1, position=0, count=5), operation="brief_results", page=2)
    async with Sandbox(briefs={1: 250}, faults=[fault]) as sandbox, session_for(sandbox) as session:
        report = await export_results(session, [1], tmp_path / "r.jsonl")
    assert not report.complete
    assert len(caplog.records) == 1


async def test_an_unknown_brief_leaves_no_file(tmp_path):
    async with Sandbox() as sandbox, session_for(sandbox) as session:
        with pytest.raises(NotFoundError):
            await export_results(session, [404], tmp_path / "r.jsonl")
    assert list(tmp_path.iterdir()) == []


async def test_a_place_that_cannot_be_written_is_an_export_error(tmp_path):
    async with Sandbox() as sandbox, session_for(sandbox) as session:
        with pytest.raises(ExportError, match="No such file"):
            await export_results(session, [1], tmp_path / "nowhere" / "r.jsonl")
        (tmp_path / "folder.jsonl").mkdir()
        with pytest.raises(ExportError, match="directory"):
            await export_results(session, [1], tmp_path / "folder.jsonl")
        assert [path.name for path in tmp_path.iterdir()] == ["folder.jsonl"]


async def test_a_full_disk_is_an_export_error_and_leaves_nothing(tmp_path):
    # A limit on the size of files stands in for the end of the disk.
    kept, action = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, kept[1]))
    try:
        async with Sandbox() as sandbox, session_for(sandbox) as session:
            with pytest.raises(ExportError, match="too large"):
                await export_results(session, [1], tmp_path / "r.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, action)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("briefs", "name", "options", "field"),
    [
        ([1, 2], "r.jsonl", {}, "briefs"),
        ([], "r.jsonl", {}, "briefs"),
        (["1"], "r.jsonl", {}, "brief_id"),
        ([True], "r.jsonl", {}, "brief_id"),
        ([1], "r.parquet", {}, "destination"),
        ([1], "r.jsonl", {"format": "parquet"}, "format"),
    ],
)
async def test_bad_input_is_refused_before_any_call(tmp_path, briefs, name, options, field):
    async with Sandbox() as sandbox, session_for(sandbox) as session:
        with pytest.raises(RequestValidationError) as caught:
            await export_results(session, briefs, tmp_path / name, **options)
        assert caught.value.field == field
        assert len(sandbox.requests) == 0
    assert list(tmp_path.iterdir()) == []


def test_lines_of_items_with_and_without_line_breaks():
    assert lines([]) == b""
    assert lines([b'{"a":1}', b'{"b":"\\n"}']) == b'{"a":1}\n{"b":"\\n"}\n'
    assert lines([b'{\r\n  "a": 1.50,\n "a": 12345678901234567890123}', b"{}"]) == (
        b'{"a":1.50,"a":12345678901234567890123}\n{}\n'
    )
