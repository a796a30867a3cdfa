"""Rotated runs in fresh processes, and what comes of them: medians with their spread, ratios only within a round."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks import peers

SERVER_CORE, CLIENT_CORE = 0, 1


def two_cores() -> bool:
    """Tell whether the server and the client can each have a core."""
    return hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > CLIENT_CORE


def pin_clients() -> None:
    """Keep this process, and all that it starts from here on, away from the server's core."""
    if two_cores():
        os.sched_setaffinity(0, {CLIENT_CORE})


@attrs.frozen(kw_only=True)
class Entrant:
    """One who takes part.

    Attributes:
        name: what the tables call it.
        module: of `benchmarks.clients`.
        url: the server.
        items: how many items its run has: slow ones get fewer.
        is_peer: whether it runs in the peers' environment.
        task: what else `Task` takes.
    """

    name: str
    module: str
    url: str
    items: int
    is_peer: bool = False
    task: Mapping[str, Any] = attrs.Factory(dict)

    def run(self, **more: Any) -> dict[str, Any]:
        """Run once, in a fresh process.

        Raises:
            RuntimeError: it failed.
        """
        task = json.dumps({"url": self.url, "items": self.items, **self.task, **more})
        python = peers.python() if self.is_peer else sys.executable
        command = [python, "-m", f"benchmarks.clients.{self.module}", task]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


@attrs.frozen
class Run:
    """What one run took: seconds on the wall, seconds of the client's processor, bytes of memory at most."""

    seconds: float
    cpu: float
    items: int
    peak: int
    grown: int

    def cost(self, by: str) -> float:
        """Give the seconds an item, on the wall (``"seconds"``) or of the processor (``"cpu"``)."""
        return getattr(self, by) / self.items


@attrs.frozen
class Spread:
    """A median, with the least and the greatest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    @property
    def width(self) -> float:
        """How far apart the least and the greatest are, by the median."""
        return (self.high - self.low) / self.median if self.median else 0.0

    def show(self, digits: int = 2) -> str:
        median, low, high = (f"{round(each, digits) + 0.0:,.{digits}f}" for each in (self.median, self.low, self.high))
        return f"{median} ({low} to {high})"


@attrs.frozen
class Runs:
    """The runs of all entrants; the nth of each belong together."""

    by_name: Mapping[str, Sequence[Run]]

    def rate(self, name: str, scale: float = 1.0, by: str = "seconds") -> Spread:
        """Give items a second, times ``scale``."""
        return Spread.of([scale / run.cost(by) for run in self.by_name[name]])

    def cost(self, name: str, scale: float = 1.0, by: str = "cpu") -> Spread:
        """Give seconds an item, times ``scale``."""
        return Spread.of([scale * run.cost(by) for run in self.by_name[name]])

    def ratio(self, name: str, other: str, by: str = "seconds") -> Spread:
        """Tell how many times as fast as another it was, in each round."""
        pairs = zip(self.by_name[name], self.by_name[other], strict=True)
        return Spread.of([theirs.cost(by) / ours.cost(by) for ours, theirs in pairs])

    def as_json(self) -> dict[str, Any]:
        return {name: [attrs.asdict(run) for run in runs] for name, runs in self.by_name.items()}


def say(text: str) -> None:
    """Show how far it is, on a terminal or in a log."""
    print(text, file=sys.stderr, flush=True)


def rotate(
    entrants: Sequence[Entrant],
    rounds: int,
    check: Callable[[Entrant, Path, Mapping[str, Any]], None] = lambda *_: None,
) -> Runs:
    """Run all entrants in turn, each round beginning with another, each run in a folder that is then ``check``ed."""
    found: dict[str, list[Run]] = {entrant.name: [] for entrant in entrants}
    for number in range(rounds):
        at = number % len(entrants)
        for entrant in (*entrants[at:], *entrants[:at]):
            with tempfile.TemporaryDirectory() as folder:
                outcome = entrant.run(folder=folder)
                check(entrant, Path(folder), outcome)
            grown = outcome["peak"] - outcome["peak_before"]
            run = Run(outcome["seconds"], outcome["cpu"], outcome["items"], outcome["peak"], grown)
            found[entrant.name].append(run)
            say(f"  {number + 1}/{rounds} {entrant.name:42} {run.items / run.seconds:12,.0f} items/s")
    return Runs(found)
