"""Columns that no item has are told once, with what they may have meant."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.export import export_results
from aishoot_async.export.formats._csv import ColumnWatch
from aishoot_async.sandbox import Sandbox
from helpers.parts import session_of

ITEMS = [{"id": 1, "skuName": "A", "model": {"name": "Ada", "size_code": 3}}, {"id": 2, "note": None, "model": None}]


def problems(columns, items=ITEMS):
    watch = ColumnWatch(columns)
    watch.look([json.dumps(item).encode() for item in items])
    return watch.problems()


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("skuNmae", "skuName"),
        ("sku_name", "skuName"),
        ("SKUNAME", "skuName"),
        ("ID", "id"),
        ("modle.name", "model"),
        ("model.nmae", "name"),
        ("model.sizeCode", "size_code"),
    ],
)
def test_a_misspelt_column_is_told_with_what_was_meant(column, meant):
    (problem,) = problems(["id", column])
    assert f"column {column} is in none" in problem
    assert problem.endswith(f"Did you mean {meant}?")


@pytest.mark.parametrize("column", ["id", "skuName", "note", "model", "model.name", "model.size_code"])
def test_a_column_of_some_items_is_told_nothing_of(column):
    assert problems([column, "id"]) == []


@pytest.mark.parametrize("column", ["entirely.else", "id.x", "skuName.first", "note.text", "xyz"])
def test_a_column_like_no_other_is_told_without_a_guess(column):
    (problem,) = problems([column])
    assert problem.endswith("empty in every row")


def test_where_there_is_no_item_nothing_is_known():
    assert problems(["anything"], []) == []


names = st.text("abcXYZ_.", min_size=1, max_size=5).filter(lambda name: all(name.split(".")))


@given(
    st.lists(names, unique=True, max_size=5),
    st.lists(st.dictionaries(names.filter(lambda n: "." not in n), st.none()), max_size=6),
)
def test_what_is_told_is_what_no_item_has(columns, items):
    told = [problem.split()[1] for problem in problems(columns, items)]
    assert told == [column for column in columns if items and not any(column in item for item in items)]


@pytest.mark.anyio
@pytest.mark.parametrize("to", ["r.csv", "folder"])
async def test_an_export_tells_it_once_for_all_briefs(tmp_path, caplog, to):
    briefs = [1] if to == "r.csv" else [1, 2, 3]
    async with Sandbox(briefs={1: 250, 2: 3, 3: 0}) as sandbox, session_of(sandbox) as session:
        options = {"format": "csv", "columns": ["id", "skuname", "nothing.like.it"]}
        await export_results(session, briefs, tmp_path / to, **options)
        told = [record.getMessage() for record in caplog.records]
        assert [line.split()[1] for line in told] == ["skuname", "nothing.like.it"]
        assert told[0].endswith("Did you mean skuName?")
        caplog.clear()
        await export_results(session, briefs, tmp_path / to, **options)
        assert caplog.records == []
