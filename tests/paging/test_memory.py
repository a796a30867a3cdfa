"""Promise 24: memory stays flat, however long the walk; each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


def grown(items: int, *more: str) -> float:
    """Walk in another process; give by how many MB it grew after the first hundredth."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "paging.soak", str(items), *more],
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["items"], said["complete"]) == (items, True)
    return said["grown"]


def test_100_000_items_streamed_take_no_more_memory_than_1_000():
    assert grown(100_000) < 10


def test_20_000_items_of_a_strict_walk_take_no_more_memory_than_200():
    assert grown(20_000, "strict") < 15  # a window of pages, and the database's cache


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("how", [(), ("strict",)])
def test_1_000_000_items_streamed_take_no_more_memory_than_10_000(how: tuple[str, ...]):
    assert grown(1_000_000, *how) < 20
