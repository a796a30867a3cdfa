"""What a destination's name says: file or folder, and which format; by one rule for this machine and for stores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ExportError, RequestValidationError
from aishoot_async.export import export_results
from aishoot_async.export.formats import FORMATS, choose_format, find_format
from aishoot_async.sandbox import Sandbox
from helpers.parts import needs, session_of, visible
from helpers.s3_stub import BUCKET

pytestmark = pytest.mark.anyio
OF_FILES = {
    "r.JSONL": "jsonl",
    "R.CSV": "csv",
    "r.Parquet": "parquet",
    "r.jsonl.GZ": "jsonl.gz",
    "R.JsonL.Zst": "jsonl.zst",
    "results.2026-11-30.jsonl": "jsonl",
    ".csv": "csv",
}
OF_NO_FILE = [
    "r.json",
    "r.ndjson",
    "r.JSONLINES",
    "r.jsonl.bz2",
    "r.jsonl.gzip",
    "r.jsonl.xz",
    "r.csv.gz",
    "r.parquet.gz",
    "r.CSV.zst",
    "r.avro",
    "r.arrow",
    "r.feather",
    "r.orc",
    "r.pq",
    "r.parq",
    "r.tsv",
    "r.txt",
    "r.XLSX",
    "r.sqlite",
    "r.zip",
    "r.tar.gz",
    "r.jsonl ",
    "r.csv\u00a0",
    "r.parquet\u200b",
    "r. jsonl",
    "r.jsonl~",
    "r.jsonl.",
    "r.jsonl.tmp",
    "r.json.part",
    "r.\uff23\uff33\uff36",
    "r.json5",
]
OF_FOLDERS = [
    "results.2026-11-30",
    "v1.2",
    "brief.d",
    "shop.example.com",
    "r",
    "jsonl",
    "csv",
    "..r",
    "r.v2.final",
    "a.b",
]


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 3}) as sandbox, session_of(sandbox) as open_session:
        yield open_session


def _columns(wanted):
    return {"columns": ["id"]} if wanted == "csv" else {}


@pytest.mark.parametrize(("name", "wanted"), OF_FILES.items())
async def test_a_suffix_says_the_format_in_any_case(tmp_path, session, stub, options, name, wanted):
    needs(wanted)
    for known in {None, wanted}:
        report = await export_results(session, [1], tmp_path / name, format=known, **_columns(wanted), **options)
        assert report.complete
    lower = tmp_path / f"lower.{wanted}"
    await export_results(session, [1], lower, **_columns(wanted))
    assert (tmp_path / name).read_bytes() == lower.read_bytes()
    await export_results(session, [1], f"s3://{BUCKET}/a/{name}", **_columns(wanted), **options)
    assert stub.objects == {f"a/{name}": lower.read_bytes()}


@pytest.mark.parametrize(("name", "wanted"), OF_FILES.items())
async def test_another_format_than_the_suffix_says_is_refused(tmp_path, session, name, wanted):
    needs(wanted)
    other = "csv" if wanted == "jsonl" else "jsonl"
    with pytest.raises(RequestValidationError, match="does not end as"):
        await export_results(session, [1], tmp_path / name, format=other, **_columns(other))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", OF_NO_FILE)
async def test_the_name_of_a_file_that_cannot_be_written_makes_no_folder(tmp_path, session, stub, options, name):
    for start in (f"{tmp_path}/", f"s3://{BUCKET}/", f"s3://{BUCKET}/deep/"):
        for known in (None, "jsonl"):
            with pytest.raises(RequestValidationError, match=r"\.jsonl, .*\.parquet, .*\.csv") as caught:
                await export_results(session, [1], f"{start}{name}", format=known, **options)
            assert caught.value.field == "destination"
    assert visible(tmp_path) == []
    assert not stub.requests


@pytest.mark.parametrize("name", OF_FOLDERS)
async def test_a_name_with_dots_is_a_folder_still(tmp_path, session, stub, options, name):
    assert (await export_results(session, [1], tmp_path / name)).complete
    assert (tmp_path / name / "_SUCCESS").exists()
    assert (await export_results(session, [1], f"s3://{BUCKET}/{name}", **options)).complete
    assert f"{name}/_SUCCESS" in stub.objects


@pytest.mark.parametrize("name", ["r.jsonl", "R.CSV", "r.json", "r.tar.gz"])
async def test_a_slash_at_the_end_says_that_it_is_a_folder(tmp_path, session, stub, options, name):
    assert (await export_results(session, [1], f"{tmp_path}/{name}/")).complete
    assert (tmp_path / name / "brief_id=1" / "part-00000.jsonl").exists()
    assert (await export_results(session, [1], f"s3://{BUCKET}/{name}/", **options)).complete
    assert f"{name}/brief_id=1/part-00000.jsonl" in stub.objects


async def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path, session):
    await export_results(session, [1], f"{tmp_path}/file.jsonl")
    with pytest.raises(ExportError, match="it is no folder"):
        await export_results(session, [1], f"{tmp_path}/file.jsonl/")
    await export_results(session, [1], f"{tmp_path}/folder.jsonl/")
    with pytest.raises(ExportError):
        await export_results(session, [1], f"{tmp_path}/folder.jsonl")


@pytest.mark.parametrize("name", ["-", "~", "~/r.jsonl", "~/results", "~root/r.jsonl", "~root"])
async def test_what_a_shell_would_have_replaced_is_refused(tmp_path, monkeypatch, session, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestValidationError) as caught:
        await export_results(session, [1], name)
    assert caught.value.field == "destination"
    assert not list(tmp_path.iterdir())


async def test_a_tilde_is_refused_without_a_home_too(tmp_path, monkeypatch, session):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    for options in ({"destination": "~/results"}, {"destination": "s3://b/x", "state": "~/state"}):
        with pytest.raises(RequestValidationError, match="begins with ~"):
            await export_results(session, [1], **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["./-", "./~", "-r", "~x-is-no-user", "a~", "r/~"])
async def test_other_names_with_such_signs_are_folders(tmp_path, monkeypatch, session, name):
    monkeypatch.chdir(tmp_path)
    assert (await export_results(session, [1], name)).complete
    assert (tmp_path / name / "_SUCCESS").exists()


@pytest.mark.parametrize("device", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/null", "/proc/self/fd/2"])
async def test_a_stream_is_no_destination(session, device):
    with pytest.raises(ExportError, match=r"it is no folder|cannot use"):
        await export_results(session, [1], device)


@given(st.text(), st.sampled_from(list(FORMATS)), st.data())
def test_the_case_of_a_suffix_is_no_matter(stem, wanted, data):
    suffix = "".join(data.draw(st.sampled_from([sign, sign.upper()])) for sign in f".{wanted}")
    assert find_format(f"{stem}{suffix}") is FORMATS[wanted]


@given(st.text())
def test_a_name_is_that_of_a_file_that_can_be_written_or_of_a_folder_or_refused(name):
    try:
        chosen = choose_format(None, name)
    except RequestValidationError:
        assert find_format(name) is None
    else:
        assert chosen is (find_format(name) or FORMATS["jsonl"])
