"""Destinations that are not what they seem, and what somebody has done to them: put right, or refused in words."""

import json
import os
import shutil
import socket
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Sandbox
from aishoot_async.storage.destinations import empty_folder
from helpers.parts import contents, rows_of, session_of, visible

pytestmark = pytest.mark.anyio
PART = "brief_id=1/part-00000.jsonl"


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 120, 2: 30}) as sandbox, session_of(sandbox) as open_session:
        yield open_session


def _pipe(path):
    os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path))  # which has to be short


@pytest.mark.parametrize("make", [_pipe, _socket])
@pytest.mark.parametrize("restart", [False, True])
async def test_what_is_no_regular_file_is_not_replaced_by_one(tmp_path, session, monkeypatch, make, restart):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "r.jsonl")
    with pytest.raises(ExportError, match="no regular file" if restart else "restart=True"):
        await export_results(session, [1], tmp_path / "r.jsonl", restart=restart)
    assert not (tmp_path / "r.jsonl").is_file()
    assert visible(tmp_path) == ["r.jsonl"]


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
async def test_a_device_is_no_folder(session, device):
    with pytest.raises(ExportError, match="it is no folder"):
        await export_results(session, [1], device)


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_link_to_a_file_is_followed_and_stays(tmp_path, session, is_there):
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "r.jsonl"
    target.parent.mkdir()
    if is_there:
        target.write_text("mine")
    link.symlink_to(target)
    if is_there:
        with pytest.raises(ExportError, match="restart=True"):
            await export_results(session, [1], link)
    report = await export_results(session, [1], link, restart=is_there)
    assert report.complete
    assert link.is_symlink()
    assert len(target.read_bytes().splitlines()) == 120
    assert (await export_results(session, [1], link)).was_finished


async def test_a_link_to_a_folder_is_that_folder(tmp_path, session):
    (tmp_path / "target").mkdir()
    (tmp_path / "r").symlink_to(tmp_path / "target")
    assert (await export_results(session, [1], tmp_path / "r")).complete
    assert (tmp_path / "target" / "_SUCCESS").exists()
    assert (await export_results(session, [1], tmp_path / "target")).was_finished


@pytest.mark.parametrize("target", ["nothing", "r"])
async def test_a_link_to_nothing_or_to_itself_is_no_folder(tmp_path, session, target):
    (tmp_path / "r").symlink_to(tmp_path / target)
    with pytest.raises(ExportError, match="put that right"):
        await export_results(session, [1], tmp_path / "r")
    assert visible(tmp_path) == ["r"]


@pytest.mark.parametrize("name", ["a\nb", "a b", "ä", "a\x1b[31m", "a\udcff", "%2F", "-rf", "*"])
async def test_any_name_that_a_system_takes_will_do(tmp_path, session, name):
    assert (await export_results(session, [1], tmp_path / name)).complete
    assert (tmp_path / name / "_SUCCESS").exists()
    assert (await export_results(session, [1], tmp_path / f"{name}.jsonl.gz")).complete


async def test_a_name_that_is_too_long_is_an_export_error(tmp_path, session):
    for name in ("x" * 300, "x" * 250 + ".jsonl"):
        with pytest.raises(ExportError, match="too long"):
            await export_results(session, [1], tmp_path / name)
    assert visible(tmp_path) == []


def _file(path):
    path.parent.mkdir(parents=True)
    path.write_text("mine")


def _folder(path):
    path.mkdir(parents=True)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        (".aishoot", _file),
        (".aishoot/lock", _folder),
        (".aishoot/job.json", _folder),
        (".aishoot/1-of-1", _file),
        (".aishoot/1-of-1/lock", _folder),
        (".aishoot/1-of-1/journal.sqlite", _folder),
        ("brief_id=1", _file),
    ],
)
async def test_what_lies_in_the_way_is_an_export_error(tmp_path, session, name, make):
    make(tmp_path / "r" / name)
    with pytest.raises(ExportError):
        await export_results(session, [1], tmp_path / "r")
    shutil.rmtree(tmp_path / "r")
    assert (await export_results(session, [1], tmp_path / "r")).complete


async def test_a_part_edited_by_hand_is_put_right_by_a_refresh(tmp_path, session):
    """Its size is what it was, so no other run would know."""
    for folder, part in ((tmp_path / "r", tmp_path / "r" / PART), (tmp_path / "r.jsonl", tmp_path / "r.jsonl")):
        await export_results(session, [1], folder)
        before = part.read_bytes()
        part.write_bytes(before.replace(b"result", b"RESULT", 1) if b"result" in before else before[::-1])
        report = await export_results(session, [1], folder, refresh=True)
        assert report.replaced == 1
        assert part.read_bytes() == before


