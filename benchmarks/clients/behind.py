"""How long a single ``get`` takes alone, and behind a typed walk with so many pages in flight or ready."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

import uvloop

from aishoot_async import AIShootSession, Limits
from benchmarks.clients.task import Task


async def latencies(session: AIShootSession, calls: int) -> list[float]:
    times = []
    for number in range(calls):
        begun = time.perf_counter()
        await session.skus.get(f"{number:010}")
        times.append(time.perf_counter() - begun)
    return times


async def walk_for_ever(session: AIShootSession, task: Task) -> None:
    while True:
        async for _ in session.briefs.results(task.items, start=1, prefetch=task.window):
            pass


def percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


async def main(task: Task) -> None:
    limits = Limits(in_flight=task.options["in_flight"])
    async with AIShootSession("t", base_url=task.url, limits=limits) as session:
        await latencies(session, 20)
        idle = await latencies(session, task.options["calls"])
        walk = asyncio.create_task(walk_for_ever(session, task))
        await asyncio.sleep(0.5)
        busy = await latencies(session, task.options["calls"])
        walk.cancel()
        await asyncio.wait([walk])
    print(json.dumps({f"{share}": percentile(busy, share) / percentile(idle, share) for share in (0.5, 0.99)}))


if __name__ == "__main__":
    uvloop.run(main(Task(**json.loads(sys.argv[1]))))
