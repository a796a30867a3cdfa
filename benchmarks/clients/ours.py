"""Ours, with its usual settings: retries, budget, deadline, throttle, and every check of the listing."""

from typing import Any

from aishoot_async import AIShootSession
from aishoot_async.paging import Pager
from benchmarks.clients.task import Task, main, on_loop


async def typed(task: Task, session: AIShootSession) -> int:
    count = 0
    row = None
    async for each in session.briefs.results(task.items, prefetch=task.window):
        row = (each.id, each["name"], each["status"], each["imageUrl"])
        count += 1
        if task.kept is not None:
            task.kept.append(row)
    return count


async def fields(task: Task, session: AIShootSession) -> int:
    count = 0
    row = None
    async for each in session.briefs.results(task.items, fields=("name", "status", "imageUrl"), prefetch=task.window):
        row = (each.id, each["name"], each["status"], each["imageUrl"])
        count += 1
        if task.kept is not None:
            task.kept.append(row)
    return count


async def typed_pages(task: Task, session: AIShootSession) -> int:
    count = 0
    row = None
    async for page in session.briefs.results(task.items, prefetch=task.window).pages():
        for each in page.items:
            row = (each.id, each["name"], each["status"], each["imageUrl"])
            count += 1
            if task.kept is not None:
                task.kept.append(row)
    return count


async def skus(task: Task, session: AIShootSession) -> int:
    count = 0
    row = None
    async for each in session.skus.list(project_filter=str(task.items), prefetch=task.window):
        row = (each.id, each.name, each.front_image, each.is_in_wardrobe)
        count += 1
        if task.kept is not None:
            task.kept.append(row)
    return count


async def raw(task: Task, session: AIShootSession) -> int:
    count = 0
    async for each in session.briefs.results(task.items, into=bytes, prefetch=task.window):
        count += 1
        if task.kept is not None:
            task.kept.append(each)
    return count


async def raw_pages(task: Task, session: AIShootSession) -> int:
    count = 0
    pager: Pager[Any] = session.briefs.results(task.items, into=bytes, prefetch=task.window)
    async for page in pager.pages():
        count += len(page.items)
        if task.kept is not None:
            task.kept += page.items
    return count


SCENES = {each.__name__: each for each in (typed, fields, typed_pages, skus, raw, raw_pages)}


async def walk(task: Task) -> int:
    async with AIShootSession("token", base_url=task.url, auth_url=task.url) as session:
        return await SCENES[task.options["scene"]](task, session)


if __name__ == "__main__":
    main(on_loop(walk))
