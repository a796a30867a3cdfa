"""The same creates by httpx, as its documentation says."""

import asyncio
from collections.abc import Iterator

import httpx

from benchmarks.clients.task import Task, main, on_loop


async def create(task: Task) -> int:
    made = 0
    numbers = iter(range(task.items))

    async def worker(client: httpx.AsyncClient, numbers: Iterator[int]) -> None:
        nonlocal made
        for number in numbers:
            body = {"name": f"Linen dress {number}", "frontImage": "front-1", "gender": "female", "projectIds": [17]}
            response = await client.post("/ai-shoot/skus", json=body)
            response.raise_for_status()
            response.json()
            made += 1

    async with (
        httpx.AsyncClient(base_url=task.url, headers={"Authorization": "Bearer token"}) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(task.window):
            group.create_task(worker(client, numbers))
    return made


if __name__ == "__main__":
    main(on_loop(create))
