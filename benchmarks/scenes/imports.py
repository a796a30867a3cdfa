"""What an import takes, over a bare interpreter: by the processor, as the wall's seconds are the disk's too."""

import compileall
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aishoot_async
from benchmarks import peers
from benchmarks.report import Report, Table, counted
from benchmarks.runs import Spread, say

BARE = "python"
OURS = "aishoot_async"
PAIRS = 3
NAMES: Mapping[str, tuple[str, bool]] = {
    BARE: ("pass", False),
    OURS: ("from aishoot_async import AIShootSession", False),
    "aishoot_async, its names alone": ("import aishoot_async", False),
    "aiohttp": ("import aiohttp", False),
    "requests": ("import requests", True),
    "httpx": ("import httpx", True),
    "niquests": ("import niquests", True),
    "openai": ("import openai", True),
    "dlt": ("import dlt", True),
}


def _seconds(program: str, *, is_peer: bool) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([peers.python() if is_peer else sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(rounds: int = 9) -> Report:
    """Import everybody."""
    say("imports")
    # As an installer leaves it. Where Python may write no bytecode, ours alone would be compiled each time.
    compileall.compile_dir(Path(aishoot_async.__file__).parent, quiet=1)
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    beside: list[float] = []
    for _ in range(rounds):
        for name, (program, is_peer) in NAMES.items():
            found[name].append(_seconds(program, is_peer=is_peer))
        # What the goal is about is a small difference: right after each other, and oftener.
        for _ in range(PAIRS):
            ours, other = (_seconds(NAMES[name][0], is_peer=False) for name in (OURS, "aiohttp"))
            beside.append(1000 * (ours - other))
    over = {
        name: Spread.of([1000 * (each - bare) for each, bare in zip(times, found[BARE], strict=True)])
        for name, times in found.items()
        if name != BARE
    }
    table = Table(
        f"{counted(rounds)}, CPU milliseconds over a bare interpreter.",
        ["", "ms"],
        [[name, spread.show(0)] for name, spread in over.items()],
    )
    figures = {"import over aiohttp": Spread.of(beside)}
    return Report("Import", [table], found, figures)
