"""The same creates by aiohttp with our session's settings, and msgspec: no checks of what is sent, no retries."""

import asyncio
from collections.abc import Iterator

import aiohttp
import msgspec

from benchmarks.clients.aiohttp_raw import TUNED
from benchmarks.clients.task import Task, main, on_loop


async def create(task: Task) -> int:
    made = 0
    numbers = iter(range(task.items))

    async def worker(session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        nonlocal made
        for number in numbers:
            body = {"name": f"Linen dress {number}", "frontImage": "front-1", "gender": "female", "projectIds": [17]}
            async with session.post(
                f"{task.url}/ai-shoot/skus",
                data=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                response.raise_for_status()
                msgspec.json.decode(await response.read())
            made += 1

    async with (
        aiohttp.ClientSession(**TUNED, cookie_jar=aiohttp.DummyCookieJar()) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(task.window):
            group.create_task(worker(session, numbers))
    return made


if __name__ == "__main__":
    main(on_loop(create))
