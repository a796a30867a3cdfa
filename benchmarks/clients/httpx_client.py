"""httpx.AsyncClient, as its documentation says."""

from typing import Any

import httpx

from benchmarks.clients.rows import read
from benchmarks.clients.task import Task, main, on_loop
from benchmarks.clients.window import in_order


async def walk(task: Task) -> int:
    async with httpx.AsyncClient(base_url=task.url, headers={"Authorization": "Bearer token"}) as client:

        async def fetch(page: int) -> list[dict[str, Any]]:
            response = await client.get(
                f"/ai-shoot/briefs/{task.items}/results", params={"page": page, "pageSize": 100}
            )
            response.raise_for_status()
            return response.json()["entries"]

        count = 0
        async for items in in_order(fetch, task.pages, task.window):
            count += read(task, items)
        return count


if __name__ == "__main__":
    main(on_loop(walk))
