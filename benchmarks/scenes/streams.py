"""Every item of a listing, without latency: ours beside everybody, all of them checked to give the same rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, Runs, Spread, rotate, say, two_cores
from benchmarks.server import Settings, running

TYPED, FIELDS, RAW = "ours, typed", "ours, fields= of those that are read", "ours, raw"
BASELINE, FLOOR = "aiohttp, window 8, msgspec dicts", "the floor"
SKUS, BASELINE_SKUS = "ours, SKUs", "aiohttp, SKUs, msgspec dicts"
PLAIN, TYPED_PLAIN = "aiohttp untuned, stdlib loop", "ours, typed, stdlib loop"
OPENAI = "openai-python's pager"


@attrs.frozen
class Scene:
    """One who takes part: what it is, what is said beside its figure, the share of the items that it can do in time."""

    name: str
    module: str
    beside: str
    options: Mapping[str, Any] = attrs.Factory(dict)
    share: float = 1.0
    is_peer: bool = False
    loop: str = "uvloop"
    window: int = 8
    digest: str = "rows"

    def entrant(self, url: str, items: int) -> Entrant:
        task = {"options": dict(self.options), "loop": self.loop, "window": self.window}
        count = max(1_000, int(items * self.share) // 100 * 100)
        return Entrant(
            name=self.name,
            module=self.module,
            url=url,
            items=count,
            is_peer=self.is_peer,
            task={**task, "warm_up": 1000},
        )


# Those that goals compare run one after the other: a phase in which the machine is slow is longer than a run.
CORE = (
    Scene(BASELINE_SKUS, "aiohttp_raw", "the baseline, of SKUs", {"tuned": True, "skus": True}, digest="SKUs"),
    Scene(SKUS, "ours", "ours, of SKUs: every documented field typed", {"scene": "skus"}, digest="SKUs"),
    Scene(FLOOR, "floor", "a protocol that can do nothing else"),
    Scene(TYPED, "ours", "retries, deadlines, throttle, checks of the listing, exact JSON kept", {"scene": "typed"}),
    Scene(FIELDS, "ours", "the same, of the members that are read", {"scene": "fields"}),
    Scene(BASELINE, "aiohttp_raw", "the baseline: no retry, no check, no error of its own", {"tuned": True}),
    Scene(RAW, "ours", "ours, each item as its exact JSON", {"scene": "raw"}, digest="raw"),
    Scene("ours, raw, page by page", "ours", "the same, through `.pages()`", {"scene": "raw_pages"}, digest="raw"),
    Scene("ours, typed, page by page", "ours", "typed, through `.pages()`", {"scene": "typed_pages"}),
    Scene(TYPED_PLAIN, "ours", "as without uvloop", {"scene": "typed"}, loop="asyncio"),
    Scene(PLAIN, "aiohttp_raw", "aiohttp's own settings", {"tuned": False}, loop="asyncio"),
)
PEERS = (
    Scene(
        "requests.get, the API page's sample",
        "requests_sample",
        "a connection each",
        {"session": False},
        0.1,
        is_peer=True,
    ),
    Scene("requests.Session", "requests_sample", "one page at a time", {"session": True}, 0.15, is_peer=True),
    Scene("httpx", "httpx_client", "one page at a time", share=0.15, is_peer=True, window=1),
    Scene("httpx, window 8", "httpx_client", "", share=0.15, is_peer=True),
    Scene("niquests, window 8", "niquests_client", "", share=0.2, is_peer=True),
    Scene("pyreqwest, window 8", "pyreqwest_client", "HTTP and JSON in Rust, on threads of its own", is_peer=True),
    Scene(OPENAI, "openai_pager", "retries, time-outs, typed models; one page at a time", {}, 0.03, is_peer=True),
)


@attrs.frozen
class Sizes:
    """Items of a run, and rounds: of what the goals go by, and of the peers."""

    items: int
    rounds: int
    peers_items: int
    peers_rounds: int


FULL = Sizes(items=40_000, rounds=15, peers_items=40_000, peers_rounds=3)
QUICK = Sizes(items=8_000, rounds=1, peers_items=8_000, peers_rounds=1)


class SameRows:
    """Sees that all of them give the same rows: in the run before each timed one."""

    def __init__(self) -> None:
        self._kinds = {scene.name: scene.digest for scene in (*CORE, *PEERS)}
        self._seen: dict[str, tuple[str, str]] = {}

    def __call__(self, entrant: Entrant, _: Path, outcome: Mapping[str, Any]) -> None:
        """Compare with who came first.

        Raises:
            RuntimeError: it gives other rows.
        """
        found = str(outcome["digest"])
        first, wanted = self._seen.setdefault(self._kinds[entrant.name], (entrant.name, found))
        if found != wanted:
            raise RuntimeError(f"{entrant.name} gives other rows than {first}")


def _rows(scenes: Sequence[Scene], runs: Runs) -> list[list[str]]:
    rows = []
    for scene in scenes:
        by_wall, by_cpu = (runs.ratio(scene.name, BASELINE, by) for by in ("seconds", "cpu"))
        rate, cost = runs.rate(scene.name, 0.01), runs.cost(scene.name, 1e8)
        rows.append([scene.name, rate.show(0), by_wall.show(), cost.show(0), by_cpu.show(), scene.beside])
    return rows


def _steadier(runs: Runs) -> str:
    widths = {
        by: Spread.of([runs.ratio(scene.name, BASELINE, by).width for scene in CORE if scene.name != BASELINE]).median
        for by in ("seconds", "cpu")
    }
    return (
        f"Spread of a ratio (greatest less least, by its median), the median of all: {widths['seconds']:.0%} by the "
        f"wall, {widths['cpu']:.0%} by CPU."
    )


def _figures(runs: Runs, peers: Runs) -> dict[str, Spread]:
    figures = {}
    pairs = {
        "typed ÷ baseline": (TYPED, BASELINE),
        "SKUs ÷ baseline": (SKUS, BASELINE_SKUS),
        "typed ÷ untuned": (TYPED, PLAIN),
        "fields ÷ baseline": (FIELDS, BASELINE),
        "fields ÷ floor": (FIELDS, FLOOR),
        "raw ÷ baseline": (RAW, BASELINE),
    }
    for by in ("seconds", "cpu"):
        for name, pair in pairs.items():
            figures[f"{name} by {by}"] = runs.ratio(*pair, by)
        figures[f"typed ÷ openai by {by}"] = peers.ratio(TYPED, OPENAI, by)
    return figures


def run(sizes: Sizes = FULL) -> Report:
    """Stream with everybody."""
    head = ["", "pages/s", "÷ baseline", "CPU µs a page", "÷ baseline, by CPU", "beside it"]
    beside = (*(scene for scene in CORE if scene.name in {TYPED, BASELINE}), *PEERS)
    with running(Settings(), core=SERVER_CORE if two_cores() else None) as url:
        say("streams")
        same = SameRows()
        runs = rotate([scene.entrant(url, sizes.items) for scene in CORE], sizes.rounds, same)
        peers = rotate([scene.entrant(url, sizes.peers_items) for scene in beside], sizes.peers_rounds, same)
    about = (
        f"{counted(sizes.rounds)} of {sizes.items // 100} pages, on uvloop where no other loop is named; the id "
        f"and three fields of every item are read. {_steadier(runs)}"
    )
    among = f"{counted(sizes.peers_rounds)}; the slow ones have fewer pages."
    tables = [Table(about, head, _rows(CORE, runs)), Table(among, head, _rows(beside, peers))]
    raw = {"ours, baseline, floor": runs.as_json(), "peers": peers.as_json()}
    speeds = {f"speed {scene.name}": runs.ratio(scene.name, BASELINE, "cpu") for scene in CORE}
    speeds |= {f"speed {scene.name}": peers.ratio(scene.name, BASELINE, "cpu") for scene in PEERS}
    return Report("Every item of a listing", tables, raw, {**_figures(runs, peers), **speeds})
