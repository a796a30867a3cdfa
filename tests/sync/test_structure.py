"""A row that is a file's structure, and a cell that holds what a program wrote in place of a value, is no item."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import CatalogError, SkuCreate
from aishoot_async.sync import CatalogItem, read_catalog
from aishoot_async.sync._structure import cell_problem, is_heading, row_problem
from sync.running import item

pytestmark = pytest.mark.anyio

COLUMNS = ("key", "name", "frontImage")
FORMS = ["csv", "jsonl", "parquet"]
GOOD = {"key": "A", "name": "Dress", "frontImage": "f1"}


def write(path, rows, columns=COLUMNS):
    """Write rows, each of texts by column, in the format that the path names."""
    if path.suffix == ".csv":
        text = io.StringIO()
        table = csv.DictWriter(text, columns, restval="")
        table.writeheader()
        table.writerows(rows)
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in columns}), path)
    return path


def row_of(*cells):
    return dict(zip(COLUMNS, cells, strict=True))


HEADINGS = {
    "as it is": row_of("key", "name", "frontImage"),
    "in snake case": row_of("key", "name", "front_image"),
    "in capitals": row_of("KEY", "Name", "FRONTIMAGE"),
    "with blanks": row_of(" key", "name ", " Front Image"),
    "with a byte order mark": row_of("\ufeffkey", "name", "frontImage"),
    "with a zero width space": row_of("key", "na\u200bme", "frontImage"),
    "in quotes": row_of('"key"', '"name"', '"frontImage"'),
    "commented": row_of("# key", "name", "frontImage"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HEADINGS)
def test_a_heading_that_comes_again_is_passed_over(tmp_path, form, name):
    other = {**GOOD, "key": "B"}
    items = read_catalog(write(tmp_path / f"c.{form}", [GOOD, HEADINGS[name], other, HEADINGS[name]]))
    assert [found.key for found in items] == ["A", "B"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cells", [("name", "key", "frontImage"), ("key", "name", "gender"), ("name", "Key", "KEY")])
def test_a_heading_of_other_columns_is_refused_for_what_follows_is_not_ours(tmp_path, form, cells):
    with pytest.raises(CatalogError, match="a heading, of other columns") as caught:
        read_catalog(write(tmp_path / f"c.{form}", [GOOD, row_of(*cells)]))
    assert caught.value.line == (3 if form == "csv" else 2)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_files_that_were_put_one_behind_the_other(tmp_path, end, mark, quote):
    heading = ",".join(f"{quote}{name}{quote}" for name in COLUMNS)
    text = f"{mark}{heading}{end}{quote}A{quote},a,f{end}{mark}{heading}{end}{quote}B{quote},b,f{end}{mark}C,c,f{end}"
    (tmp_path / "c.csv").write_bytes(text.encode())
    assert [found.key for found in read_catalog(tmp_path / "c.csv")] == ["A", "B", "C"]


def test_json_lines_that_were_put_one_behind_the_other(tmp_path):
    lines = [json.dumps({**GOOD, "key": key}).encode() for key in "AB"]
    (tmp_path / "c.jsonl").write_bytes(b"".join(b"\xef\xbb\xbf" + line + b"\n" for line in lines))
    assert [found.key for found in read_catalog(tmp_path / "c.jsonl")] == ["A", "B"]


async def test_a_heading_is_no_item_of_any_iterable_either(service, sync):
    with pytest.raises(CatalogError, match="a heading"):
        await sync.plan([item("a"), CatalogItem("key", SkuCreate(name="Name", front_image="frontImage"))])
    assert service.requests == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("---", "---", "---"), "a ruled line"),
        (("===", "-+-", "|"), "a ruled line"),
        (("Total", "12", "12"), "a total"),
        (("TOTAL:", "1,204.50", "-"), "a total"),
        (("Summe", "3", "x"), "a total"),
        (("Grand total", "3", "x"), "a total"),
        (("# written by the shop", "2026", "x"), "a comment"),
        (("// b", "c", "d"), "a comment"),
        (("-- b", "c", "d"), "a comment"),
    ],
)
def test_a_row_that_is_no_item(tmp_path, form, cells, said):
    with pytest.raises(CatalogError, match=said) as caught:
        read_catalog(write(tmp_path / f"c.{form}", [GOOD, row_of(*cells)]))
    assert caught.value.line == (3 if form == "csv" else 2)


ERRORS = ["#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#NV", "#BEZUG!", "#WERT!"]
ERRORS += ["#ÜBERLAUF!", "########", "Err:502", "#GETTING_DATA", " #N/A "]
MISSING = ["nan", "NaN", "None", "NULL", "null", "<NA>", "NA", "N/A", "NaT", r"\N", "undefined"]
FORMULAS = ['="00123"', '="Dress"', "=VLOOKUP(A1;B:C;2)", '=TEXT(A1,"0")']
ROUNDED = ["4.00E+12", "4.00639E+12", "4,01E+12", "1E+05", "4.006390e+12", "-1.5E-07"]
MARKED = ["'00123", "'=a"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", ["key", "name", "frontImage", "backImage"])
@pytest.mark.parametrize("cell", [*ERRORS, *MISSING, *FORMULAS])
def test_a_cell_that_holds_no_value(tmp_path, form, column, cell):
    path = write(tmp_path / f"c.{form}", [GOOD, {**GOOD, "key": "B", column: cell}], (*COLUMNS, "backImage"))
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    fields = {"frontImage": "front_image", "backImage": "back_image"}
    assert (caught.value.line, caught.value.field) == (3 if form == "csv" else 2, fields.get(column, column))
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [*ROUNDED, *MARKED, "=00123", "=A1"])
def test_a_key_that_a_spreadsheet_has_spoilt(tmp_path, form, key):
    with pytest.raises(CatalogError) as caught:
        read_catalog(write(tmp_path / f"c.{form}", [{**GOOD, "key": key}, {**GOOD, "key": key}]))
    assert [problem.field for problem in caught.value.problems] == ["key", "key"]
    assert repr(key) in str(caught.value.problems[0])


@pytest.mark.parametrize("column", ["key", "name", "frontImage"])
@pytest.mark.parametrize("form", FORMS)
def test_a_nul_is_no_text(tmp_path, form, column):
    with pytest.raises(CatalogError, match=r"NUL|control"):
        read_catalog(write(tmp_path / f"c.{form}", [{**GOOD, column: "a\0b"}]))


FINE = [
    ("#1001", "Dress", "f"),
    ("key", "Key holder", "f"),
    ("name", "Name tag", "f"),
    ("total", "Total look", "f"),
    ("12E5", "Jeans", "f"),
    ("E+12", "Jeans", "f"),
    ("nana", "Nana", "f"),
    ("O'Neill", "'68 shirt", "f"),
    ("A=1", "a = b", "f"),
    ("none-1", "None of the above", "f"),
    ("1-2", "-", "f"),
    ("4006390000000", "4.00E+12", "f"),
    ("n", "#1!", "f"),
]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_only_like_that_is_read(tmp_path, form):
    items = read_catalog(write(tmp_path / f"c.{form}", [row_of(*cells) for cells in FINE]))
    assert [(found.key, found.sku.name, found.sku.front_image) for found in items] == FINE


def test_blanks_between_cells_are_the_file_s_where_its_heading_has_them(tmp_path):
    (tmp_path / "c.csv").write_text("key, name, frontImage\na, Dress, i1\n")
    (found,) = read_catalog(tmp_path / "c.csv")
    assert (found.key, found.sku.name, found.sku.front_image) == ("a", "Dress", "i1")
    (tmp_path / "d.csv").write_text("key,name,frontImage\na, Dress, i1\n")
    (found,) = read_catalog(tmp_path / "d.csv")
    assert (found.sku.name, found.sku.front_image) == (" Dress", " i1")


@pytest.mark.parametrize(
    "text",
    [
        "# export of 2026\nkey,name,frontImage\na,Dress,i1\n",
        ",key,name,frontImage\n0,a,Dress,i1\n",
        "key,name,frontImage\na,Dress,i1\n\nTotal: 1\n",
        "key,name,frontImage\na,Dress,i1\n\x1a",
        "key,name,frontImage\na,Dress,i1\n" + "\0" * 64,
        "key,name,frontImage\na,Dress,i1\nsep=,\nb,Shirt,i2\n",
        "key,name,frontImage\na,Dress,i1(2 rows)\n(2 rows)\n",
    ],
    ids=["comment", "index", "total", "Ctrl-Z", "NUL padding", "sep again", "row count"],
)
def test_what_stands_around_a_table_is_refused_by_its_line(tmp_path, text):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(CatalogError) as caught:
        read_catalog(tmp_path / "c.csv")
    assert caught.value.line is not None


@given(st.dictionaries(st.sampled_from(["key", "name", "front_image", "gender", "project_ids"]), st.text() | st.none()))
def test_any_row_can_be_asked_about(stated):
    is_heading(stated)
    row_problem(stated)
    for field, cell in stated.items():
        cell_problem(field, cell)
