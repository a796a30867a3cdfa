"""What the figures were measured on, and with."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from benchmarks import peers
from benchmarks.clients.aiohttp_raw import TUNED
from benchmarks.runs import two_cores

OURS = ("aishoot-async", "aiohttp", "msgspec", "cattrs", "attrs", "uvloop", "pyarrow")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def describe() -> list[str]:
    """Describe the machine, the versions, and the baseline's settings, a line each."""
    count = os.cpu_count() or 1
    where = "the server on one, the clients on another" if two_cores() else "server and clients share them"
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    theirs = ", ".join(f"{name} {pinned}" for name, pinned in peers.versions().items())
    timeout = TUNED["timeout"]
    baseline = (
        f"Loop: uvloop for all that have one, where no other is named. The baseline: aiohttp with {timeout}, "
        f"auto_decompress={TUNED['auto_decompress']}, DummyCookieJar, allow_redirects=False, an ordered window of 8 "
        f"tasks, msgspec to dicts; the same versions and the same environment as ours."
    )
    return [
        f"Machine: {_processor()}, {count} cores ({where}), {platform.system()} {platform.release()}.",
        f"Python {platform.python_version()}; {ours}.",
        f"Peers, in an environment of their own: {theirs}.",
        baseline,
    ]
