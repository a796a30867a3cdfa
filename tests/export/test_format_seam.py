"""A format is a class and a row in a table: all else that knows formats reads it there."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aishoot_async import RequestValidationError
from aishoot_async.export import export_results
from aishoot_async.export.formats import FORMATS
from aishoot_async.sandbox import Delay, Fault, Sandbox, ThreadedSandbox
from helpers.netstrings import Netstrings
from helpers.parts import contents, journal_rows, session_of

pytestmark = pytest.mark.anyio
ROWS = 12_000


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setitem(FORMATS, Netstrings.name, Netstrings)


def items_of(text):
    found = []
    while text:
        size, _, rest = text.partition(b":")
        found.append(json.loads(rest[: int(size)]))
        assert rest[int(size) : int(size) + 1] == b","
        text = rest[int(size) + 1 :]
    return found


async def test_it_is_exported_as_the_others_are(tmp_path):
    async with Sandbox(briefs={1: 250, 2: 3}) as sandbox, session_of(sandbox) as session:
        assert (await export_results(session, [1], tmp_path / "one.NETSTRINGS")).complete
        assert items_of((tmp_path / "one.NETSTRINGS").read_bytes()) == sandbox.results(1)
        assert (await export_results(session, [1, 2], tmp_path / "r", format="netstrings")).complete
        assert {name: items_of(text) for name, text in contents(tmp_path / "r").items()} == {
            f"brief_id={brief}/part-00000.netstrings": sandbox.results(brief) for brief in (1, 2)
        }
        with pytest.raises(RequestValidationError, match=r"there is no format 'xml'; there are .*, netstrings"):
            await export_results(session, [1], tmp_path / "x", format="xml")
        with pytest.raises(RequestValidationError, match="columns are for CSV; netstrings holds all of each item"):
            await export_results(session, [1], tmp_path / "x.netstrings", columns=["id"])


def aishoot(*arguments, server=None, **options):
    settings = {} if server is None else {"AISHOOT_TOKEN": server.token, "AISHOOT_BASE_URL": server.url}
    env = {**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-m", "helpers.netstrings", *map(str, arguments)], env=env, **options)


def test_the_command_line_offers_it(tmp_path):
    with aishoot("results", "export", "--help", stdout=subprocess.PIPE, text=True) as process:
        shown, _ = process.communicate()
    assert "netstrings" in shown
    command = ("--sandbox", "results", "export", 1, 2, "--format", "netstrings", "--to", tmp_path / "r")
    with aishoot(*command, stderr=subprocess.DEVNULL) as process:
        assert process.wait() == 0
    assert sorted(contents(tmp_path / "r")) == [f"brief_id={brief}/part-00000.netstrings" for brief in (1, 2)]


def test_it_goes_on_after_it_was_killed(tmp_path):
    # The first delay lets the journal be written, as it is after a second; at the second the export is killed.
    faults = [Fault(Delay(seconds), operation="brief_results", brief=1, page=page) for seconds, page in DELAYS]
    with ThreadedSandbox(briefs={1: ROWS}, faults=faults) as server:
        command = ("results", "export", 1, "--to", tmp_path / "r.netstrings", "--report", tmp_path / "report.json")
        with aishoot(*command, server=server, stderr=subprocess.DEVNULL) as process:
            until(lambda: journalled_rows(tmp_path / ".r.netstrings.aishoot") > 0)
            process.send_signal(signal.SIGKILL)
        server.clear_faults()
        server.reset_requests()
        with aishoot(*command, server=server, stderr=subprocess.DEVNULL) as process:
            assert process.wait() == 0
        (outcome,) = json.loads((tmp_path / "report.json").read_text())["briefs"]
        assert (outcome["how"], outcome["items"]) == ("resumed", ROWS)
        assert server.calls["brief_results"] < ROWS / 100
        assert items_of((tmp_path / "r.netstrings").read_bytes()) == server.results(1)


DELAYS = ((2.0, 70), (60.0, 118))


def until(is_true):
    give_up = time.monotonic() + 40
    while not is_true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def journalled_rows(state):
    """Return how many rows the journal says are on the disk."""
    readings = [row["reading"] for row in journal_rows(state)]
    return sum(reading["open"]["rows"] for reading in readings if reading and reading["open"])
