"""All results of a brief into a file, beside dlt: the same server, the same rows, read back and compared."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, Runs, Spread, rotate, say, two_cores
from benchmarks.scenes import written
from benchmarks.server import Settings, running

FORMATS = {"jsonl": "JSON Lines", "parquet": "Parquet"}
WINDOWS = (8, 32)
LATENCY = 0.02
BESIDE = (
    "dlt does more with each item: it normalises names and times, infers a schema (its Parquet has a column a member, "
    "ours one with the item's exact JSON), gives every row an id, and keeps the state of incremental loads. Ours makes "
    "sure that a kill at any instant loses and doubles nothing, and that the listing was whole; dlt begins again. "
    "dlt's settings are in its favour: nothing compressed, nothing nested made into tables of its own."
)


@attrs.frozen
class Sizes:
    """How many items without latency and with it (0: not at all), and how often."""

    items: int
    slow_items: int
    rounds: int
    slow_rounds: int = 0


FULL = Sizes(items=100_000, slow_items=20_000, rounds=5, slow_rounds=3)
QUICK = Sizes(items=10_000, slow_items=0, rounds=1)


def _ours(suffix: str, window: int) -> str:
    return f"ours, {FORMATS[suffix]}, window {window}"


def _dlt(suffix: str) -> str:
    return f"dlt, {FORMATS[suffix]}"


def _entrants(url: str, items: int, windows: Sequence[int]) -> Iterator[Entrant]:
    for suffix in FORMATS:
        options = {"format": suffix}
        yield Entrant(
            name=_dlt(suffix), module="export_dlt", url=url, items=items, is_peer=True, task={"options": options}
        )
        for window in windows:
            task = {"options": options, "window": window}
            yield Entrant(name=_ours(suffix, window), module="export_ours", url=url, items=items, task=task)


def _check(entrant: Entrant, folder: Path, _: object) -> None:
    read = written.dlt if entrant.is_peer else written.ours
    written.check(read(folder, entrant.task["options"]["format"]), entrant.items)


def _table(about: str, runs: Runs) -> Table:
    rows = []
    for name in runs.by_name:
        dlt = next(_dlt(suffix) for suffix, words in FORMATS.items() if words in name)
        by_wall, by_cpu = (runs.ratio(name, dlt, by).show(1) for by in ("seconds", "cpu"))
        rows.append([name, runs.rate(name, 1e-3).show(1), by_wall, runs.cost(name, 1e6).show(1), by_cpu])
    return Table(about, ["", "thousand items/s", "÷ dlt", "CPU µs an item", "÷ dlt, by CPU"], rows)


def _figures(wait: str, windows: Sequence[int], runs: Runs) -> dict[str, Spread]:
    return {
        f"export {suffix}, {wait}, window {window} by {by}": runs.ratio(_ours(suffix, window), _dlt(suffix), by)
        for suffix in FORMATS
        for window in windows
        for by in ("seconds", "cpu")
    }


def run(sizes: Sizes = FULL) -> Report:
    """Export with everybody, and give the tables."""
    core = SERVER_CORE if two_cores() else None
    tables, raw, figures = [], {}, dict[str, Spread]()
    for latency, items, windows in ((0.0, sizes.items, WINDOWS[-1:]), (LATENCY, sizes.slow_items, WINDOWS)):
        if not items:
            continue
        wait = f"{1000 * latency:.0f} ms" if latency else "no latency"
        say(f"export, {items:,} items, {wait}")
        # With latency they differ by little from round to round.
        rounds = sizes.slow_rounds if latency else sizes.rounds
        with running(Settings(latency=latency), core=core) as url:
            runs = rotate(list(_entrants(url, items, windows)), rounds, _check)
        about = f"{items:,} items, {wait}, {counted(rounds)}; every file read back: the same rows."
        tables.append(_table(f"{about} {BESIDE}" if not latency else about, runs))
        raw[wait] = runs.as_json()
        figures |= _figures(wait, windows, runs)
    return Report("Export beside dlt", tables, raw, figures)