async def test_a_part_that_has_become_a_folder_is_an_export_error(tmp_path, session):
    await export_results(session, [1], tmp_path / "r")
    (tmp_path / "r" / PART).unlink()
    (tmp_path / "r" / PART).mkdir()
    for options in ({}, {"refresh": True}, {"restart": True}):
        with pytest.raises(ExportError):
            await export_results(session, [1], tmp_path / "r", **options)


async def test_marks_that_somebody_took_away_come_back(tmp_path, session):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    before = (folder / "_manifest.ndjson").read_bytes()
    for name in ("_SUCCESS", "_manifest.ndjson"):
        (folder / name).unlink()
    assert (await export_results(session, [1, 2], folder)).was_finished
    assert (folder / "_SUCCESS").exists()
    assert (folder / "_manifest.ndjson").read_bytes() == before


async def test_a_folder_that_was_moved_goes_on_elsewhere(tmp_path, session):
    await export_results(session, [1], tmp_path / "r")
    (tmp_path / "r").rename(tmp_path / "elsewhere")
    assert (await export_results(session, [1], tmp_path / "elsewhere")).was_finished


async def test_a_journal_cut_anywhere_or_of_changed_bytes_is_refused_or_right(tmp_path, session):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    journal, parts = folder / ".aishoot" / "1-of-1" / "journal.sqlite", contents(folder)
    whole = journal.read_bytes()
    fact = whole.index(b"units")
    damaged = [whole[:cut] for cut in range(0, len(whole), 331)]
    damaged += [whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :] for at in range(fact, fact + 60, 7)]
    for text in damaged:
        journal.write_bytes(text)
        try:
            report = await export_results(session, [1, 2], folder)
        except ExportError as error:
            assert "cannot write" not in str(error)
            assert "restart=True" in str(error)
        else:
            assert report.complete
        assert contents(folder) == parts
    journal.write_bytes(whole)
    assert (await export_results(session, [1, 2], folder)).was_finished


async def test_times_that_run_backwards_are_no_matter(tmp_path, session):
    folder = tmp_path / "r"
    await export_results(session, [1], folder)
    for found in folder.rglob("*"):
        os.utime(found, (2**33, 2**33))
    path = folder / ".aishoot" / "1-of-1" / "journal.sqlite"
    with sqlite3.connect(path) as journal:
        ((record,),) = journal.execute("SELECT record FROM unit").fetchall()
        said = json.loads(record)
        said["published"] |= {"begun": "2999-01-01T00:00:00+00:00", "ended": "1999-01-01T00:00:00+00:00"}
        journal.execute("UPDATE unit SET record = ?", [json.dumps(said)])
    journal.close()
    assert (await export_results(session, [1], folder)).was_finished
    assert (await export_results(session, [1], folder, refresh=True)).replaced == 0


@pytest.fixture
def open_to_all():
    """Make a folder in which everybody may look about, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("mode", [0o555, 0o000])
@pytest.mark.parametrize("name", ["r", "r.jsonl"])
def test_a_folder_without_permission_is_an_export_error(exports, small_pages, open_to_all, mode, name):
    closed = open_to_all / "closed"
    closed.mkdir()
    closed.chmod(mode)
    said = exports.run(small_pages, [1], closed / name, format="jsonl", user=65534)
    assert said["error"] == "ExportError", said
    assert "Permission denied" in said["message"]
    closed.chmod(0o777)
    assert list(closed.iterdir()) == []


def test_what_another_user_has_left_is_an_export_error(exports, small_pages, open_to_all):
    folder = open_to_all / "r"
    assert exports.run(small_pages, [1], folder, format="jsonl")["complete"]
    for found in (folder, *folder.rglob("*")):
        found.chmod(0o755 if found.is_dir() else 0o600)
    said = exports.run(small_pages, [1], folder, format="jsonl", user=65534)
    if os.getuid() == 0:
        assert said["error"] == "ExportError", said
        assert "Permission denied" in said["message"]
    assert exports.run(small_pages, [1], folder, format="jsonl")["outcomes"][0]["how"] == "kept"
    assert rows_of(folder, 1) == small_pages.results(1)


def test_a_folder_that_somebody_else_removes_too_is_cleared(tmp_path):
    """As that of an attempt whose driver was killed, and another has begun."""
    for _ in range(20):
        folder = tmp_path / "staging" / "attempt"
        folder.mkdir(parents=True)
        for name in range(200):
            (folder / str(name)).touch()
        other = threading.Thread(target=shutil.rmtree, args=(folder, True))
        other.start()
        empty_folder(folder.parent)
        other.join()
        empty_folder(folder.parent)
        assert list(tmp_path.iterdir()) == [folder.parent]
        folder.parent.rmdir()
