"""Rows and cells that are none: headings, totals, errors of spreadsheets; and headings however they are spelled."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import CatalogError, SkuCreate
from aishoot_async.models import WIRE_NAMES
from aishoot_async.sync import CatalogItem, read_catalog
from aishoot_async.sync._structure import cell_problem, column_of, is_heading, row_problem
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


ROWS = ["a,Dress,i1", "b,Shirt,i2"]
PLAIN = [("a", "Dress", "i1"), ("b", "Shirt", "i2")]


@pytest.fixture
def read(tmp_path):
    def read(text, name="c.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [(one.key, one.sku.name, one.sku.front_image) for one in read_catalog(path)]

    return read


def problems(read, text, name="c.csv"):
    with pytest.raises(CatalogError) as caught:
        read(text, name)
    return [(problem.line, problem.field, str(problem)) for problem in caught.value.problems]


ODD_HEADINGS = {
    "capitals": "Key,Name,FrontImage",
    "all capitals": "KEY,NAME,FRONTIMAGE",
    "words": "Key,Name,Front image",
    "words of capitals": "KEY,NAME,FRONT IMAGE",
    "hyphens": "key,name,front-image",
    "blanks around": "  key , name,frontImage  ",
    "no-break spaces around": "key,\u00a0name\u00a0,frontImage",
    "a no-break space inside": "key,name,front\u00a0image",
    "a zero width space": "key,na\u200bme,frontImage",
    "a soft hyphen": "key,name,front\u00adImage",
    "a word joiner at the end": "key\u2060,name,frontImage\u200e",
    "a line break in a heading": 'key,name,"front\nimage"',
    "in quotes": '"key","name","frontImage"',
    "a trailing empty column": "key,name,frontImage,",
    "three of them": "key,name,frontImage,,,",
    "of blanks": "key,name,frontImage,  ,\u00a0",
    "of nothing that shows": "key,name,frontImage,\u200b",
    "an empty column before": ",key,name,frontImage",
    "an empty column between": "key,,name,frontImage",
    "as pandas writes it": "key,name,frontImage,Unnamed: 3",
    "tabs": "key\tname\tfrontImage",
    "bars": "key|name|frontImage",
    "sep": "sep=;\nkey;name;frontImage",
    "sep of a comma": "sep=,\nkey,name,frontImage",
    "SEP of a tab": "SEP=\t\nkey\tname\tfrontImage",
    "sep of another": "sep=^\nkey^name^frontImage",
    "sep in quotes": '"sep=;"\nkey;name;frontImage',
    "sep that was saved again": "sep=;;;\nkey;name;frontImage",
    "a byte order mark before sep": "\ufeffsep=;\nkey;name;frontImage",
    "sep, and a blank line": "sep=;\n\nkey;name;frontImage",
    "a blank row before": ",,\nkey,name,frontImage",
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("heading", ODD_HEADINGS)
def test_a_heading_whose_meaning_is_certain_is_read(read, heading, end):
    text = ODD_HEADINGS[heading]
    last = text.splitlines()[-1] if heading != "a line break in a heading" else text
    delimiter = next(one for one in "\t;|^," if one in last)
    names = [name.strip() for name in last.split(delimiter)]
    # Each cell goes below its heading, and nothing below none.
    named = [place for place, name in enumerate(names) if column_of(name)]
    rows = []
    for row in ROWS:
        cells = [""] * len(names)
        for place, cell in zip(named, row.split(","), strict=True):
            cells[place] = cell
        rows.append(delimiter.join(cells))
    lines = [*text.split("\n"), *rows] if heading != "a line break in a heading" else [text, *rows]
    assert read(end.join([*lines, ""])) == PLAIN


@given(
    field=st.sampled_from(["key", *WIRE_NAMES]),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    between=st.sampled_from(["", " ", "_", "-", "\u00a0", " \u200b", "\u00ad"]),
    around=st.sampled_from(["", " ", "\u00a0", "\ufeff", "\t", "\u200e"]),
)
def test_a_field_may_be_spelled_in_any_of_these_ways(field, case, between, around):
    assert column_of(around + between.join(case(word) for word in field.split("_")) + around) == field


@given(st.text())
def test_no_other_text_is_a_column(text):
    known = {name.casefold().replace("_", "") for name in ("key", *WIRE_NAMES)}
    letters = "".join(filter(str.isalnum, text.casefold()))
    assert column_of(text) is None or letters in known or not text.isascii()


BLANK_ROWS = {
    "commas": ",,",
    "more commas than columns": ",,,,,,",
    "fewer": ",",
    "blanks": " , , ",
    "a blank alone": "  ",
    "no-break spaces": "\u00a0,,\u00a0",
    "quotes with nothing in them": '"","",""',
    "what shows nothing": "\u200b,,\ufeff",
    "tabs": "\t,\t,\t",
}


@pytest.mark.parametrize("blank", BLANK_ROWS)
@pytest.mark.parametrize("count", [1, 500])
def test_a_row_of_blank_cells_is_passed_over(read, blank, count):
    rows = [BLANK_ROWS[blank]] * count
    assert read("\n".join(["key,name,frontImage", *rows, ROWS[0], *rows, ROWS[1], *rows, ""])) == PLAIN


@pytest.mark.parametrize("row", ["a,Dress,i1,", "a,Dress,i1,,,", "a,Dress,i1, ", "a,Dress,i1,\u200b", 'a,Dress,i1,""'])
def test_blank_cells_behind_the_last_column_are_passed_over(read, row):
    assert read(f"key,name,frontImage\n{row}\n{ROWS[1]}\n") == PLAIN


def test_lines_are_counted_in_the_file_whatever_is_passed_over(read):
    text = "sep=;\n\n;;\nkey;name;frontImage;\na;Dress;i1;\n;;\nb;;i2;\n"
    assert [place[:2] for place in problems(read, text)] == [(7, "name")]


MANY = "".join(f"k{number},Dress,i1,x\n" for number in range(500))
NAMED_ONCE = {
    "a column without a name": ("key,name,frontImage,", 1, None, "column 4 has no name, and line 2 holds 'x' in it"),
    "one that pandas has named": ("key,name,frontImage,Unnamed: 3", 1, None, "column 4 has no name"),
    "an unknown column": ("key,name,frontImage,price", 1, "price", "'price' is no column of a catalog"),
    "an error for a heading": ("key,name,frontImage,#REF!", 1, "#REF!", "error of a spreadsheet, and no heading"),
    "a misspelt column": ("key,name,frontImage,Gendr", 1, "Gendr", "Did you mean gender?"),
    "a column twice": ("key,name,frontImage,name", 1, "name", "name is there twice"),
    "in two spellings": ("key,name,frontImage,Front Image", 1, "front_image", "as 'frontImage' and 'Front Image'"),
    "in capitals": ("key,name,frontImage,KEY", 1, "key", "key is there twice: as 'key' and 'KEY'"),
    "a column missing": ("key,name,gender,backImage", 1, "front_image", "the column frontImage is missing"),
}


@pytest.mark.parametrize("case", NAMED_ONCE)
def test_what_is_not_certain_of_a_heading_is_named_once(read, case):
    heading, line, field, said = NAMED_ONCE[case]
    ((found, named, sentence),) = problems(read, f"{heading}\n{MANY}")
    assert (found, named) == (line, field)
    assert said in sentence


def test_a_file_that_says_what_cuts_it_and_nothing_else_has_no_heading(read):
    for text in ("sep=;\n", "sep=;", "sep=;\n\n;;\n", ",,,\n"):
        ((_, _, said),) = problems(read, text)
        assert "heading" in said


@pytest.mark.parametrize("row", ["#REF!,#REF!,#REF!", "#N/A,#VALUE!,", "#REF!,, #REF! ", "Err:502,Err:502,Err:502"])
def test_a_row_of_errors_is_named_once(read, row):
    ((line, _, said),) = problems(read, f"key,name,frontImage\n{ROWS[0]}\n{row}\n{ROWS[1]}\n")
    assert line == 3
    assert "errors of a spreadsheet" in said


class TestInJsonLines:
    def test_members_may_be_spelled_otherwise_too(self, read):
        rows = [
            {"Key": "a", "NAME": "Dress", "Front Image": "i1"},
            {"key\u200b": 7, "name": "Shirt", "front-image": "i2"},
        ]
        text = "\n".join(map(json.dumps, rows))
        assert read(text, "c.jsonl") == [("a", "Dress", "i1"), ("7", "Shirt", "i2")]

    def test_rows_and_members_that_hold_nothing_are_passed_over(self, read):
        row = '{"key": "a", "name": "Dress", "frontImage": "i1", "": null, " ": ""}'
        blank = '{"key": "", "name": " ", "frontImage": null}'
        assert read(f"{blank}\n{row}\n{{}}\n{blank}\n", "c.jsonl") == PLAIN[:1]

    def test_an_unknown_member_of_every_row_is_named_once(self, read):
        rows = [{"key": f"k{n}", "name": "n", "frontImage": "f", "price": n, "colour": "red"} for n in range(500)]
        found = problems(read, "\n".join(map(json.dumps, rows)), "c.jsonl")
        assert [place[:2] for place in found] == [(1, "price"), (1, "colour")]

    def test_so_is_one_in_two_spellings(self, read):
        rows = [{"key": f"k{n}", "Key": "x", "name": "n", "frontImage": "f"} for n in range(500)]
        ((line, field, said),) = problems(read, "\n".join(map(json.dumps, rows)), "c.jsonl")
        assert (line, field) == (1, "key")
        assert "'Key'" in said


class TestInParquet:
    def write(self, tmp_path, columns):
        pq.write_table(pa.table(columns), tmp_path / "c.parquet")
        return tmp_path / "c.parquet"

    def test_columns_and_rows_that_hold_nothing_are_passed_over(self, tmp_path):
        columns = {
            "Key": ["a", None, "b", ""],
            "name ": ["Dress", None, "Shirt", " "],
            "Front Image": ["i1", None, "i2", None],
            "Unnamed: 3": pa.array([None, None, "", None], pa.string()),
        }
        found = read_catalog(self.write(tmp_path, columns))
        assert [(one.key, one.sku.name, one.sku.front_image, one.line) for one in found] == [
            ("a", "Dress", "i1", 1),
            ("b", "Shirt", "i2", 3),
        ]

    def test_one_that_holds_something_is_named_once(self, tmp_path):
        columns = {"key": ["a", "b", "c"], "name": ["n"] * 3, "frontImage": ["f"] * 3, "": [None, 1.5, 2.5]}
        with pytest.raises(CatalogError, match=r"column 4 has no name, and row 2 holds 1\.5") as caught:
            read_catalog(self.write(tmp_path, columns))
        assert len(caught.value.problems) == 1
