"""A catalog file is read whole and right, or refused with everything that is wrong with it."""

import contextlib
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import UNSET, CatalogError, ConfigurationError, SkuCreate, SyncError
from aishoot_async.sync import CatalogItem, read_catalog

HEADING = "key,name,frontImage"


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path):
    """Give what is complained of: line, field and sentence of each problem."""
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    problems = caught.value.problems
    assert (caught.value.line, caught.value.field) == (problems[0].line, problems[0].field)
    return [(problem.line, problem.field, str(problem)) for problem in problems]


def places(path):
    return [(line, field) for line, field, _ in refused(path)]


# What a catalog says


WHOLE = CatalogItem(
    "A-1",
    SkuCreate(
        name="Linen, long",
        front_image="f1",
        back_image="b1",
        gender="female",
        is_in_wardrobe=True,
        project_ids=[1, 22],
        sku_category_name="top",
    ),
    line=2,
)
BARE = CatalogItem("A-2", SkuCreate(name="Socks", front_image="f2"), line=3)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize(
    "heading",
    [
        "key name frontImage backImage gender isInWardrobe projectIds skuCategoryName",
        "key name front_image back_image gender is_in_wardrobe project_ids sku_category_name",
    ],
    ids=["camelCase", "snake_case"],
)
def test_csv_in_every_dress(write, heading, delimiter, bom, end):
    rows = [heading.split(), ["A-1", '"Linen, long"', "f1", "b1", "female", "yes", '"1;22"', "top"]]
    rows.append(["A-2", "Socks", "f2", "", "", "", "", ""])
    text = bom + end.join(delimiter.join(row) for row in rows)
    assert read_catalog(write("c.csv", text)) == [WHOLE, BARE]
    assert read_catalog(write("d.CSV", text + end)) == [WHOLE, BARE]


def test_a_line_break_in_quotes_is_part_of_the_cell_and_lines_count_on(write):
    text = f'\n{HEADING}\n\nA,"two\r\nlines, and ""quotes""",f\n\nB,b,f\n'
    first, second = read_catalog(write("c.csv", text))
    assert (first.sku.name, first.line) == ('two\r\nlines, and "quotes"', 4)
    assert (second.key, second.line) == ("B", 7)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("true", True), ("FALSE", False), ("1", True), ("0", False), ("Yes", True), ("nO", False), (" true ", True)],
)
def test_booleans(write, cell, value):
    (item,) = read_catalog(write("c.csv", f"{HEADING},isInWardrobe\nA,a,f,{cell}\n"))
    assert item.sku.is_in_wardrobe is value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", (7,)),
        ("1;2", (1, 2)),
        (" 1 ; 2 ", (1, 2)),
        ("[]", ()),
        ('"[1, 2]"', (1, 2)),
        ("123456789012345678901234567890", (123456789012345678901234567890,)),
        ('"[123456789012345678901234567890]"', (123456789012345678901234567890,)),
    ],
)
def test_lists(write, cell, value):
    (item,) = read_catalog(write("c.csv", f"{HEADING},projectIds\nA,a,f,{cell}\n"))
    assert item.sku.project_ids == value


def test_json_lines(write):
    text = (
        '\ufeff{"key": 123456789012345678901234567890, "name": "a", "frontImage": "f", "gender": null}\n'
        "\n"
        '{"key": "B", "name": "b", "front_image": "f", "projectIds": [3], "isInWardrobe": false}\r\n'
        '{"key": "C", "name": "", "name": "c", "frontImage": "f"}'
    )
    assert places(write("c.jsonl", text)) == [(4, "name")]
    first, second = read_catalog(write("c.ndjson", text.rpartition("\n")[0]))
    assert (first.key, first.sku.gender, first.sku.back_image) == ("123456789012345678901234567890", None, UNSET)
    assert (second.sku.project_ids, second.sku.is_in_wardrobe, second.line) == ((3,), False, 3)


