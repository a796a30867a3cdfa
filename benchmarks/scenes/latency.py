"""A network's latency, and how much of a window is used: 1 when nothing but the latency takes time."""

from collections.abc import Iterator

import attrs

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, Spread, rotate, say, two_cores
from benchmarks.server import Settings, running


@attrs.frozen
class Sizes:
    """Latencies in seconds, windows, the turns of a window in a run, and rounds."""

    waits: tuple[float, ...]
    windows: tuple[int, ...]
    turns: int
    rounds: int


FULL = Sizes(waits=(0.0, 0.02, 0.05), windows=(8, 32), turns=80, rounds=2)
QUICK = Sizes(waits=(0.02,), windows=(8,), turns=20, rounds=1)


def _ours(window: int) -> str:
    return f"ours, window {window}"


def _aiohttp(window: int) -> str:
    return f"aiohttp, window {window}"


def _entrants(url: str, sizes: Sizes) -> Iterator[Entrant]:
    for window in sizes.windows:
        items = 100 * window * sizes.turns
        common = {"window": window, "warm_up": min(100 * window, 3000)}
        yield Entrant(
            name=_ours(window), module="ours", url=url, items=items, task={**common, "options": {"scene": "typed"}}
        )
        yield Entrant(
            name=_aiohttp(window),
            module="aiohttp_raw",
            url=url,
            items=items,
            task={**common, "options": {"tuned": True}},
        )


def run(sizes: Sizes = FULL) -> Report:
    """Walk with several windows at several latencies."""
    rows, raw, figures = [], {}, dict[str, Spread]()
    for latency in sizes.waits:
        wait = f"{1000 * latency:.0f} ms"
        say(f"latency: {wait}")
        with running(Settings(latency=latency), core=SERVER_CORE if two_cores() else None) as url:
            runs = rotate(list(_entrants(url, sizes)), sizes.rounds)
        raw[wait] = runs.as_json()
        for window in sizes.windows:
            for name in (_ours(window), _aiohttp(window)):
                use = runs.rate(name, 0.01 * latency / window)
                ratio = runs.ratio(name, _aiohttp(window))
                rate = runs.rate(name, 0.01)
                figures[f"use {name}, {wait}"] = use
                figures[f"rate {name}, {wait}"] = rate
                rows.append([wait, name, rate.show(0), use.show() if latency else "", ratio.show()])
    about = (
        f"{counted(sizes.rounds)} of {sizes.turns} windows; typed. Use of the window: pages/s times latency, by "
        f"the window. Ours waits for the first page alone, and for the answer that shows the end."
    )
    table = Table(about, ["latency", "", "pages/s", "use of the window", "÷ aiohttp"], rows)
    return Report("Latency and window", [table], raw, figures)
