"""What the calls of a session do to each other: near a service's own limit, and a single call behind a wide walk."""

import asyncio
import json
import os
import statistics
import time
import urllib.request

from aishoot_async import AIShootSession, Limits
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


async def latencies(session: AIShootSession, calls: int) -> list[float]:
    times = []
    for number in range(calls):
        begun = time.perf_counter()
        await session.skus.get(f"{number:010}")
        times.append(time.perf_counter() - begun)
    return times


async def walk_for_ever(session: AIShootSession) -> None:
    while True:
        async for _ in session.briefs.results(PAGES * 100, start=1, prefetch=WIDTH):
            pass


async def idle_and_busy(url: str, limits: Limits) -> tuple[list[float], list[float]]:
    async with AIShootSession("t", base_url=url, limits=limits) as session:
        await latencies(session, 20)
        idle = await latencies(session, 200)
        walk = asyncio.create_task(walk_for_ever(session))
        await asyncio.sleep(0.5)
        busy = await latencies(session, 200)
        walk.cancel()
        await asyncio.wait([walk])
    return idle, busy


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def behind_a_walk() -> None:
    """Time single gets alone, and while a typed walk has 32 pages in flight or ready."""
    with running(Settings(latency=LATENCY), core=0) as url:
        print(f"\nA single get behind a walk with {WIDTH} pages ahead, {LATENCY * 1000:.0f} ms a request")
        for name, limits in {"64 in flight": Limits(), "8 in flight": Limits(in_flight=8)}.items():
            ratios, tails = [], []
            for _ in range(ROUNDS):
                idle, busy = asyncio.run(idle_and_busy(url, limits))
                ratios.append(statistics.median(busy) / statistics.median(idle))
                tails.append(percentile(busy, 0.99) / percentile(idle, 0.99))
            print(
                f"{name:12} p99 {statistics.median(tails):5.2f} x idle ({min(tails):.2f} to {max(tails):.2f})   "
                f"median {statistics.median(ratios):5.2f} x idle"
            )


def main() -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {1})
    near_the_limit()
    behind_a_walk()


if __name__ == "__main__":
    main()