def test_parquet(tmp_path):
    rows = [
        {"key": 12345678901234567, "name": "a", "frontImage": "f", "projectIds": [1, 2], "isInWardrobe": True},
        {"key": 2, "name": "b", "frontImage": "f", "projectIds": [], "isInWardrobe": None},
        {"key": 3, "name": "c", "frontImage": "f", "projectIds": None, "isInWardrobe": False},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet", row_group_size=1)
    first, second, third = read_catalog(tmp_path / "c.parquet")
    assert (first.key, first.sku.project_ids, first.line) == ("12345678901234567", (1, 2), 1)
    assert (second.sku.project_ids, second.sku.is_in_wardrobe) == ((), UNSET)
    assert (third.sku.project_ids, third.sku.is_in_wardrobe) == (UNSET, False)


def test_parquet_of_text_is_read_as_cells(tmp_path):
    text = pa.array(["1;2", "[3]", ""]).dictionary_encode()
    columns = {"key": ["A", "B", "C"], "name": ["a"] * 3, "front_image": ["f"] * 3, "project_ids": text}
    pq.write_table(pa.table(columns | {"is_in_wardrobe": ["yes", "", "no"]}), tmp_path / "c.parquet")
    items = read_catalog(tmp_path / "c.parquet")
    assert [item.sku.project_ids for item in items] == [(1, 2), (3,), UNSET]
    assert [item.sku.is_in_wardrobe for item in items] == [True, UNSET, False]


def test_parquet_without_pyarrow_says_what_to_install(write):
    path = write("c.parquet", b"PAR1")
    code = "import sys; sys.modules['pyarrow'] = None\nfrom aishoot_async.sync import read_catalog\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}read_catalog({str(path)!r})"], capture_output=True, text=True, check=False
    )
    assert f"{ConfigurationError.__name__}: " in done.stderr
    assert "pip install 'aishoot-async[data]'" in done.stderr


def test_reading_csv_and_json_does_not_import_pyarrow(write):
    path = write("c.csv", f"{HEADING}\nA,a,f\n")
    code = f"import sys\nfrom aishoot_async.sync import read_catalog\nread_catalog({str(path)!r})\n"
    subprocess.run([sys.executable, "-c", f"{code}assert 'pyarrow' not in sys.modules"], check=True)


def test_a_heading_alone_is_an_empty_catalog(write, tmp_path):
    assert read_catalog(write("c.csv", HEADING)) == []
    assert read_catalog(write("d.csv", f"{HEADING}\n\n")) == []
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in HEADING.split(",")}), tmp_path / "c.parquet")
    assert read_catalog(tmp_path / "c.parquet") == []


# Pictures


@pytest.mark.parametrize("name", ["front.JPG", "sub/front", "./front.webp"])
def test_a_path_is_found_from_the_file_s_own_folder(write, tmp_path, monkeypatch, name):
    (tmp_path / "sub").mkdir()
    write(name, b"-")
    path = write("c.csv", f"{HEADING},backImage\nA,a,{name},front\n")
    monkeypatch.chdir(tmp_path.parent)
    (item,) = read_catalog(path.relative_to(tmp_path.parent))
    assert item.sku.front_image == f"{tmp_path}/{name}"
    assert item.sku.back_image == "front"  # no suffix, no slash: an identifier
    (again,) = read_catalog(write("d.jsonl", json.dumps({"key": "A", "name": "a", "frontImage": str(tmp_path / name)})))
    assert again.sku.front_image == str(tmp_path / name)


def test_a_picture_that_is_not_there_is_a_bad_row(write, tmp_path):
    (tmp_path / "folder.png").mkdir()
    path = write("c.csv", f"{HEADING},backImage\nA,a,no.jpg,f\nB,b,x/y,folder.png\nC,c,f,a\0.tif\n")
    assert places(path) == [(2, "front_image"), (3, "front_image"), (3, "back_image"), (4, "back_image")]
    assert f"no file {tmp_path}/no.jpg" in refused(path)[0][2]


# What is refused


BAD_CELLS = {
    "key": ["", "  ", '"a\nb"', "a\x00b", "a\x7fb", "a\u2028b"],
    "name": ["", " "],
    "frontImage": ["", " "],
    "backImage": [" "],
    "gender": ["Female", "men"],
    "isInWardrobe": ["maybe", "2", "t"],
    "projectIds": ["0", "-1", "1.5", "1;", "1;x", '"1,2"', "[1", '"[1, ""2""]"', "[true]", "[1e2]", "null", "1" * 5000],
    "skuCategoryName": ["coat", "TOP"],
}
GOOD = {"key": "A", "name": "a", "frontImage": "f"}


@pytest.mark.parametrize(
    ("column", "cell"),
    [(column, cell) for column, cells in BAD_CELLS.items() for cell in cells],
    ids=lambda value: repr(value)[:20],
)
def test_a_cell_that_cannot_be_right(write, column, cell):
    row = GOOD | {column: cell}
    ((line, field, said),) = refused(write("c.csv", f"{','.join(row)}\n{','.join(row.values())}\n"))
    assert (line, field) == (2, {"frontImage": "front_image"}.get(column, field))
    assert said.startswith("line 2: ")


BAD_VALUES = [
    ("key", 1.0),
    ("key", True),
    ("key", None),
    ("key", ["A"]),
    ("name", None),
    ("name", 5),
    ("frontImage", 12),
    ("gender", ""),
    ("gender", {}),
    ("isInWardrobe", None),
    ("isInWardrobe", 1),
    ("projectIds", [1.0]),
    ("projectIds", [True]),
    ("projectIds", {"1": 2}),
    ("projectIds", None),
    ("backImage", ""),
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES, ids=repr)
def test_a_value_that_cannot_be_right(write, name, value):
    ((line, _, _),) = refused(write("c.jsonl", json.dumps(GOOD | {name: value})))
    assert line == 1


