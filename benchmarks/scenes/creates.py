"""Creates, 16 at once."""

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, rotate, say, two_cores
from benchmarks.server import Settings, running

AT_ONCE = 16
BESIDE = {
    "ours": ("create_ours", False, 1.0, "checks the body, knows whether a create may have happened"),
    "aiohttp": ("create_aiohttp", False, 1.0, "no retry, no check, no error of its own"),
    "httpx": ("create_httpx", True, 0.2, ""),
    "requests.post, the API page's sample": ("create_requests", True, 0.2, "16 threads, a connection each"),
}


def run(items: int = 5_000, rounds: int = 5) -> Report:
    """Create with everybody."""
    say("creates")
    with running(Settings(), core=SERVER_CORE if two_cores() else None) as url:
        task = {"window": AT_ONCE, "warm_up": 200}
        entrants = [
            Entrant(name=name, module=module, url=url, items=int(items * share), is_peer=is_peer, task=task)
            for name, (module, is_peer, share, _) in BESIDE.items()
        ]
        runs = rotate(entrants, rounds)
    rows, figures = [], {}
    for name, (*_, beside) in BESIDE.items():
        by_wall, by_cpu = (runs.ratio(name, "aiohttp", by) for by in ("seconds", "cpu"))
        cost = runs.cost(name, 1e6)
        rows.append([name, runs.rate(name).show(0), by_wall.show(), cost.show(0), by_cpu.show(), beside])
        figures |= {f"creates {name} ÷ aiohttp by seconds": by_wall, f"creates {name} ÷ aiohttp by cpu": by_cpu}
    head = ["", "creates/s", "÷ aiohttp", "CPU µs each", "÷ aiohttp, by CPU", "beside it"]
    about = f"{items:,} creates (fewer for the slow), {AT_ONCE} at once, no latency, {counted(rounds)}."
    return Report("Creates", [Table(about, head, rows)], runs.as_json(), figures)
