"""Creates, so many at once, with our usual settings."""

import asyncio
from collections.abc import Iterator

from aishoot_async import AIShootSession, SkuCreate
from benchmarks.clients.task import Task, main, on_loop


async def create(task: Task) -> int:
    made = 0
    numbers = iter(range(task.items))

    async def worker(session: AIShootSession, numbers: Iterator[int]) -> None:
        nonlocal made
        for number in numbers:
            body = SkuCreate(name=f"Linen dress {number}", front_image="front-1", gender="female", project_ids=[17])
            await session.skus.create(body)
            made += 1

    async with AIShootSession("token", base_url=task.url, auth_url=task.url) as session, asyncio.TaskGroup() as group:
        for _ in range(task.window):
            group.create_task(worker(session, numbers))
    return made


if __name__ == "__main__":
    main(on_loop(create))
