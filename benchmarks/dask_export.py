"""An export on Dask beside the same export on one machine: the same server, the same run, with and without a loss.

Both keep as many requests on their way, as one account may. All processes share one machine here, so this shows what
a cluster costs, not what many machines bring.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from aishoot_async import AIShootSession, Limits
from aishoot_async.clusters.dask import export_results as on_dask
from aishoot_async.export import export_results
from benchmarks.server import Settings, running

IN_FLIGHT = 32
ROUNDS = 3


def requests(url: str) -> int:
    with urllib.request.urlopen(f"{url}/counts") as answer:
        return int(json.load(answer)[0])


async def kill_one(client: Any, after: float) -> None:
    await asyncio.sleep(after)
    pids = await client.run(os.getpid)
    os.kill(next(iter(pids.values())), signal.SIGKILL)


async def measure(url: str, briefs: int) -> None:
    """Let the three take turns, and say what each took."""
    took: dict[str, list[tuple[float, int, int]]] = {}
    async with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=4,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=50,
            asynchronous=True,
        ) as cluster,
        Client(cluster, asynchronous=True) as client,
        AIShootSession("t", base_url=url, limits=Limits(in_flight=IN_FLIGHT)) as session,
    ):
        alone: Callable[[Path], Awaitable[Any]] = lambda folder: export_results(session, range(1, briefs + 1), folder)  # noqa: E731

        async def cluster_run(folder: Path) -> Any:
            return await on_dask(client, range(1, briefs + 1), folder, session=session)

        async def with_a_loss(folder: Path) -> Any:
            half = statistics.median(seconds for seconds, _, _ in took["Dask"]) / 2
            report, _ = await asyncio.gather(cluster_run(folder), kill_one(client, half))
            return report

        for _ in range(ROUNDS):
            for name, export in (("one machine", alone), ("Dask", cluster_run), ("Dask, one killed", with_a_loss)):
                await client.wait_for_workers(2)
                requests(url)
                with tempfile.TemporaryDirectory() as folder:
                    begun = time.perf_counter()
                    report = await export(Path(folder) / "r")
                    seconds = time.perf_counter() - begun
                assert report.complete
                took.setdefault(name, []).append((seconds, requests(url), getattr(report, "refetched_pages", 0)))
    base = statistics.median(seconds for seconds, _, _ in took["one machine"])
    for name, runs in took.items():
        median = statistics.median(seconds for seconds, _, _ in runs)
        print(
            f"{name:17} {median:6.2f} s ({min(runs)[0]:.2f} to {max(runs)[0]:.2f})  {median / base:5.2f} of one machine"
            f"  requests {[count for _, count, _ in runs]}  refetched pages {[again for _, _, again in runs]}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--briefs", type=int, default=64)
    parser.add_argument("--pages", type=int, default=20)
    chosen = parser.parse_args()
    for latency in (0.0, 0.02):
        print(f"\n{chosen.briefs} briefs of {chosen.pages} pages of 100, {1000 * latency:.0f} ms, {IN_FLIGHT} at once")
        with running(Settings(total=100 * chosen.pages, latency=latency)) as url:
            asyncio.run(measure(url, chosen.briefs))


if __name__ == "__main__":
    main()
