"""One place of this machine has one journal and one lock, which lie beside it: however it is spelled."""

import os
import subprocess

import pytest

from aishoot_async import ExportError, LockedError
from aishoot_async.export import export_results, results_export
from aishoot_async.jobs._workspace import open_workspace
from aishoot_async.sandbox import Sandbox
from helpers.parts import session_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 3, 2: 5}) as sandbox, session_of(sandbox) as open_session:
        yield open_session


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Make a folder, links that lead there, and stand in it."""
    real = tmp_path / "real" / "deep"
    real.mkdir(parents=True)
    (tmp_path / "by-parent").symlink_to(tmp_path / "real")
    (tmp_path / "by-folder").symlink_to(real)
    (tmp_path / "by-link-of-link").symlink_to("by-folder")
    monkeypatch.chdir(real)
    return tmp_path


SPELLINGS = [
    "{tmp}/real/deep/{name}",
    "{name}",
    "./{name}",
    ".//.//{name}",
    "../deep/{name}",
    "{tmp}/real/../real/deep/{name}",
    "{tmp}//real///deep/{name}",
    "{tmp}/by-parent/deep/{name}",
    "{tmp}/by-folder/{name}",
    "{tmp}/by-folder/../deep/{name}",
    "{tmp}/by-link-of-link/{name}",
]


def _spelled(spelling, place, name):
    return spelling.format(tmp=place, name=name)


@pytest.mark.parametrize("name", ["r", "r.jsonl"])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_any_spelling_finds_the_journal(session, place, spelling, name):
    assert (await export_results(session, [1], place / "real" / "deep" / name)).complete
    assert (await export_results(session, [1], _spelled(spelling, place, name))).was_finished
    another, how = ([2], {}) if name == "r.jsonl" else ([1], {"format": "jsonl.gz"})
    with pytest.raises(ExportError, match=r"other briefs|belongs to another export"):
        await export_results(session, another, _spelled(spelling, place, name), **how)


@pytest.mark.parametrize("name", ["r", "r.jsonl"])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_any_spelling_meets_the_lock(session, place, spelling, name):
    workspace = open_workspace(results_export(session, [1], place / "real" / "deep" / name))
    try:
        with pytest.raises(LockedError):
            await export_results(session, [1], _spelled(spelling, place, name))
    finally:
        workspace.close()
    assert (await export_results(session, [1], _spelled(spelling, place, name))).complete


@pytest.mark.parametrize("end", ["/", "//", "/.", "/./"])
async def test_a_folder_with_a_slash_behind_is_that_folder(session, place, end):
    assert (await export_results(session, [1], "r")).complete
    assert (await export_results(session, [1], f"r{end}")).was_finished


async def test_links_to_one_file_are_one_place(session, place):
    """The lock lies beside the file, not beside the link."""
    for link in ("one.jsonl", "two.jsonl"):
        (place / link).symlink_to(place / "real" / "deep" / "r.jsonl")
    assert (await export_results(session, [1], place / "one.jsonl")).complete
    for other in (place / "two.jsonl", "r.jsonl"):
        assert (await export_results(session, [1], other)).was_finished


@pytest.fixture
def mounted(tmp_path):
    """Mount a folder at a second path."""
    real, twice = tmp_path / "real", tmp_path / "twice"
    for folder in (real, twice):
        folder.mkdir()
    if os.getuid() or subprocess.run(["mount", "--bind", real, twice], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield real, twice
    subprocess.run(["umount", twice], check=True)


async def test_a_folder_that_is_mounted_twice_is_one_place(session, mounted):
    for name in ("r", "r.jsonl"):
        assert (await export_results(session, [1], mounted[0] / name)).complete
        assert (await export_results(session, [1], mounted[1] / name)).was_finished
