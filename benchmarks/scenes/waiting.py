"""What somebody waits for: the first item, and a single call while a wide walk is under way."""

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, Spread, say, two_cores
from benchmarks.server import Settings, running

LATENCY = 0.02
WIDTH = 32


def first_item(url: str, rounds: int) -> tuple[Table, dict[str, Spread]]:
    """Time the first item of a fresh session."""
    found: dict[str, list[float]] = {"ours": [], "aiohttp": []}
    for _ in range(rounds):
        for who, times in found.items():
            entrant = Entrant(name=who, module="first_item", url=url, items=20_000, task={"options": {"who": who}})
            times.append(1000 * float(entrant.run()))  # type: ignore[arg-type]
    ratio = Spread.of([ours / other for ours, other in zip(found["ours"], found["aiohttp"], strict=True)])
    rows = [[who, Spread.of(times).show()] for who, times in found.items()]
    about = (
        f"From nothing to the first item, {1000 * LATENCY:.0f} ms a request: a session, a connection, a page. "
        f"{counted(rounds)}."
    )
    return Table(about, ["", "ms"], [*rows, ["ours ÷ aiohttp", ratio.show()]]), {"first item ÷ aiohttp": ratio}


def behind(url: str, rounds: int, calls: int) -> tuple[Table, dict[str, Spread]]:
    """Time a single get alone and behind a walk."""
    rows, figures = [], {}
    for in_flight in (64, 8):
        task = {"window": WIDTH, "options": {"in_flight": in_flight, "calls": calls}}
        entrant = Entrant(name="behind", module="behind", url=url, items=200_000, task=task)
        found = [entrant.run() for _ in range(rounds)]
        p99, median = (Spread.of([each[share] for each in found]) for share in ("0.99", "0.5"))
        rows.append([f"{in_flight}", p99.show(), median.show()])
        figures[f"p99 behind a walk, {in_flight} in flight"] = p99
    about = (
        f"A single `get` behind a typed walk with {WIDTH} pages ahead, {1000 * LATENCY:.0f} ms a request, against the "
        f"same `get` alone. {counted(rounds)} of {calls} calls."
    )
    return Table(about, ["in flight", "p99 ÷ idle", "median ÷ idle"], rows), figures


def run(rounds: int = 3, calls: int = 150) -> Report:
    """Wait for both."""
    say("waiting")
    with running(Settings(latency=LATENCY), core=SERVER_CORE if two_cores() else None) as url:
        first, one = first_item(url, rounds)
        second, other = behind(url, rounds, calls)
    figures = {**one, **other}
    return Report("Waiting", [first, second], {name: [each.median] for name, each in figures.items()}, figures)
