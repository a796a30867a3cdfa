"""What the calls of a session do to each other near a service's own limit."""

import asyncio
import json
import statistics
import time
import urllib.request

from aishoot_async import AIShootSession, Limits
from benchmarks.runs import pin_clients
from benchmarks.server import Settings, running

PAGES = 2000
WIDTH = 32
ROOM = 6
LATENCY = 0.02
ROUNDS = 3


async def seconds_of_walk(url: str, limits: Limits) -> float:
    begun = time.perf_counter()
    async with AIShootSession("t", base_url=url, limits=limits) as session:
        pages = 0
        async for _ in session.briefs.results(PAGES * 100, into=bytes, start=1, prefetch=WIDTH).pages():
            pages += 1
    assert pages == PAGES, pages
    return time.perf_counter() - begun


def counts(url: str) -> tuple[int, int]:
    with urllib.request.urlopen(f"{url}/counts") as answer:
        requests, refused = json.load(answer)
    return requests, refused


def near_the_limit() -> None:
    """Walk past a service that takes six requests at once, with every fixed limit and with the adaptive one."""
    settings = Settings(latency=LATENCY, room=ROOM)
    took: dict[str, list[float]] = {}
    refused: dict[str, list[float]] = {}
    choices = {f"fixed {limit}": Limits(in_flight=limit) for limit in (4, 5, 6)} | {"adaptive": Limits()}
    with running(settings, core=0) as url:
        for _ in range(ROUNDS):
            for name, limits in choices.items():
                counts(url)
                took.setdefault(name, []).append(asyncio.run(seconds_of_walk(url, limits)))
                requests, no = counts(url)
                refused.setdefault(name, []).append(no / requests)
    best = min(statistics.median(times) for name, times in took.items() if name != "adaptive")
    print(f"\nA service that takes {ROOM} requests at once, {LATENCY * 1000:.0f} ms each: {PAGES} pages, {WIDTH} ahead")
    for name, times in took.items():
        median = statistics.median(times)
        print(
            f"{name:10} {PAGES / median:6.0f} pages/s  {best / median:5.2f} of the best fixed limit  "
            f"{100 * statistics.median(refused[name]):4.1f} % refused  ({min(times):.2f} to {max(times):.2f} s)"
        )


def main() -> None:
    pin_clients()
    near_the_limit()


if __name__ == "__main__":
    main()
