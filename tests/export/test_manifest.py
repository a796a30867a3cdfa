"""The manifest's name, and what an earlier release called it: taken over; what is somebody else's stays."""

import json
import sqlite3
from contextlib import closing

import pytest

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.sandbox import Sandbox
from helpers.parts import session_of, visible
from helpers.s3 import objects, other_client, store_options

pytestmark = pytest.mark.anyio
NEW, OLD = "_manifest.ndjson", "_manifest.jsonl"


@pytest.fixture
async def session():
    async with Sandbox(briefs={1: 25, 2: 3}) as sandbox, session_of(sandbox) as open_session:
        yield open_session


def as_earlier_releases(journal, *, knows):
    """Have a journal say what those of earlier releases say of the manifest."""
    with closing(sqlite3.connect(journal)) as database, database:
        if knows:
            database.execute("UPDATE fact SET name = 'manifest' WHERE name = 'manifest.ndjson'")
        else:
            database.execute("DELETE FROM fact WHERE name = 'manifest.ndjson'")


def make_earlier(folder, shard="1-of-1", *, knows=True):
    """Have a folder look as an earlier release leaves it."""
    suffix = "" if shard == "1-of-1" else f"-{shard}"
    (folder / f"_manifest{suffix}.ndjson").rename(folder / f"_manifest{suffix}.jsonl")
    as_earlier_releases(folder / ".aishoot" / shard / "journal.sqlite", knows=knows)


AGAIN = {
    "run again": ([1, 2], {}),
    "refreshed": ([1, 2], {"refresh": True}),
    "one brief refreshed": ([1], {"refresh": True}),
    "begun anew": ([1, 2], {"restart": True}),
    "begun anew with another format": ([1, 2], {"restart": True, "format": "jsonl.gz"}),
}


@pytest.mark.parametrize(("briefs", "how"), AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("knows", [True, False], ids=["journalled", "killed before it was journalled"])
async def test_an_earlier_manifest_is_taken_over(tmp_path, session, briefs, how, knows):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    make_earlier(folder, knows=knows)
    assert (await export_results(session, briefs, folder, **how)).complete
    assert visible(folder) == ["_SUCCESS", NEW, "brief_id=1", "brief_id=2"]
    assert [json.loads(line)["brief_id"] for line in (folder / NEW).read_text().splitlines()] == [1, 2]


async def test_a_newer_manifest_is_brought_up_to_date_after_a_run_of_an_earlier_release(tmp_path, session):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    wanted = (folder / NEW).read_bytes()
    (folder / OLD).write_bytes(wanted)
    (folder / NEW).write_bytes(b"older\n")
    as_earlier_releases(folder / ".aishoot/1-of-1/journal.sqlite", knows=True)
    await export_results(session, [1, 2], folder)
    assert (folder / NEW).read_bytes() == wanted
    assert OLD not in visible(folder)


async def test_an_empty_manifest_of_an_earlier_release_is_taken_over(tmp_path, session):
    folder = tmp_path / "r"
    await export_results(session, [404], folder)
    make_earlier(folder)
    await export_results(session, [404], folder)
    assert visible(folder) == [NEW]


async def test_each_shard_takes_over_its_own(tmp_path, session):
    folder = tmp_path / "r"
    for number in (1, 2):
        await export_results(session, [1, 2], folder, shard=(number, 2))
        make_earlier(folder, f"{number}-of-2")
    await export_results(session, [1, 2], folder, shard=(1, 2))
    names = [name for name in visible(folder) if "manifest" in name]
    assert names == ["_manifest-1-of-2.ndjson", "_manifest-2-of-2.jsonl"]
    await export_results(session, [1, 2], folder, shard=(2, 2))
    assert not [name for name in visible(folder) if name.endswith(".jsonl")]


async def test_in_a_store_too(s3, bucket, tmp_path, session):
    options = {"store_options": store_options(s3), "state": tmp_path / "state"}
    await export_results(session, [1, 2], f"s3://{bucket}/r", **options)
    manifest = objects(s3, bucket)[f"r/{NEW}"]
    client = other_client(s3)
    client.put_object(Bucket=bucket, Key=f"r/{OLD}", Body=manifest)
    client.delete_object(Bucket=bucket, Key=f"r/{NEW}")
    (journal,) = (tmp_path / "state").rglob("journal.sqlite")
    as_earlier_releases(journal, knows=True)
    await export_results(session, [1, 2], f"s3://{bucket}/r", **options)
    assert objects(s3, bucket)[f"r/{NEW}"] == manifest
    assert f"r/{OLD}" not in objects(s3, bucket)


FOREIGN = {
    "text": b"mine\n",
    "nothing": b"",
    "json of another kind": b'{"rows": 3}\n',
    "a list": b"[1, 2]\n",
    "one row of ours and one of another kind": b'{"brief_id": 1}\n{"a": 1}\n',
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("how", [{}, {"refresh": True}, {"restart": True}])
async def test_a_file_of_somebody_else_stays(tmp_path, session, content, how):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    (folder / OLD).write_bytes(content)
    assert (await export_results(session, [1, 2], folder, **how)).complete
    assert (folder / OLD).read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "link"])
async def test_what_is_no_file_stays(tmp_path, session, kind):
    folder = tmp_path / "r"
    await export_results(session, [1, 2], folder)
    if kind == "folder":
        (folder / OLD).mkdir()
    else:
        (folder / OLD).symlink_to(folder / NEW)
    assert (await export_results(session, [1, 2], folder, restart=True)).complete
    assert (folder / OLD).is_symlink() or (folder / OLD).is_dir()


@pytest.mark.parametrize("name", [NEW, OLD, "_manifest-1-of-4.ndjson"])
async def test_without_a_journal_neither_name_is_written_over(tmp_path, session, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ExportError, match="no journal"):
        await export_results(session, [1], tmp_path)
    assert (tmp_path / name).read_text() == "mine"
