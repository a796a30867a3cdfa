"""Zstandard files of several frames: every common reader reads all of them, in the way that the README shows."""

import io
import shutil
import subprocess
import sys

import pytest

from aishoot_async.export import export_results
from aishoot_async.sandbox import Sandbox
from helpers.parts import session_of

ROWS = 5000
FRAME = b"\x28\xb5\x2f\xfd"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def file(tmp_path_factory, anyio_backend):
    pytest.importorskip("zstandard")
    path = tmp_path_factory.mktemp("zstd") / "r.jsonl.zst"
    async with Sandbox(briefs={1: ROWS}) as sandbox, session_of(sandbox) as session:
        await export_results(session, [1], path)
    assert path.read_bytes().count(FRAME) > 1
    return path


def by_zstd(path):
    if shutil.which("zstd") is None:
        pytest.skip("needs zstd")
    return subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout.count(b"\n")


def by_zstandard_open(path):
    with pytest.importorskip("zstandard").open(path, "rt", encoding="utf-8") as lines:
        return sum(1 for _ in lines)


def by_zstandard_reader(path):
    decompressor = pytest.importorskip("zstandard").ZstdDecompressor()
    with path.open("rb") as file, decompressor.stream_reader(file, read_across_frames=True) as reader:
        return sum(1 for _ in io.TextIOWrapper(reader, "utf-8"))


def by_the_standard_library(path):
    if sys.version_info < (3, 14):
        pytest.skip("needs Python 3.14")
    from compression import zstd  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    with zstd.open(path, "rt", encoding="utf-8") as lines:
        return sum(1 for _ in lines)


def by_pyarrow(path):
    return pytest.importorskip("pyarrow.json").read_json(path).num_rows


def by_polars(path):
    return len(pytest.importorskip("polars").read_ndjson(path, infer_schema_length=None))


def by_duckdb(path):
    query = f"SELECT count(*) FROM read_json('{path}', format = 'newline_delimited')"
    return pytest.importorskip("duckdb").connect().execute(query).fetchall()[0][0]


def by_pandas(path):
    return len(pytest.importorskip("pandas").read_json(path, lines=True))


READERS = [
    by_zstd,
    by_zstandard_open,
    by_zstandard_reader,
    by_the_standard_library,
    by_pyarrow,
    by_polars,
    by_duckdb,
    by_pandas,
]


@pytest.mark.anyio
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
async def test_all_frames_are_read(file, read):
    assert read(file) == ROWS
