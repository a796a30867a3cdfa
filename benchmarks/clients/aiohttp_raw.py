"""aiohttp as its documentation says, and msgspec to dictionaries. No retries, no checks.

With ``tuned`` it has our session's settings, so far as they are public: that is the baseline. Without, aiohttp's own.
"""

from typing import Any

import aiohttp
import msgspec

from benchmarks.clients.rows import read, read_skus
from benchmarks.clients.task import Task, main, on_loop
from benchmarks.clients.window import in_order

TUNED = {
    "timeout": aiohttp.ClientTimeout(total=None, connect=10.0, sock_connect=None, sock_read=60.0),
    "auto_decompress": False,
    "headers": {"Authorization": "Bearer token", "Accept-Encoding": "gzip"},
}
UNTUNED = {"headers": {"Authorization": "Bearer token"}}


async def walk(task: Task) -> int:
    is_skus = task.options.get("skus", False)
    path = "/ai-shoot/skus" if is_skus else f"/ai-shoot/briefs/{task.items}/results"
    query = {"projectFilter": str(task.items)} if is_skus else {}
    tuned = task.options["tuned"]
    settings: dict[str, Any] = TUNED | {"cookie_jar": aiohttp.DummyCookieJar()} if tuned else UNTUNED
    async with aiohttp.ClientSession(**settings) as session:

        async def fetch(page: int) -> list[dict[str, Any]]:
            params = {**query, "page": page, "pageSize": 100}
            async with session.get(task.url + path, params=params, allow_redirects=not tuned) as response:
                response.raise_for_status()
                return msgspec.json.decode(await response.read())["entries"]

        count = 0
        async for items in in_order(fetch, task.pages, task.window):
            count += read_skus(task, items) if is_skus else read(task, items)
        return count


if __name__ == "__main__":
    main(on_loop(walk))
