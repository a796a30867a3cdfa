"""The benchmarks run, as far as they need no peers: figures of what no longer works would be found out too late."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("uvloop")
TOP = Path(__file__).parent.parent
SAME_ROWS = """
from benchmarks.scenes.streams import CORE, SameRows
from benchmarks.server import Settings, running

same = SameRows()
with running(Settings()) as url:
    for scene in (scene for scene in CORE if scene.loop == "uvloop" and "page by page" not in scene.name):
        entrant = scene.entrant(url, 1_000)
        outcome = entrant.run(warm_up=500)
        assert outcome["items"] == 1_000
        same(entrant, None, outcome)
"""
EXPORTS = """
import sys
from pathlib import Path
from benchmarks.runs import Entrant, rotate
from benchmarks.scenes import written
from benchmarks.server import Settings, running

def check(entrant, folder, _):
    written.check(written.ours(folder, entrant.name), entrant.items)
    try:
        written.check(written.ours(folder, entrant.name), entrant.items + 1)
    except RuntimeError as error:
        assert f"row {entrant.items} is not what was served" in str(error)
    else:
        raise AssertionError("a row too few was not seen")

with running(Settings()) as url:
    entrants = [
        Entrant(name=suffix, module="export_ours", url=url, items=1_050, task={"options": {"format": suffix}})
        for suffix in ("jsonl", "parquet")
    ]
    rotate(entrants, 1, check)
"""
REPORT = """
from benchmarks import goals, plot
from benchmarks.report import Report
from benchmarks.runs import Run, Runs

runs = Runs({"ours": [Run(1.0, 1.0, 100, 0, 0), Run(4.0, 1.0, 100, 0, 0)], "theirs": [Run(2.0, 3.0, 100, 0, 0)] * 2})
assert runs.ratio("ours", "theirs").median == 1.25  # of 2 and 0.5: each within its round
figures = {f"fields ÷ floor by {by}": runs.ratio("ours", "theirs", by) for by in ("cpu", "seconds")}
print(goals.table([Report("", [], {}, figures)]).markdown().splitlines()[-1])
print(plot.draw("A < B", "of some", [plot.Bar("ours & theirs", 3.0, is_ours=True), plot.Bar("theirs", 1.0)]))
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ours_the_baseline_and_the_floor_give_the_same_rows():
    run(SAME_ROWS)


def test_what_an_export_has_written_is_held_against_what_was_served():
    pytest.importorskip("pyarrow")
    run(EXPORTS)


def test_a_goal_is_judged_and_the_picture_is_one():
    judged, picture = run(REPORT).split("\n", 1)
    cells = [cell.strip() for cell in judged.strip("|").split("|")]
    assert cells[1:] == ["≥ 0.7", "≥ 0.8", "3.00 (3.00 to 3.00)", "aim", "1.25 (0.50 to 2.00)"]
    assert len(ET.fromstring(picture)) == 3 + 2 * 3