ROW = json.dumps(GOOD)
BAD_LINES = {
    "NaN": (b'{"key": NaN}', None),
    "infinity": (b'{"key": "A", "name": -Infinity}', None),
    "not UTF-8": (b'{"key": "\xff", "name": "a", "frontImage": "f"}', None),
    "a lone surrogate": (b'{"key": "\\ud800", "name": "a", "frontImage": "f"}', None),
    "a bomb": (b'{"projectIds": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
    "a bomb in a cell": (json.dumps(GOOD | {"projectIds": "[" * 100_000}).encode(), "project_ids"),
    "no object": (b"[1]", None),
    "text": (b'"key"', None),
    "twice": (b'{"key": "A", "name": "a", "frontImage": "f", "key": "B"}', "key"),
    "twice, in two spellings": (b'{"key": "A", "name": "a", "frontImage": "f", "front_image": "g"}', "front_image"),
    "twice, escaped": (b'{"key": "A", "name": "a", "frontImage": "f", "n\\u0061me": "b"}', "name"),
    "unknown": (b'{"key": "A", "name": "a", "frontImage": "f", "price": 3}', "price"),
    "cut": (ROW[:-1].encode(), None),
    "two objects": ((ROW + ROW).encode(), None),
    "missing": (b'{"key": "A", "name": "a"}', "front_image"),
}


@pytest.mark.parametrize(("text", "field"), list(BAD_LINES.values()), ids=list(BAD_LINES))
def test_a_line_that_cannot_be_read_is_that_line_s_error(write, text, field):
    path = write("c.jsonl", b"\n".join([ROW.encode().replace(b"A", b"1"), text, ROW.encode().replace(b"A", b"2")]))
    assert places(path) == [(2, field)]


@pytest.mark.parametrize(
    ("heading", "fields", "said"),
    [
        ("key,name,frontImage,price", ["price"], "no column"),
        ("key,name,frontImage,gendr", ["gendr"], "Did you mean gender?"),
        ("key,name,frontImage,frontImage", ["front_image"], "twice"),
        ("key,name,frontImage,front_image", ["front_image"], "twice"),
        ("key,name,frontImage,", [None], "column 4 has no name"),
        ("name", ["key", "front_image"], "the column key is missing"),
        ("x;y", ["x", "y"], "no column"),
        ("key,name,front", ["front"], "frontImage"),
    ],
)
def test_a_heading_that_cannot_be_right(write, heading, fields, said):
    problems = refused(write("c.csv", f"{heading}\nA,a,f,b\n"))
    assert [field for _, field, _ in problems] == fields
    assert {line for line, _, _ in problems} == {1}
    assert said in problems[0][2]


def test_parquet_with_columns_that_are_none(tmp_path):
    pq.write_table(pa.table({"key": ["A"], "price": [1], "name": ["a"]}), tmp_path / "c.parquet")
    assert [field for _, field, _ in refused(tmp_path / "c.parquet")] == ["price"]
    pq.write_table(pa.table({"key": ["A"], "name": ["a"]}), tmp_path / "c.parquet")
    assert [field for _, field, _ in refused(tmp_path / "c.parquet")] == ["front_image"]


def test_parquet_with_values_that_cannot_be_right(tmp_path):
    broken = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    columns = {"key": [1.5, 2.0, 3.0], "name": broken, "frontImage": ["f", "f", "f"], "gender": ["male", "x", None]}
    pq.write_table(pa.table(columns), tmp_path / "c.parquet")
    assert places(tmp_path / "c.parquet") == [(1, "key"), (2, "key"), (2, "name"), (2, "gender"), (3, "key")]
    assert refused(tmp_path / "c.parquet")[0][2].startswith("row 1: ")


@pytest.mark.parametrize("name", ["c.csv", "c.jsonl", "c.parquet"])
def test_an_empty_file_is_no_empty_catalog(write, name):
    for content in ("", "\n \r\n", "\ufeff"):
        ((_, field, said),) = refused(write(name, content))
        assert field is None
        assert name in said


@pytest.mark.parametrize("name", ["c.txt", "c", "c.csv.gz", ".csv"])
def test_a_file_of_another_format(write, name):
    ((_, _, said),) = refused(write(name, f"{HEADING}\n"))
    assert ".parquet" in said


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "d.csv").mkdir()
    for name in ("no.csv", "no.jsonl", "no.parquet", "d.csv", "a\0b.csv"):
        with pytest.raises(SyncError, match="cannot be read"):
            read_catalog(tmp_path / name)


