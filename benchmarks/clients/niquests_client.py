"""niquests.AsyncSession, as its documentation says."""

from typing import Any

import niquests

from benchmarks.clients.rows import read
from benchmarks.clients.task import Task, main, on_loop
from benchmarks.clients.window import in_order


async def walk(task: Task) -> int:
    url = f"{task.url}/ai-shoot/briefs/{task.items}/results"
    async with niquests.AsyncSession() as session:
        session.headers["Authorization"] = "Bearer token"

        async def fetch(page: int) -> list[dict[str, Any]]:
            response = await session.get(url, params={"page": str(page), "pageSize": "100"})
            response.raise_for_status()
            return response.json()["entries"]

        count = 0
        async for items in in_order(fetch, task.pages, task.window):
            count += read(task, items)
        return count


if __name__ == "__main__":
    main(on_loop(walk))
