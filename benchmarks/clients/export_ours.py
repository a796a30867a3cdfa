"""Our export, with its usual settings."""

from pathlib import Path

from aishoot_async import AIShootSession
from aishoot_async.export import export_results
from benchmarks.clients.task import Task, main, on_loop


async def export(task: Task) -> int:
    destination = Path(task.folder) / f"results.{task.options['format']}"
    async with AIShootSession("token", base_url=task.url, auth_url=task.url) as session:
        report = await export_results(session, [task.items], destination, prefetch=task.window)
    return sum(outcome.items for outcome in report.outcomes)


if __name__ == "__main__":
    main(on_loop(export))
