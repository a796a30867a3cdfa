"""What common readers make of an export's folder: all rows of the parts, and nothing else."""

import json

import pytest

from aishoot_async.export import export_results, export_skus
from aishoot_async.sandbox import Sandbox
from helpers.parts import needs, options_for, session_of

pytestmark = pytest.mark.anyio
BRIEFS, SKUS = {1: 120, 2: 40, 3: 0}, 24
FORMATS = ("jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv")


def duckdb_function(name):
    return {"parquet": "read_parquet", "csv": "read_csv"}.get(name, "read_json")


def count_with_duckdb(folder, pattern, name):
    duckdb = pytest.importorskip("duckdb")
    function = duckdb_function(name)
    return duckdb.sql(f"SELECT count(*) FROM {function}('{folder}/{pattern}.{name}')").fetchall()[0][0]


def count_with_polars(folder, pattern, name):
    polars = pytest.importorskip("polars")
    scan = {"parquet": polars.scan_parquet, "csv": polars.scan_csv}.get(name, polars.scan_ndjson)
    return scan(f"{folder}/{pattern}.{name}").collect().height


def parts_with_rows(folder):
    manifest = map(json.loads, (folder / "_manifest.ndjson").read_text().splitlines())
    return [str(folder / part["name"]) for row in manifest for part in row["parts"] if part["rows"]]


def count_with_pyarrow(folder, name):
    dataset = pytest.importorskip("pyarrow.dataset").dataset
    if name.startswith("jsonl"):
        # An empty part is no JSON to pyarrow.
        return dataset(parts_with_rows(folder), format="json").count_rows()
    return dataset(folder, format=name, partitioning="hive").count_rows()


@pytest.fixture
async def folders(tmp_path):
    """Export results and SKUs in a format: give a function that does."""
    async with Sandbox(skus=SKUS, briefs=BRIEFS) as sandbox, session_of(sandbox) as session:

        async def export(name):
            needs(name)
            results, skus = tmp_path / "results", tmp_path / "skus"
            await export_results(session, BRIEFS, results, **options_for(name))
            columns = {"columns": ["id", "name"]} if name == "csv" else {}
            await export_skus(session, skus, format=name, **columns)
            return results, skus

        yield export


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("count", [count_with_duckdb, count_with_polars])
async def test_a_pattern_counts_the_rows_of_all_parts_and_no_others(folders, name, count):
    results, skus = await folders(name)
    assert count(results, "**/*", name) == sum(BRIEFS.values())
    assert count(results, "brief_id=*/part-*", name) == sum(BRIEFS.values())
    assert count(skus, "*", name) == count(skus, "**/*", name) == SKUS


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz", "parquet", "csv"])
async def test_pyarrow_counts_the_rows_of_all_parts_and_no_others(folders, name):
    results, skus = await folders(name)
    assert count_with_pyarrow(results, name) == sum(BRIEFS.values())
    assert count_with_pyarrow(skus, name) == SKUS


@pytest.mark.parametrize("name", FORMATS)
async def test_duckdb_gives_the_brief_as_a_column(folders, name):
    duckdb = pytest.importorskip("duckdb")
    results, _ = await folders(name)
    found = duckdb.sql(
        f"SELECT brief_id, count(*) FROM {duckdb_function(name)}('{results}/**/*.{name}', hive_partitioning = true) "
        f"GROUP BY brief_id ORDER BY brief_id"
    ).fetchall()
    assert found == [(1, 120), (2, 40)]


async def test_polars_and_pyarrow_give_the_brief_as_a_column_of_parquet(folders):
    polars, dataset = pytest.importorskip("polars"), pytest.importorskip("pyarrow.dataset").dataset
    results, _ = await folders("parquet")
    frame = polars.scan_parquet(f"{results}/**/*.parquet", hive_partitioning=True).collect()
    assert sorted(frame["brief_id"].unique()) == [1, 2]
    assert "brief_id" in dataset(results, partitioning="hive").schema.names


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("pattern", ["*", "**/*", "part-*", "brief_id=*/*", "[!_.]*"])
async def test_no_pattern_for_parts_matches_anything_else(folders, name, pattern):
    for folder in await folders(name):
        found = {str(path) for path in folder.glob(f"{pattern}.{name}")}
        assert found <= {str(path) for path in folder.rglob(f"part-*.{name}")}
