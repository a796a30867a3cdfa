"""Items of a catalog, and catalogs that are written and read back."""

import os
import pickle
import string

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import UNSET, CatalogError, Gender, SkuCategory, SkuCreate
from aishoot_async.sync import CatalogItem, OutcomeKind, SyncOutcome, SyncReport, read_catalog, write_catalog
from aishoot_async.sync._keys import clean_key, key_identity
from aishoot_async.sync._structure import cell_problem, row_problem
from sync.running import item

SKU = SkuCreate(name="A", front_image="f")


@pytest.mark.parametrize("key", ["", "  ", None, 3, b"k", "a\0b", "a\ud800"])
def test_a_key_is_text(key):
    with pytest.raises(CatalogError) as caught:
        CatalogItem(key, SKU)
    assert caught.value.field == "key"


@pytest.mark.parametrize("sku", [None, {"name": "A"}, "A"])
def test_a_sku_is_what_can_be_created(sku):
    with pytest.raises(CatalogError, match="SkuCreate") as caught:
        CatalogItem("a", sku)
    assert caught.value.field == "sku"


def test_an_item_knows_its_line():
    assert CatalogItem("a", SKU, line=7).line == 7
    assert item("a").line is None


def test_an_error_of_many_problems_names_them_and_pickles():
    problems = [CatalogError(f"problem {number}", line=number, field="name", key="k") for number in range(150)]
    error = CatalogError.of(problems)
    assert len(error.problems) == 150
    assert "problem 19\n" in str(error)
    assert str(error).endswith("and 130 more")
    again = pickle.loads(pickle.dumps(error))
    assert [problem.line for problem in again.problems] == list(range(150))
    one = CatalogError.of(problems[:1])
    assert one is problems[0]
    assert pickle.loads(pickle.dumps(one)).problems[0].key == "k"


def test_an_outcome_is_a_line_of_json():
    outcome = SyncOutcome(key="a", outcome=OutcomeKind.CREATED, sku_id="s", line=3)
    assert outcome.to_plain() == {
        "key": "a",
        "outcome": "created",
        "sku_id": "s",
        "error": None,
        "line": 3,
        "found_by_looking": False,
    }
    report = SyncReport(outcomes=(outcome, SyncOutcome(key="b", outcome=OutcomeKind.UNKNOWN)))
    assert report.counts == {"created": 1, "unknown": 1}
    assert report.counts["failed"] == 0
    assert [found.key for found in report.unsettled] == ["b"]
    assert not report.complete


def is_value(field):
    """What a spreadsheet or a program writes in place of a value is never read back."""
    return lambda text: text.strip() and cell_problem(field, text) is None


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(is_value("name"))
KEY = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)
    .map(clean_key)
    .filter(is_value("key"))
)
IMAGE = st.text(string.hexdigits + " ,;\"'\n", min_size=1).filter(is_value("front_image"))
STATED = {
    "back_image": IMAGE,
    "gender": st.sampled_from(Gender),
    "is_in_wardrobe": st.booleans(),
    "project_ids": st.lists(st.integers(min_value=1)),
    "sku_category_name": st.sampled_from(SkuCategory),
}
ERASED = {field: st.none() | values for field, values in STATED.items()} | {
    field: STATED[field] for field in ("is_in_wardrobe", "project_ids")
}


def catalogs(optional):
    skus = st.fixed_dictionaries({"name": TEXT, "front_image": IMAGE}, optional=optional)
    made = st.lists(st.tuples(KEY, skus), max_size=4, unique_by=lambda pair: key_identity(pair[0]))
    items = made.filter(lambda pairs: not any(row_problem({"key": key, **fields}) for key, fields in pairs))
    return items.map(lambda pairs: {key: SkuCreate(**fields) for key, fields in pairs})


def survives(folder, name, catalog):
    items = [CatalogItem(key, sku) for key, sku in catalog.items()]
    write_catalog(folder / name, items)
    back = read_catalog(folder / name) if items or not name.endswith(".jsonl") else []
    assert [(item.key, item.sku) for item in back] == list(catalog.items())
    assert os.listdir(folder) == [name]  # noqa: PTH208


@given(catalogs(STATED), st.sampled_from(["c.csv", "c.tsv", "c.parquet"]))
def test_tables_are_read_back(tmp_path_factory, catalog, name):
    survives(tmp_path_factory.mktemp("table"), name, catalog)


@given(catalogs(ERASED))
def test_json_lines_are_read_back_with_what_is_erased(tmp_path_factory, catalog):
    survives(tmp_path_factory.mktemp("json"), "c.jsonl", catalog)


def test_only_what_somebody_states_is_a_column(tmp_path):
    items = [CatalogItem("A", SkuCreate(name="a", front_image="f", project_ids=[]))]
    write_catalog(tmp_path / "c.csv", items)
    assert (tmp_path / "c.csv").read_text().split() == ["key,name,frontImage,projectIds", "A,a,f,[]"]
    write_catalog(tmp_path / "c.parquet", [])
    assert pq.read_schema(tmp_path / "c.parquet").names == ["key", "name", "frontImage"]


def test_a_table_cannot_say_that_something_is_erased(tmp_path):
    item = CatalogItem("A", SkuCreate(name="a", front_image="f", gender=None))
    for name in ("c.csv", "c.parquet"):
        with pytest.raises(CatalogError, match="gender"):
            write_catalog(tmp_path / name, [item])
    with pytest.raises(CatalogError, match="ends in"):
        write_catalog(tmp_path / "c.xlsx", [item])
    assert list(tmp_path.iterdir()) == []
    write_catalog(tmp_path / "c.jsonl", [item])
    assert read_catalog(tmp_path / "c.jsonl")[0].sku.gender is None
    assert read_catalog(tmp_path / "c.jsonl")[0].sku.back_image is UNSET


def test_what_was_there_stays_until_the_new_is_whole(tmp_path):
    (tmp_path / "c.csv").mkdir()
    with pytest.raises(OSError, match=r"c\.csv"):
        write_catalog(tmp_path / "c.csv", [CatalogItem("A", SkuCreate(name="a", front_image="f"))])
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]
