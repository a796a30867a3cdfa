"""Promise 2: the disk is full in mid-line. A typed error; the journal claims no more than the disk holds."""

import pytest

from aishoot_async.sandbox import ThreadedSandbox
from helpers.parts import assert_the_journal_claims_no_more_than_is_there, contents, needs, options_for

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
    assert_the_journal_claims_no_more_than_is_there(full, name, tmp_path / "journal")
    # Now not even the journal can be opened; that is no damage.
    still_full = exports.run(server, [1, 2], full, file_limit=20_000, **options)
    assert "the same call goes on" in still_full["message"]
    last = exports.run(server, [1, 2], full, **options)
    assert last["complete"], last
    assert contents(full) == contents(whole)
