"""What every client is asked to do, and how it is timed. Only the standard library: the peers' environment runs it too.

The task comes as JSON, the outcome goes to stdout as JSON. A short run of the same work goes before the timed one, so
that neither imports nor first uses are in the figures; what it reads is kept, and its digest given.
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


@dataclass
class Task:
    """What to do.

    Attributes:
        url: the server.
        items: how many the brief, or the project of SKUs, has.
        window: pages in flight or ready.
        loop: ``"uvloop"`` or ``"asyncio"``.
        folder: where an export goes.
        warm_up: items of the run before, which is not timed.
        options: what only this client knows.
        kept: the rows that were read, in the run that is not timed; otherwise ``None``.
    """

    url: str
    items: int
    window: int = 8
    loop: str = "uvloop"
    folder: str = ""
    warm_up: int = 3_000
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
            import uvloop  # noqa: PLC0415  # not for those without a loop

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


def main(work: Work) -> None:
    """Do the work of the task named on the command line, and print what it took.

    Raises:
        RuntimeError: fewer or more items came than there are.
    """
    task = Task(**json.loads(sys.argv[1]))
    read: list[Any] = []
    if task.warm_up:
        with tempfile.TemporaryDirectory() as elsewhere:
            work(replace(task, items=min(task.warm_up, task.items), folder=elsewhere, kept=read))
    outcome: dict[str, Any] = {"digest": digest(read)}
    read.clear()
    gc.collect()
    before = _peak()
    cpu, begun = _cpu_seconds(), time.perf_counter()
    items = work(task)
    outcome |= {"seconds": time.perf_counter() - begun, "cpu": _cpu_seconds() - cpu, "items": items}
    if items != task.items:
        raise RuntimeError(f"{items} items came, of {task.items}")
    print(json.dumps({**outcome, "peak": _peak(), "peak_before": before}))
