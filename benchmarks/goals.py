"""What we want to be, what we must be, and what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from benchmarks.report import Report, Table
from benchmarks.runs import Spread


@attrs.frozen
class Goal:
    """A goal.

    Attributes:
        what: in words.
        figure: of a report, without how it was measured.
        must, aim: the bounds.
        by_cpu: whether it is judged by the processor's time, and the wall's shown beside it.
        at_most: whether less is better.
        unit: of the figure.
        digits: to show.
    """

    what: str
    figure: str
    must: float
    aim: float
    by_cpu: bool = False
    at_most: bool = False
    unit: str = ""
    digits: int = 2

    def bound(self, value: float) -> str:
        return f"{'≤ ' if self.at_most else '≥ '}{value:g}{self.unit}"

    def verdict(self, spread: Spread) -> str:
        """Judge the median."""
        sign = -1 if self.at_most else 1
        if sign * spread.median >= sign * self.aim:
            return "aim"
        return "must" if sign * spread.median >= sign * self.must else "**no**"

    def row(self, figures: Mapping[str, Spread]) -> list[str] | None:
        found = figures.get(f"{self.figure} by cpu" if self.by_cpu else self.figure)
        if found is None:
            return None
        wall = figures[f"{self.figure} by seconds"].show(self.digits) if self.by_cpu else ""
        shown = f"{found.show(self.digits)}{self.unit}"
        return [self.what, self.bound(self.must), self.bound(self.aim), shown, self.verdict(found), wall]


def _cpu(what: str, figure: str, must: float, aim: float, digits: int = 2) -> Goal:
    return Goal(what, figure, must, aim, by_cpu=True, digits=digits)


_LEAST: Mapping[str, Any] = {"at_most": True, "digits": 1}
GOALS: Sequence[Goal] = (
    _cpu(
        "typed stream of results, all members ÷ raw aiohttp, msgspec dicts: the baseline", "typed ÷ baseline", 0.9, 1.0
    ),
    _cpu("the same with `fields=` of the members that are read", "fields ÷ baseline", 1.15, 1.3),
    _cpu("typed stream of SKUs ÷ the same, of SKUs", "SKUs ÷ baseline", 0.8, 0.9),
    _cpu("typed stream ÷ untuned aiohttp on the stdlib loop", "typed ÷ untuned", 0.95, 1.15),
    _cpu("typed stream with `fields=` ÷ the floor, dicts", "fields ÷ floor", 0.7, 0.8),
    _cpu("raw stream ÷ the baseline", "raw ÷ baseline", 1.35, 1.6),
    _cpu("typed decode of results ÷ cattrs detailed", "decode ours ÷ cattrs", 4, 5, 1),
    _cpu("typed decode of SKUs ÷ cattrs detailed", "decode SKUs: ours ÷ cattrs", 4, 5, 1),
    Goal("use of the window, 20 ms, window 8", "use ours, window 8, 20 ms", 0.88, 0.93),
    Goal("use of the window, 50 ms, window 8", "use ours, window 8, 50 ms", 0.94, 0.97),
    _cpu("JSON Lines export ÷ dlt, no latency", "export jsonl, no latency, window 32", 15, 30, 1),
    Goal("JSON Lines export ÷ dlt, 20 ms, window 8", "export jsonl, 20 ms, window 8 by seconds", 8, 10, digits=1),
    Goal("JSON Lines export ÷ dlt, 20 ms, window 32", "export jsonl, 20 ms, window 32 by seconds", 25, 34, digits=1),
    _cpu("Parquet export ÷ dlt, no latency", "export parquet, no latency, window 32", 8, 11, 1),
    _cpu("typed pages/s ÷ openai-python's pager", "typed ÷ openai", 20, 30, 1),
    _cpu("creates ÷ raw aiohttp, 16 at once", "creates ours ÷ aiohttp", 0.85, 0.95),
    Goal("memory of 200,000 items over the imports", "memory 200,000 items, typed", 15, 8, **_LEAST, unit=" MiB"),
    Goal("memory of 2,000,000 items over the imports", "memory 2,000,000 items, typed", 15, 8, **_LEAST, unit=" MiB"),
    Goal("import of what a session needs, over aiohttp alone", "import over aiohttp", 40, 20, **_LEAST, unit=" ms"),
    Goal("p99 of a `get` behind a 32-wide walk ÷ idle", "p99 behind a walk, 64 in flight", 3, 2, at_most=True),
)


def table(reports: Sequence[Report]) -> Table:
    """Hold the figures against the goals."""
    figures = {name: spread for report in reports for name, spread in report.figures.items()}
    rows = [row for goal in GOALS if (row := goal.row(figures)) is not None]
    about = (
        "Medians, least and greatest in brackets; ratios of speed, each within one round. Without latency they are "
        "judged by the client's CPU time, which neighbours disturb less, and the wall's ratio stands beside it; with "
        "latency, by the wall."
    )
    return Table(about, ["goal", "must", "aim", "measured", "met", "by the wall"], rows)
