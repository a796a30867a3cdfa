"""pyreqwest's client, as its documentation says: HTTP and JSON in Rust, its sockets on threads of its own."""

from typing import Any

from pyreqwest.client import ClientBuilder

from benchmarks.clients.rows import read
from benchmarks.clients.task import Task, main, on_loop
from benchmarks.clients.window import in_order


async def walk(task: Task) -> int:
    url = f"{task.url}/ai-shoot/briefs/{task.items}/results"
    headers = {"Authorization": "Bearer token"}
    async with ClientBuilder().default_headers(headers).error_for_status(True).build() as client:  # noqa: FBT003

        async def fetch(page: int) -> list[dict[str, Any]]:
            response = await client.get(url).query({"page": page, "pageSize": 100}).build().send()
            return (await response.json())["entries"]

        count = 0
        async for items in in_order(fetch, task.pages, task.window):
            count += read(task, items)
        return count


if __name__ == "__main__":
    main(on_loop(walk))
