"""What stands in the parts, as others read it."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aishoot_async import ConfigurationError, Page
from aishoot_async.export import export_results, formats, lines
from aishoot_async.export.formats import FORMATS, configure_format
from aishoot_async.sandbox import Fault, RawBody, Sandbox
from helpers.parts import session_of

pytestmark = pytest.mark.anyio
HUGE = 12345678901234567890123
ROWS = [
    b'{"id":"a","n":12345678901234567890123,"f":1.50,"t":"\xc3\xa4 \\u00e9","n":1e400}',
    b'{"id":77,"model":{"name":"Ada, \\"A\\"\\nLovelace","list":[1, 2.0]},"nothing":null}',
    b'{"sku":"no id","model":null,"id.x":true}',
    b'{"id":"\\u0000","a\\u0000b":"\\ud83d\\udc57 \xf0\x9f\x91\x97 \x7f \xe2\x80\xa8"}',
    b'{"id":"","":"\\/ \\b\\f\\n\\r\\t \xef\xbf\xbf\xef\xbb\xbf"}',
]
BODY = b'{"entries":[' + b",".join(ROWS) + b'],"total":5}'


@pytest.fixture
async def folder(tmp_path):
    """Two briefs as a Parquet folder: one of 2,300 rows, one of rows that are hard to keep."""
    pytest.importorskip("pyarrow")
    fault = Fault(RawBody(BODY), operation="brief_results", brief=2)
    async with Sandbox(briefs={1: 2300, 2: 5, 3: 0}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1, 2, 3], tmp_path / "p", format="parquet")
        await export_results(session, [1, 2, 3], tmp_path / "j")
        await export_results(session, [2], tmp_path / "one.parquet")
    return tmp_path


def expected(folder):
    """Read the JSON Lines of the same briefs."""
    found = []
    for brief in (1, 2, 3):
        lines = (folder / "j" / f"brief_id={brief}" / "part-00000.jsonl").read_bytes().decode().split("\n")[:-1]
        found += [(brief, number // 100 + 1, number % 100, line) for number, line in enumerate(lines)]
    return found


async def test_pyarrow_duckdb_and_polars_read_the_same_rows(folder):
    pq, wanted = pytest.importorskip("pyarrow.parquet"), expected(folder)
    assert len(wanted) == 2305
    assert [raw.encode() for brief, _, _, raw in wanted if brief == 2] == ROWS
    assert any(str(HUGE) in raw for *_, raw in wanted)
    table = pq.read_table(folder / "p")
    assert sorted(zip(*(table[name].to_pylist() for name in COLUMNS), strict=True)) == wanted
    pattern = str(folder / "p" / "**" / "*.parquet")
    if duckdb := optional("duckdb"):
        rows = duckdb.sql(f"SELECT {', '.join(COLUMNS)} FROM read_parquet('{pattern}') ORDER BY ALL").fetchall()
        assert rows == wanted
    if polars := optional("polars"):
        frame = polars.read_parquet(pattern, hive_partitioning=True).select(COLUMNS)
        assert sorted(frame.rows()) == wanted


COLUMNS = ["brief_id", "page", "position", "raw"]


def optional(name):
    try:
        return __import__(name)
    except ImportError:
        return None


async def test_the_columns_are_plain(folder):
    pq = pytest.importorskip("pyarrow.parquet")
    one = pq.read_table(folder / "one.parquet")
    assert [(field.name, str(field.type)) for field in one.schema] == [
        ("id", "string"),
        ("brief_id", "int64"),
        ("page", "int32"),
        ("position", "int32"),
        ("raw", "string"),
    ]
    assert one["id"].to_pylist() == ["a", "77", None, "\0", ""]
    assert one["brief_id"].to_pylist() == [2, 2, 2, 2, 2]
    assert [raw.encode() for raw in one["raw"].to_pylist()] == ROWS
    # In a folder of Hive's kind the brief stands in the folder's name: pyarrow refuses a column that does, too.
    assert pq.ParquetFile(folder / "p" / "brief_id=2" / "part-00000.parquet").schema_arrow.names[:2] == ["id", "page"]
    assert pq.ParquetFile(folder / "p" / "brief_id=3" / "part-00000.parquet").metadata.num_rows == 0


@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz", "jsonl.zst"])
async def test_json_lines_are_the_items_own_json(tmp_path, name):
    unpack = bytes
    if name == "jsonl.gz":
        unpack = gzip.decompress
    elif name == "jsonl.zst":
        zstandard = pytest.importorskip("zstandard")
        unpack = lambda data: zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()  # noqa: E731
    fault = Fault(RawBody(BODY), operation="brief_results", brief=2)
    async with Sandbox(briefs={2: 3, 3: 0}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        await export_results(session, [2], tmp_path / f"r.{name}")
        await export_results(session, [3], tmp_path / f"empty.{name}")
    assert unpack((tmp_path / f"r.{name}").read_bytes()) == b"".join(row + b"\n" for row in ROWS)
    assert unpack((tmp_path / f"empty.{name}").read_bytes()) == b""


async def test_csv_is_a_projection(tmp_path):
    columns = ["id", "model.name", "model.list", "n", "f", "t", "nothing", "id.x"]
    body = BODY.replace(b',"n":1e400', b"")
    fault = Fault(RawBody(body), operation="brief_results")
    async with Sandbox(briefs={2: 3}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        await export_results(session, [2], tmp_path / "r.csv", columns=columns)
    text = (tmp_path / "r.csv").read_bytes().decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        columns,
        ["a", "", "", str(HUGE), "1.50", "ä é", "", ""],
        ["77", 'Ada, "A"\nLovelace', "[1, 2.0]", "", "", "", "", ""],
        ["", "", "", "", "", "", "", ""],
        ["\0", "", "", "", "", "", "", ""],
        ["", "", "", "", "", "", "", ""],
    ]


@pytest.mark.parametrize("half", [b"\\ud800", b"\\udc00", b"\\ud800\\u0041", b"\xed\xa0\x80"])
async def test_half_a_character_fails_its_brief_aloud_and_no_other(tmp_path, half):
    """No text in UTF-8 can hold it, and neither can Parquet or whoever reads the lines."""
    fault = Fault(
        RawBody(b'{"entries":[{"id":"x","t":"' + half + b'"}],"total":1}'), operation="brief_results", brief=2
    )
    async with Sandbox(briefs={1: 3, 2: 1}, faults=[fault]) as sandbox, session_of(sandbox) as session:
        report = await export_results(session, [1, 2], tmp_path / "r")
    assert [(outcome.state, outcome.permanent) for outcome in report.outcomes] == [
        ("complete", False),
        ("failed", True),
    ]
    assert "UnexpectedResponseError" in (report.failed[0].error or "")


async def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    async with Sandbox() as sandbox, session_of(sandbox) as session:
        with pytest.raises(ConfigurationError, match=r"aishoot-async\[data\]"):
            await export_results(session, [1], tmp_path / "r.parquet")
    assert list(tmp_path.iterdir()) == []


texts = st.text(max_size=6)
items = st.dictionaries(
    st.sampled_from(["a", "b", "c"]) | texts, st.none() | st.integers() | texts | st.just({"c": 1.5}), max_size=3
).map(lambda item: json.dumps(item, ensure_ascii=False).encode(errors="replace"))


@settings(max_examples=40)
@given(st.lists(st.lists(items, max_size=4), max_size=4))
def test_whatever_the_items_are_csv_reads_back_as_many_rows(pages):
    encoder = FORMATS["csv"](columns=["a", "b.c"]).encoder(None)
    numbered = [Page(number=number, items=page, raw=page) for number, page in enumerate(pages)]
    text = b"".join([encoder.begin(), *encoder.block(numbered)]).decode()
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 1 + sum(map(len, pages))


@settings(max_examples=40)
@given(st.lists(st.lists(items, max_size=4), max_size=6), st.integers(0, 6))
def test_a_splittable_format_gives_the_same_bytes_wherever_blocks_are_cut(pages, cut):
    numbered = [Page(number=number, items=page, raw=page) for number, page in enumerate(pages)]
    for known in FORMATS.values():
        if known.splittable:
            chosen = configure_format(known, {"columns": ["a"]} if "columns" in known.options else {})
            one, two = chosen.encoder(None), chosen.encoder(None)
            parts = [*two.block(numbered[:cut]), *two.block(numbered[cut:])]
            assert b"".join(one.block(numbered)) == b"".join(parts)


def test_lines_come_page_by_page_and_not_as_a_block():
    """The memory of a block would be asked of the system, and given back, each time."""
    numbered = [Page(number=number, items=(), raw=[b'{"id":%d}' % number, b"{}"]) for number in range(3)]
    assert [*FORMATS["jsonl"]().encoder(None).block(numbered)] == [b'{"id":%d}\n{}\n' % number for number in range(3)]


@pytest.mark.parametrize("gap", [b"\n", b"\r", b"\r\n", b"\n  "])
def test_an_item_written_over_several_lines_comes_on_one(gap: bytes):
    assert lines([b"{}", b'{"id":' + gap + b"1}"]) == b'{}\n{"id":1}\n'
