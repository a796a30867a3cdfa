"""All figures by one command: ``python -m benchmarks``, or a quick look at them with ``--quick``.

Beside it there are commands of their own: ``benchmarks.export`` (the export beside dlt alone), ``benchmarks.startup``
(the command line's help), ``benchmarks.sharing`` (walks past a service's own limit), ``benchmarks.dask_export`` (an
export by a cluster), ``benchmarks.drift`` (what walks lose over a listing that changes).
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from benchmarks import goals, machine, plot
from benchmarks.report import Report
from benchmarks.runs import pin_clients, say
from benchmarks.scenes import creates, decoding, exports, growth, imports, latency, memory, streams, waiting

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- goals: begin -->", "<!-- goals: end -->"
SCENES: Mapping[str, tuple[Callable[[], Report], Callable[[], Report]]] = {
    "streams": (streams.run, lambda: streams.run(streams.QUICK)),
    "latency": (latency.run, lambda: latency.run(latency.QUICK)),
    "decoding": (decoding.run, lambda: decoding.run(10_000, 1)),
    "exports": (exports.run, lambda: exports.run(exports.QUICK)),
    "creates": (creates.run, lambda: creates.run(1_000, 1)),
    "imports": (imports.run, lambda: imports.run(1)),
    "memory": (memory.run, lambda: memory.run((200_000,))),
    "growth": (growth.run, lambda: growth.run(200, 1)),
    "waiting": (waiting.run, lambda: waiting.run(1, 30)),
}
"""All of each, and a quick look."""
NAMES = {streams.BASELINE: "aiohttp + msgspec", streams.FLOOR: "the floor (can do nothing else)"}


def picture(report: Report) -> str:
    """Draw how fast everybody reads, by the baseline."""
    shown = (streams.TYPED, streams.RAW, streams.BASELINE, streams.FLOOR, *(scene.name for scene in streams.PEERS))
    bars = [
        plot.Bar(NAMES.get(name, name), report.figures[f"speed {name}"].median, name.startswith("ours"))
        for name in shown
    ]
    note = "pages for each second of the client's processor, raw aiohttp with msgspec being 1; medians of rotated runs"
    return plot.draw("Every item of a listing: how fast", note, bars)


def write(folder: Path, text: str, reports: Mapping[str, Report]) -> None:
    """Write the results: Markdown, JSON, and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(text + "\n", encoding="utf-8")
    runs = {
        name: {
            "runs": report.runs,
            "figures": {key: attrs.asdict(spread) for key, spread in report.figures.items()},
        }
        for name, report in reports.items()
    }
    whole = {"machine": machine.describe(), "scenes": runs}
    (folder / "results.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if "streams" in reports:
        (folder / "pages.svg").write_text(picture(reports["streams"]), encoding="utf-8")


def put_into_readme(text: str) -> None:
    """Put the table of goals between its two marks."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="a look: one round of less, in under a minute; prints, and writes nothing"
    )
    parser.add_argument("--only", nargs="+", choices=SCENES, default=list(SCENES), help="these scenes alone")
    parser.add_argument(
        "--to",
        type=Path,
        help="a folder for the results; of a whole run they go to benchmarks/results, and the goals into its README.md",
    )
    return parser.parse_args()


def main() -> None:
    """Run the scenes, print them, and write them."""
    given = arguments()
    pin_clients()
    begun = time.perf_counter()
    reports: dict[str, Report] = {}
    for name in given.only:
        since = time.perf_counter()
        reports[name] = SCENES[name][given.quick]()
        say(f"{name}: {time.perf_counter() - since:.0f} s")
    about = [*machine.describe(), f"{'A quick look' if given.quick else 'All'} in {time.perf_counter() - begun:.0f} s."]
    settings = "\n".join(f"- {line}" for line in about)
    judged = goals.table(list(reports.values())).markdown()
    text = "\n\n".join(["# Results", settings, "## Goals", judged, *(each.markdown() for each in reports.values())])
    print(text)
    is_whole = not given.quick and list(given.only) == list(SCENES)
    folder = given.to or (HERE / "results" if is_whole else None)
    if folder is not None:
        write(folder, text, reports)
    if is_whole:
        put_into_readme(f"{settings}\n\n{judged}")


if __name__ == "__main__":
    main()
