"""From nothing to the first item: a session made, a connection opened, a page read. Median of many."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import uvloop

from aishoot_async import AIShootSession
from benchmarks.clients.aiohttp_raw import TUNED
from benchmarks.clients.task import Task

TIMES = 40


async def ours(task: Task) -> None:
    async with AIShootSession("token", base_url=task.url, auth_url=task.url) as session:
        async for _ in session.briefs.results(task.items):
            break


async def by_aiohttp(task: Task) -> None:
    async with aiohttp.ClientSession(**TUNED, cookie_jar=aiohttp.DummyCookieJar()) as session:
        params = {"page": 1, "pageSize": 100}
        async with session.get(f"{task.url}/ai-shoot/briefs/{task.items}/results", params=params) as response:
            for _ in msgspec.json.decode(await response.read())["entries"]:
                break


async def main(task: Task, first: Callable[[Task], Awaitable[None]]) -> None:
    took: list[float] = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await first(task)
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0)
    print(json.dumps(statistics.median(took[5:])))


if __name__ == "__main__":
    given = Task(**json.loads(sys.argv[1]))
    uvloop.run(main(given, {"ours": ours, "aiohttp": by_aiohttp}[given.options["who"]]))
