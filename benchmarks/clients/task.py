"""What every client is asked to do, and how it is timed. Only the standard library: the peers' environment runs it too.

The task comes as JSON, the outcome goes to stdout as JSON. A short run of the same work goes before the timed one, so
that neither imports nor first uses are in the figures.
"""

import asyncio
import gc
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

WARM_UP = 3_000
"""Items of the run that is not timed."""


@dataclass
class Task:
    """What to do.

    Attributes:
        url: the server.
        items: how many the brief, or the project of SKUs, has.
        window: pages in flight or ready.
        loop: ``"uvloop"`` or ``"asyncio"``.
        folder: where an export goes.
        check: keep what was read, and give a digest of it.
        options: what only this client knows.
        kept: rows that were read, when they are to be checked; otherwise ``None``.
    """

    url: str
    items: int
    window: int = 8
    loop: str = "uvloop"
    folder: str = ""
    check: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    kept: list[Any] | None = None

    @property
    def pages(self) -> int:
        """Count the pages."""
        return -(-self.items // 100)


Work = Callable[[Task], int]


def digest(rows: Iterable[Any]) -> str:
    """Digest rows in their order: bytes, or tuples of what was read of each."""
    whole = hashlib.sha256()
    for row in rows:
        whole.update(row if isinstance(row, bytes) else json.dumps(row).encode())
    return whole.hexdigest()


def on_loop(work: Callable[[Task], Awaitable[int]]) -> Work:
    """Run a coroutine on the loop that the task names."""

    def run(task: Task) -> int:
        factory = None
        if task.loop == "uvloop":
            import uvloop  # noqa: PLC0415  # the peers' environment has none

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(work(task))  # type: ignore[arg-type]

    return run


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak() -> int:
    # ru_maxrss also holds what the process was before exec.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main(work: Work, *, warm_up: int = WARM_UP) -> None:
    """Do the work of the task named on the command line, and print what it took.

    Raises:
        RuntimeError: fewer or more items came than there are.
    """
    task = Task(**json.loads(sys.argv[1]))
    task.kept = [] if task.check else None
    if warm_up:
        with tempfile.TemporaryDirectory() as elsewhere:
            short = min(warm_up, task.items)
            work(replace(task, items=short, folder=elsewhere, kept=None))
    gc.collect()
    before = _peak()
    cpu, begun = _cpu_seconds(), time.perf_counter()
    items = work(task)
    seconds, cpu = time.perf_counter() - begun, _cpu_seconds() - cpu
    if items != task.items:
        raise RuntimeError(f"{items} items came, of {task.items}")
    outcome: dict[str, Any] = {"seconds": seconds, "cpu": cpu, "items": items, "peak": _peak(), "peak_before": before}
    if task.kept is not None:
        outcome["digest"] = digest(task.kept)
    print(json.dumps(outcome))
