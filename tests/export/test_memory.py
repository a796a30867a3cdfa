"""Promise 24: memory does not grow with the number of items, nor with that of briefs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent
PROGRAM = """
import asyncio, gc, json, os, sys, urllib.request
from pathlib import Path
from aishoot_async import AIShootSession
from aishoot_async.export import export_results
from benchmarks.server import Settings, running

folder, name, briefs, items, begin = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
page = os.sysconf("SC_PAGE_SIZE")
whole, seen, due = briefs * items, [], 0

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * page

def tell(progress):
    global due
    done = progress.pages + progress.briefs_done
    if progress.rows >= whole * begin // 100 and done >= due:
        due = done + 20
        gc.collect()
        seen.append((rss(), len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), len(gc.get_objects())))

async def main(url):
    async with AIShootSession("t", base_url=url) as session:
        report = await export_results(session, range(1, briefs + 1), folder, format=name, on_progress=tell)
    names = ("grown", "tasks", "files", "objects")
    grown = {name: max(values) - values[0] for name, values in zip(names, zip(*seen), strict=True)}
    return {"complete": report.complete, "items": report.items, "open": len(os.listdir("/proc/self/fd")), **grown}

with running(Settings(total=items)) as url:
    said = asyncio.run(main(url))
    with urllib.request.urlopen(f"{url}/counts") as answer:
        said["requests"] = json.load(answer)[0]
print(json.dumps(said))
"""
pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
MIB = 1024 * 1024


def measured(folder, *, briefs, items, name="jsonl", begin=1):
    """Export, and see by how much memory and all else has grown after the first ``begin`` per cent."""
    pytest.importorskip("uvloop")
    command = [sys.executable, "-c", PROGRAM, str(folder), name, str(briefs), str(items), str(begin)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["complete"], said["items"]) == (True, briefs * items)
    assert said["open"] < 40
    return said


def test_a_hundred_thousand_items(tmp_path):
    assert measured(tmp_path / "r", briefs=1, items=100_000)["grown"] < 20 * MIB


def assert_little_is_kept_of_each(said, briefs):
    """Of a brief that is done its outcome is left: no task, no open file, and few objects."""
    assert said["grown"] < 20 * MIB
    assert said["tasks"] < 50
    assert said["files"] < 20
    # What is under way comes and goes by some hundred objects, however many briefs there are.
    assert said["objects"] < 2 * briefs + 1_000


def test_six_hundred_briefs_of_one_page_each(tmp_path):
    said = measured(tmp_path / "r", briefs=600, items=60, begin=20)
    assert_little_is_kept_of_each(said, 600)
    # No brief here is longer than any other, so the end of each is looked at once.
    assert said["requests"] <= 2 * 600 + 40


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["jsonl", "jsonl.gz"])
def test_a_million_items(tmp_path, name):
    assert measured(tmp_path / "r", briefs=1, items=1_000_000, name=name)["grown"] < 20 * MIB


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_million_items_as_parquet(tmp_path):
    # The first per cent is one row group, and Arrow's pool comes and goes by some: it is flat, not still.
    assert measured(tmp_path / "r", briefs=1, items=1_000_000, name="parquet", begin=10)["grown"] < 40 * MIB


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_thousand_briefs(tmp_path):
    said = measured(tmp_path / "r", briefs=5_000, items=60)
    assert_little_is_kept_of_each(said, 5_000)
    assert said["requests"] <= 2 * 5_000 + 40
