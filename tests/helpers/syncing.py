"""Syncs in processes of their own, to be killed at any moment. As a program, it is the parent that forks them."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aishoot_async import AIShootError, AIShootSession, RetryPolicy, SkuCreate
from aishoot_async.sync import CatalogItem, apply_plan, plan_sync
from helpers.forking import fork_children, limit_files, parent_of


def catalog(edition: int, count: int) -> list[CatalogItem]:
    """Make the second edition of a catalog of the first: some keys have gone, some have changed, some have come."""
    first = [CatalogItem(f"k{n}", SkuCreate(name=f"Item {n}", front_image=f"front-{n}")) for n in range(count)]
    if edition == 1:
        return first
    changed = [
        CatalogItem(one.key, SkuCreate(name=f"{one.sku.name}, new", front_image=one.sku.front_image, gender="male"))
        for one in first[count // 10 : count // 2]
    ]
    come = [CatalogItem(f"n{n}", SkuCreate(name=f"More {n}", front_image=f"more-{n}")) for n in range(count // 2)]
    return [*changed, *first[count // 2 :], *come]


async def work(job: Mapping[str, Any]) -> Mapping[str, Any]:
    retry = RetryPolicy(attempts=2, backoff=0.001)
    async with AIShootSession("tok", base_url=job["url"], retry=retry) as session:
        wanted = catalog(job["edition"], job["count"])
        plan = await plan_sync(
            session, wanted, state=job["state"], prune=True, max_delete="50%", settle=job["settle"], patience=0
        )
        report = await apply_plan(session, plan, settle=job["settle"], patience=0)
    return {"counts": {str(kind): count for kind, count in report.counts.items()}, "complete": report.complete}


class Syncer:
    """Runs syncs in children, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid: int | None = None

    async def start(self, url: str, state: Any, edition: int, count: int, settle: float = 0.05, **more: Any) -> None:
        job = {"url": url, "state": str(state), "edition": edition, "count": count, "settle": settle, **more}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self.pid = (await self._said())["pid"]

    def kill(self) -> None:
        """Kill the child, if it still runs: here and now."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    async def result(self) -> Mapping[str, Any]:
        """Wait for the child; ``killed`` says that it did not come to its end."""
        said = await self._said()
        self.pid = None
        return said

    async def _said(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())


@asynccontextmanager
async def syncer() -> AsyncGenerator[Syncer]:
    command, env = parent_of("helpers.syncing")
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Syncer(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def child(job: Mapping[str, Any]) -> Mapping[str, Any]:
    limit_files(job.get("file_limit"))
    try:
        return asyncio.run(work(job))
    except AIShootError as error:
        return {"error": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    fork_children(child, ["filelock", "sqlite3", "aiohttp"])
