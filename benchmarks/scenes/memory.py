"""The most memory that a stream takes, over what the imports alone take."""

from benchmarks.report import Report, Table, counted
from benchmarks.runs import SERVER_CORE, Entrant, Spread, rotate, say, two_cores
from benchmarks.server import Settings, running


def run(sizes: tuple[int, ...] = (200_000, 2_000_000), rounds: int = 1) -> Report:
    """Stream a long listing, and a longer one."""
    say("memory")
    with running(Settings(), core=SERVER_CORE if two_cores() else None) as url:
        entrants = [
            Entrant(
                name=f"{items:,} items, {scene}",
                module="ours",
                url=url,
                items=items,
                task={"options": {"scene": scene}, "warm_up": 0},
            )
            for items in sizes
            for scene in (("typed", "raw") if items == min(sizes) else ("typed",))
        ]
        runs = rotate(entrants, rounds)
    rows, figures = [], {}
    for name, each in runs.by_name.items():
        grown = Spread.of([run.grown / 2**20 for run in each])
        rows.append([name, grown.show(1), Spread.of([run.peak / 2**20 for run in each]).show(1)])
        figures[f"memory {name}"] = grown
    table = Table(
        f"The most that the process held; {counted(rounds)}.", ["", "MiB over the imports", "MiB in all"], rows
    )
    return Report("Memory of a long stream", [table], runs.as_json(), figures)
