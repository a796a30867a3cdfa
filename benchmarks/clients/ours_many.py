"""Ours, with more and more of something: pages of a brief, briefs one after the other, or walks at once."""

import asyncio

from aishoot_async import AIShootSession
from benchmarks.clients.task import Task, main, on_loop


async def walk(session: AIShootSession, brief: int) -> int:
    count = 0
    async for _ in session.briefs.results(brief, into=bytes):
        count += 1
    return count


async def many(task: Task) -> int:
    briefs, walks = task.options.get("briefs", 1), task.options.get("walks", 1)
    each = task.items // (briefs * walks)
    async with AIShootSession("token", base_url=task.url, auth_url=task.url) as session:
        if walks == 1:
            return sum([await walk(session, each) for _ in range(briefs)])
        return sum(await asyncio.gather(*(walk(session, each) for _ in range(walks))))


if __name__ == "__main__":
    main(on_loop(many))
