"""CSV for Excel: a byte order mark at the beginning of each file, and of a job that goes on."""

import codecs
import csv
import io

import pytest

from aishoot_async import ExportError, RequestValidationError
from aishoot_async.export import export_results, export_skus
from aishoot_async.sandbox import Sandbox
from helpers.parts import session_of

pytestmark = pytest.mark.anyio

COLUMNS = ["id", "skuName"]


@pytest.fixture
async def sandbox():
    async with Sandbox(briefs={1: 250, 2: 0}) as sandbox:
        yield sandbox


def rows(path):
    """Read a file as Excel does: by its mark."""
    text = path.read_bytes()
    assert text.startswith(codecs.BOM_UTF8)
    assert text.count(codecs.BOM_UTF8) == 1
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


async def test_a_file_begins_with_the_mark_and_has_it_once(sandbox, tmp_path):
    async with session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "r.csv", columns=COLUMNS, bom=True)
        await export_results(session, [1], tmp_path / "plain.csv", columns=COLUMNS)
    assert [row["id"] for row in rows(tmp_path / "r.csv")] == [row["id"] for row in sandbox.results(1)]
    assert (tmp_path / "r.csv").read_bytes() == codecs.BOM_UTF8 + (tmp_path / "plain.csv").read_bytes()


async def test_each_part_of_a_folder_begins_with_it_also_an_empty_one(sandbox, tmp_path):
    async with session_of(sandbox) as session:
        await export_results(session, [1, 2], tmp_path / "r", format="csv", columns=COLUMNS, bom=True)
        await export_skus(session, tmp_path / "skus", format="csv", columns=["name"], bom=True)
    parts = [*tmp_path.glob("*/**/*.csv")]
    assert len(parts) == 3
    assert all(list(rows(part)[0]) for part in parts if rows(part))


@pytest.mark.parametrize("heading", ["a,b", 'a"b', " x", "é", "id"])
async def test_a_heading_is_quoted_behind_the_mark(sandbox, tmp_path, heading):
    async with session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "r.csv", columns=[heading, "skuName"], bom=True)
    assert list(rows(tmp_path / "r.csv")[0]) == [heading, "skuName"]


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst", "r.parquet", "folder"])
async def test_no_other_format_has_one(sandbox, tmp_path, name):
    async with session_of(sandbox) as session:
        with pytest.raises(RequestValidationError, match="bom is for CSV"):
            await export_results(session, [1], tmp_path / name, bom=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("first", [True, False])
async def test_a_job_goes_on_only_with_the_same_value(sandbox, tmp_path, first):
    async with session_of(sandbox) as session:
        await export_results(session, [1], tmp_path / "r", format="csv", columns=COLUMNS, bom=first)
        for options in ({}, {"refresh": True}):
            with pytest.raises(ExportError):
                await export_results(
                    session, [1], tmp_path / "r", format="csv", columns=COLUMNS, bom=not first, **options
                )
        assert (await export_results(session, [1], tmp_path / "r", format="csv", columns=COLUMNS, bom=first)).complete
