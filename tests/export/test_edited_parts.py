"""Parts that somebody has changed: a refresh replaces them, whatever was done; any other run refuses to."""

import os

import pytest

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Fault, Sandbox, Status
from helpers.parts import contents, options_for
from helpers.s3 import objects, other_client, store_options

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox():
    async with Sandbox(briefs={1: 25, 2: 3}) as running:
        yield running


def longer(path):
    with path.open("ab") as file:
        file.write(b"\n")


def shorter(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def same_size(path):
    text = path.read_bytes()
    path.write_bytes(text[:-2] + bytes([text[-2] ^ 1]) + text[-1:])


def same_size_and_time(path):
    before = path.stat()
    same_size(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def removed(path):
    path.unlink()


def link_to_another_file(path):
    elsewhere = path.parents[2] / "elsewhere"
    elsewhere.write_text("mine")
    path.unlink()
    path.symlink_to(elsewhere)


def link_to_a_folder(path):
    path.unlink()
    path.symlink_to(path.parents[2])


def link_to_nothing(path):
    path.unlink()
    path.symlink_to("nothing")


def link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


EDITS = [longer, shorter, empty, same_size, same_size_and_time, removed]
LINKS = [link_to_another_file, link_to_a_folder, link_to_nothing, link_to_itself]


@pytest.mark.parametrize("edit", [*EDITS, *LINKS])
@pytest.mark.parametrize("name", ["jsonl", "csv"])
async def test_a_refresh_replaces_an_edited_part(tmp_path, session, edit, name):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder, **options_for(name))
    before = contents(folder)
    path = folder / "brief_id=1" / f"part-00000.{name}"
    edit(path)
    report = await export_results(session, [1, 2], folder, refresh=True, **options_for(name))
    assert report.complete
    assert [outcome.replaced for outcome in report.outcomes] == [1, 0]
    assert contents(folder) == before
    assert not path.is_symlink()
    assert (folder / "_SUCCESS").exists()


async def test_what_a_link_leads_to_is_not_written_to(tmp_path, session):
    await export_results(session, [1], tmp_path / "r")
    link_to_another_file(tmp_path / "r" / "brief_id=1" / "part-00000.jsonl")
    await export_results(session, [1], tmp_path / "r", refresh=True)
    assert (tmp_path / "elsewhere").read_text() == "mine"


@pytest.mark.parametrize("edit", EDITS)
async def test_a_refresh_replaces_an_edited_file(tmp_path, session, edit):
    path = tmp_path / "r.jsonl"
    await export_results(session, [1], path)
    before = path.read_bytes()
    edit(path)
    assert (await export_results(session, [1], path, refresh=True)).replaced == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("edit", [longer, shorter, empty, link_to_another_file])
async def test_any_other_run_refuses_and_says_what_to_do(tmp_path, sandbox, session, edit):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    edit(folder / "brief_id=1" / "part-00000.jsonl")
    before = contents(folder)
    sandbox.reset_requests()
    with pytest.raises(ExportError, match=r"part-00000\.jsonl.*changed since.*refresh=True fetches") as caught:
        await export_results(session, [1, 2], folder)
    assert "restart" not in str(caught.value)
    with pytest.raises(ExportError, match=r"refresh=True that names brief 1 too"):
        await export_results(session, [2], folder, refresh=True)
    assert contents(folder) == before
    assert sandbox.calls["brief_results"] == 0
    assert (await export_results(session, [1], folder, refresh=True)).complete


@pytest.mark.parametrize("what", ["folder", "pipe", "parent"])
async def test_what_is_no_file_is_refused_before_anything_is_fetched(tmp_path, sandbox, session, what):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    path = folder / "brief_id=1" / "part-00000.jsonl"
    path.unlink()
    if what == "folder":
        path.mkdir()
        (path / "mine").touch()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.parent.rmdir()
        path.parent.touch()
    sandbox.reset_requests()
    with pytest.raises(ExportError, match="move it away"):
        await export_results(session, [1, 2], folder, refresh=True)
    assert sandbox.calls["brief_results"] == 0


async def test_a_part_edited_after_an_interrupted_refresh_is_replaced_too(tmp_path, sandbox, session):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    sandbox.add_fault(Fault(Status(503), operation="brief_results", brief=2))
    await export_results(session, [1, 2], folder, refresh=True, patience=0)
    before = contents(folder)
    longer(folder / "brief_id=1" / "part-00000.jsonl")
    sandbox.clear_faults()
    assert (await export_results(session, [1, 2], folder, refresh=True)).complete
    assert contents(folder) == before


async def test_an_edited_part_whose_brief_is_gone_is_not_in_the_manifest(tmp_path, sandbox, session):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    longer(folder / "brief_id=1" / "part-00000.jsonl")
    sandbox.add_fault(Fault(Status(404), operation="brief_results", brief=1))
    report = await export_results(session, [1, 2], folder, refresh=True)
    assert [outcome.state for outcome in report.outcomes] == ["failed", "complete"]
    assert b'"brief_id": 1' not in (folder / "_manifest.ndjson").read_bytes()
    assert not (folder / "_SUCCESS").exists()


@pytest.mark.parametrize("content", [b"", b"mine\n", None])
async def test_in_a_store_too(s3, bucket, tmp_path, session, content):
    options = {"store_options": store_options(s3), "state": tmp_path / "state"}
    url, key = f"s3://{bucket}/r", "r/brief_id=1/part-00000.jsonl"
    await export_results(session, [1, 2], url, **options)
    before = objects(s3, bucket)
    if content is None:
        other_client(s3).delete_object(Bucket=bucket, Key=key)
    else:
        other_client(s3).put_object(Bucket=bucket, Key=key, Body=content)
        with pytest.raises(ExportError, match="changed since"):
            await export_results(session, [1, 2], url, **options)
    assert (await export_results(session, [1, 2], url, refresh=True, **options)).complete
    assert {name: body for name, body in objects(s3, bucket).items() if "manifest" not in name} == {
        name: body for name, body in before.items() if "manifest" not in name
    }