def test_utf_16_and_other_encodings(write):
    ((_, _, said),) = refused(write("c.csv", f"{HEADING}\n".encode("utf-16")))
    assert "UTF-16" in said
    path = write("c.csv", f"{HEADING}\nA,Größe,f\nB,b,f\nC,c,\u00e9.jpg".encode("latin-1"))
    assert places(path) == [(2, "name"), (4, "front_image")]
    assert all("not UTF-8" in said for _, _, said in refused(path))
    for line in (b'{"key": "\xff", "name": "a", "frontImage": "f"}', b'{"key\xff": "A"}'):
        ((_, _, said),) = refused(write("c.jsonl", line))
        assert "not UTF-8" in said


def test_rows_of_another_length_and_quotes_that_are_wrong(write):
    path = write("c.csv", f'{HEADING}\nA,a\nB,b,f,x\n"C"c,c,f\nD,d,f\nE,"e,f\nF,f,f\n')
    assert places(path) == [(2, None), (3, None), (4, None), (6, None)]
    assert "never closed" in refused(path)[3][2]


def test_every_bad_row_is_listed_twenty_are_shown_and_the_rest_counted(write):
    rows = "".join(f"K{n},n,f,x,y\n" for n in range(30))
    path = write("c.csv", f"{HEADING},gender,isInWardrobe\n{rows}")
    assert places(path) == [(line, field) for line in range(2, 32) for field in ("gender", "is_in_wardrobe")]
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    first, *listed = str(caught.value).splitlines()
    assert "60 problems" in first
    assert len(listed) == 21
    assert "40 more" in listed[-1]
    assert caught.value.problems[2].key == "K1"


def test_a_key_that_is_there_twice_names_both_lines(write):
    path = write("c.csv", f"{HEADING}\nA,a,f\nB,b,f\nA,c,f\nA,d,f\na,e,f\n")
    problems = refused(path)
    assert [(line, field) for line, field, _ in problems] == [(4, "key"), (5, "key")]
    assert all("line 2" in said for _, _, said in problems)


# A file that was cut is never a shorter catalog


LONG = [{"key": f"K{n}", "name": f'Dress "{n}"\nlong', "frontImage": "f", "gender": "female"} for n in range(3)]


def test_json_cut_at_every_byte(write):
    whole = "\n".join(map(json.dumps, LONG)).encode()
    ends = [whole.index(b"}", at) + 1 for at in (0, len(json.dumps(LONG[0])) + 1)]
    for at in range(1, len(whole)):
        path = write("c.jsonl", whole[:at])
        if whole[:at].rstrip() in [whole[:end] for end in ends]:
            assert len(read_catalog(path)) < 3  # nobody can know: the cut is between two lines
        else:
            refused(path)


def test_csv_cut_at_every_byte(write):
    rows = [f'K{n},"Dress ""{n}"", long\nand wide",f,female' for n in range(3)]
    whole = "\n".join([f"{HEADING},gender", *rows])
    boundaries = {len("\n".join([f"{HEADING},gender", *rows[:count]])) for count in range(3)}
    boundaries |= {boundary + 1 for boundary in boundaries}
    # Where the last cell is cut just behind its comma, the row states less; that cannot be told from an empty cell.
    for at in range(1, len(whole)):
        path = write("c.csv", whole[:at])
        if at in boundaries or whole[:at] in {HEADING, f"{HEADING},"}:
            assert len(read_catalog(path)) < 3
        elif whole[:at].endswith("f,"):
            assert read_catalog(path)[-1].sku.gender is UNSET
        else:
            refused(path)


def test_parquet_cut_at_every_byte(tmp_path):
    pq.write_table(pa.Table.from_pylist(LONG), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    assert len(read_catalog(tmp_path / "whole.parquet")) == 3
    for at in range(0, len(whole), 7):
        (tmp_path / "c.parquet").write_bytes(whole[:at])
        ((_, field, said),) = refused(tmp_path / "c.parquet")
        assert field is None
        assert "c.parquet" in said


PIECES = [
    *BAD_CELLS,
    *HEADING,
    f"{HEADING}\n",
    "A",
    '"',
    ",",
    ";",
    "\n",
    "\r",
    "1",
    "[",
    "]",
    "{",
    "}",
    ":",
    "\\u",
    "\0",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3)), st.binary(max_size=4))
def test_no_text_raises_anything_but_a_catalog_error(tmp_path_factory, pieces, tail):
    for name in ("c.csv", "c.jsonl", "c.parquet"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes("".join(pieces).encode() + tail)
        with contextlib.suppress(CatalogError):
            read_catalog(path)
