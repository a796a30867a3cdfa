"""Folders that go while an export writes to them: a typed error, and no export that is whole without its parts."""

import shutil

import pytest

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Fault, Sandbox, Status
from helpers.parts import needs, options_for, session_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 950, 2: 3}) as sandbox, session_of(sandbox) as open_session:
        yield open_session


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv"])
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("page", [1, 5, 10])
@pytest.mark.parametrize("comes_back", [False, True])
async def test_a_folder_that_is_removed_under_way_is_an_export_error(tmp_path, session, name, single, page, comes_back):
    needs(name)
    parent = tmp_path / "parent"
    parent.mkdir()
    destination = parent / (f"r.{name}" if single else "r")

    def remove(seen):
        if seen.brief_id == 1 and seen.pages == page and parent.exists():
            while parent.exists():  # somebody may write there meanwhile
                shutil.rmtree(parent, ignore_errors=True)
            if comes_back:
                parent.mkdir(exist_ok=True)

    briefs = [1] if single else [1, 2]
    with pytest.raises(ExportError):
        await export_results(session, briefs, destination, on_progress=remove, **options_for(name))
    assert not destination.exists() or not (destination / "_SUCCESS").exists()
    parent.mkdir(exist_ok=True)
    report = await export_results(session, briefs, destination, **options_for(name))
    assert report.complete


@pytest.fixture
async def second_alone(tmp_path):
    """Export two briefs, of which only the second comes through: another run has only the first to read."""
    fault = Fault(Status(503), operation="brief_results", brief=1)
    async with Sandbox(briefs={1: 950, 2: 3}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1, 2], tmp_path / "r", patience=0)
        assert [outcome.state for outcome in report.outcomes] == ["failed", "complete"]
        sandbox.clear_faults()
        yield session


@pytest.mark.parametrize("what", ["brief_id=2", "brief_id=2/part-00000.jsonl"])
async def test_a_part_that_is_removed_under_way_is_missed(tmp_path, second_alone, what):
    gone = tmp_path / "r" / what

    def remove(_):
        if gone.exists():
            shutil.rmtree(gone) if gone.is_dir() else gone.unlink()

    with pytest.raises(ExportError, match=r"brief_id=2/part-00000\.jsonl.*taken away"):
        await export_results(second_alone, [1, 2], tmp_path / "r", on_progress=remove)
    assert not (tmp_path / "r" / "_SUCCESS").exists()
    report = await export_results(second_alone, [1, 2], tmp_path / "r")
    assert [outcome.how for outcome in report.outcomes] == ["kept", "fetched"]
    assert (tmp_path / "r" / "_SUCCESS").exists()


async def test_a_part_that_is_changed_under_way_is_told(tmp_path, second_alone):
    part = tmp_path / "r" / "brief_id=2" / "part-00000.jsonl"
    with pytest.raises(ExportError, match=r"brief_id=2/part-00000\.jsonl.*changed"):
        await export_results(second_alone, [1, 2], tmp_path / "r", on_progress=lambda _: part.write_bytes(b"mine"))
    assert not (tmp_path / "r" / "_SUCCESS").exists()
