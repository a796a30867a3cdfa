"""What a page costs as there are more of them, of briefs, and of walks at once: it should stay what it is.

The slope is that of the line through the logarithms: 0 when a page costs the same however many there are, 1 when twice
as many cost twice as much each.
"""

import math
import statistics
from collections.abc import Sequence

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, Runs, Spread, rotate, say, two_cores
from benchmarks.server import Settings, running

PAGES = 1_000
COUNTS = {"pages": (250, 1_000, 4_000), "briefs": (1, 10, 100), "walks": (1, 8, 64)}


def _name(what: str, count: int) -> str:
    return f"{count:,} {what}"


def _entrant(url: str, what: str, count: int, pages: int) -> Entrant:
    whole = count * pages // PAGES if what == "pages" else pages // count * count
    options = {} if what == "pages" else {what: count}
    return Entrant(
        name=_name(what, count),
        module="ours_many",
        url=url,
        items=100 * whole,
        task={"options": options, "warm_up": 1000},
    )


def slope(counts: Sequence[int], costs: Sequence[float]) -> float:
    """Give the slope of the logarithms."""
    return statistics.linear_regression([math.log(n) for n in counts], [math.log(cost) for cost in costs]).slope


def _slopes(runs: Runs, what: str) -> Spread:
    counts = COUNTS[what]
    rounds = zip(*(runs.by_name[_name(what, count)] for count in counts), strict=True)
    return Spread.of([slope(counts, [run.cost("cpu") for run in each]) for each in rounds])


def run(pages: int = PAGES, rounds: int = 3) -> Report:
    """Walk ever more."""
    say("growth")
    with running(Settings(), core=SERVER_CORE if two_cores() else None) as url:
        entrants = [_entrant(url, what, count, pages) for what, counts in COUNTS.items() for count in counts]
        runs = rotate(entrants, rounds)
    rows, figures = [], {}
    for what, counts in COUNTS.items():
        costs = [runs.cost(_name(what, count), 1e8).show(0) for count in counts]
        figures[f"slope {what}"] = _slopes(runs, what)
        numbers = ", ".join(f"{count:,}" for count in counts)
        rows.append([f"{numbers} {what}", *costs, figures[f"slope {what}"].show()])
    about = (
        f"Raw, {counted(rounds)}; briefs one after the other and walks at once share {pages:,} pages. CPU µs a "
        f"page, and the slope of its logarithm by that of the number: 0 is flat. Each brief costs the looking for its "
        f"end besides."
    )
    table = Table(about, ["", "least", "more", "most", "slope"], rows)
    return Report("Cost of a page as there are more", [table], runs.as_json(), figures)
