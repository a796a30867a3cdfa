"""All results of a brief into a file, beside dlt: the same server, the same rows, read back and compared."""

from collections.abc import Iterator
from pathlib import Path

import attrs

from benchmarks.report import Report, Table
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
    """How many items without latency and with it, and how often."""

    items: int
    slow_items: int
    rounds: int


FULL = Sizes(items=200_000, slow_items=20_000, rounds=3)
QUICK = Sizes(items=20_000, slow_items=4_000, rounds=1)


def _ours(suffix: str, window: int) -> str:
    return f"ours, {FORMATS[suffix]}, window {window}"


def _dlt(suffix: str) -> str:
    return f"dlt, {FORMATS[suffix]}"


def _entrants(url: str, items: int) -> Iterator[Entrant]:
    for suffix in FORMATS:
        options = {"format": suffix}
        yield Entrant(
            name=_dlt(suffix), module="export_dlt", url=url, items=items, is_peer=True, task={"options": options}
        )
        for window in WINDOWS:
            task = {"options": options, "window": window}
            yield Entrant(name=_ours(suffix, window), module="export_ours", url=url, items=items, task=task)


def _check(entrant: Entrant, folder: Path) -> None:
    read = written.dlt if entrant.is_peer else written.ours
    written.check(read(folder, entrant.task["options"]["format"]), entrant.items)


def _table(about: str, runs: Runs) -> Table:
    rows = []
    for suffix in FORMATS:
        for name in (_dlt(suffix), *(_ours(suffix, window) for window in WINDOWS)):
            rate, cost = runs.rate(name, 1e-3), runs.cost(name, 1e6)
            ratio, of_cpu = (runs.ratio(name, _dlt(suffix), by) for by in ("seconds", "cpu"))
            rows.append([name, rate.show(1), f"{ratio.show(1)}", cost.show(1), f"{of_cpu.show(1)}"])
    head = ["", "thousand items/s", "÷ dlt", "CPU µs an item", "÷ dlt, by CPU"]
    return Table(about, head, rows)


def run(sizes: Sizes = FULL) -> Report:
    """Export with everybody, and give the tables."""
    core = SERVER_CORE if two_cores() else None
    tables, raw, figures = [], {}, dict[str, Spread]()
    for latency, items in ((0.0, sizes.items), (LATENCY, sizes.slow_items)):
        wait = f"{1000 * latency:.0f} ms" if latency else "no latency"
        say(f"export, {items:,} items, {wait}")
        with running(Settings(latency=latency), core=core) as url:
            runs = rotate(list(_entrants(url, items)), sizes.rounds, _check)
        about = f"{items:,} items, {wait}, {sizes.rounds} rotated runs; every file read back: the same rows."
        tables.append(_table(f"{about} {BESIDE}" if not latency else about, runs))
        raw[wait] = runs.as_json()
        for suffix in FORMATS:
            for window in WINDOWS:
                ratio = runs.ratio(_ours(suffix, window), _dlt(suffix))
                figures[f"export {suffix}, {wait}, window {window}"] = ratio
    return Report("Export beside dlt", tables, raw, figures)
