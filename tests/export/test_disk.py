"""Promise 2: the disk is full in mid-line. A typed error; the journal claims no more than the disk holds."""

import json
import sqlite3
from contextlib import closing

import pytest

from aishoot_async.sandbox import ThreadedSandbox
from helpers.parts import contents, needs, options_for

# A limit on the size of files, in a child of its own, stands in for the end of the disk: the write that meets it is cut
# in the middle, as on a full disk. Which file meets it first is the same in each run.
CASES = [
    ("csv", 40_000, True, "the journal"),
    ("jsonl", 40_000, False, "File too large"),
    ("jsonl.gz", 40_000, False, "File too large"),
    ("parquet", 40_000, False, "File too large"),
]


@pytest.fixture(scope="module")
def server():
    with ThreadedSandbox(briefs={1: 600, 2: 33}, max_page_size=20) as running:
        yield running


@pytest.mark.parametrize(("name", "limit", "small_parts", "said"), CASES)
def test_a_full_disk_is_an_export_error_and_resume_is_exact(exports, server, tmp_path, name, limit, small_parts, said):
    needs(name)
    whole, full = tmp_path / "whole", tmp_path / "full"
    options = {**options_for(name), "small_parts": small_parts}
    assert exports.run(server, [1, 2], whole, **options)["complete"]
    failed = exports.run(server, [1, 2], full, file_limit=limit, **options)
    assert failed["error"] == "ExportError", failed
    assert said in failed["message"]
    assert "the same call goes on" in failed["message"]
    assert not (full / "_SUCCESS").exists()
    assert_no_more_is_claimed_than_is_there(full, name)
    # Now not even the journal can be opened; that is no damage.
    still_full = exports.run(server, [1, 2], full, file_limit=20_000, **options)
    assert "the same call goes on" in still_full["message"]
    last = exports.run(server, [1, 2], full, **options)
    assert last["complete"], last
    assert contents(full) == contents(whole)


def assert_no_more_is_claimed_than_is_there(folder, name):
    home = folder / ".aishoot" / "1-of-1"
    with closing(sqlite3.connect(f"file:{home / 'journal.sqlite'}?mode=ro", uri=True)) as journal:
        records = [json.loads(record) for (record,) in journal.execute("SELECT record FROM unit")]
    for record in records:
        reading = record["reading"] or {"staged": [], "open": None}
        for part in [*reading["staged"], *([reading["open"]] if reading["open"] else [])]:
            file = home / "staging" / record["name"] / f"part-{part['number']:05}.staged"
            if record["state"] == "publishing" and not file.exists():
                file = folder / record["name"] / f"part-{part['number']:05}.{name}"
            assert file.stat().st_size >= part["size"]
