"""A Dask cluster of two worker processes, in processes of its own. As a program, it is what starts them.

Dask has its own ideas of threads, of logs and of warnings: none of them is to reach the tests. What all of its
processes log, at level DEBUG, is in one file.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import attrs

TESTS = Path(__file__).resolve().parent.parent
BRIEFS = range(1, 65)
ROWS = 50 * len(BRIEFS)
IN_FLIGHT = 16


@attrs.frozen
class Cluster:
    """Where it is, and where its logs are."""

    address: str
    log: Path


@contextlib.contextmanager
def cluster_of_two(folder: Path, *, threads: int = 4) -> Generator[Cluster]:
    log = folder / "cluster.log"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AISHOOT", "AUTORETOUCH"))}
    env |= {
        "PYTHONPATH": str(TESTS),
        "DASK_LOGGING__DISTRIBUTED": "debug",
        "DASK_TEMPORARY_DIRECTORY": str(folder),
        # On a busy machine, Dask gives up on a worker that is being started again, and the tests would wait for ever.
        "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "600s",
    }
    command = [sys.executable, __file__, str(threads)]
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Cluster(json.loads(process.stdout.readline()), log)
        finally:
            process.stdin.close()


def session_at(server: Any, token: Any = None, **options: Any) -> Any:
    from aishoot_async import AIShootSession, Limits, RetryPolicy  # noqa: PLC0415

    settings = {"retry": RetryPolicy(backoff=0.001), "limits": Limits(in_flight=IN_FLIGHT)} | options
    return AIShootSession(token or server.token, base_url=server.url, auth_url=server.url, **settings)


def manifest(folder: Path) -> list[dict[str, Any]]:
    """Read the manifest, but for the times."""
    rows = [json.loads(line) for line in (folder / "_manifest.ndjson").read_bytes().splitlines()]
    return [{key: value for key, value in row.items() if key not in {"begun", "ended"}} for row in rows]


def staged(folder: Path) -> list[str]:
    """Name what is staged there."""
    return [str(found) for found in (folder / ".aishoot").glob("*/staging/*")]


async def processes(client: Any) -> dict[str, int]:
    """Give the workers' process ids, by address."""
    return await client.run(os.getpid, on_error="ignore")


def attempts_in_hand(dask_worker: Any) -> int:
    """Count what a worker has in hand, for whichever driver."""
    from aishoot_async.clusters._attempt import _registry  # noqa: PLC0415

    return sum(len(run._attempts) for run in _registry(dask_worker).runs.values())


async def idle(client: Any) -> None:
    """Wait until no worker has anything in hand."""
    async with asyncio.timeout(40):
        while any((await client.run(attempts_in_hand)).values()):  # noqa: ASYNC110  # they are other processes
            await asyncio.sleep(0.05)


def give_nothing(dask_worker: Any) -> None:
    """Let a worker not answer when it is asked for what it has brought, twice."""
    give, asked = dask_worker.handlers["get_data"], list[Any]()

    async def hang(comm: Any, **options: Any) -> Any:
        asked.append(options)
        if len(asked) <= 2:
            await asyncio.Event().wait()
        return await give(comm, **options)

    dask_worker.handlers["get_data"] = hang


@contextlib.contextmanager
def stopped(pid: int) -> Generator[None]:
    """Let a process hang."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def seen_on_the_scheduler(dask_scheduler: Any = None) -> str:
    """Tell all that the scheduler holds: tasks with their arguments, and events."""
    from distributed.protocol import pickle  # noqa: PLC0415

    tasks = [(task.key, repr(task.run_spec), pickle.dumps(task.run_spec)) for task in dask_scheduler.tasks.values()]
    return repr((tasks, dask_scheduler.get_events(), dask_scheduler.get_logs()))


def main() -> None:
    from distributed import LocalCluster  # noqa: PLC0415

    async def serve() -> None:
        async with LocalCluster(
            n_workers=2,
            threads_per_worker=int(sys.argv[1]),
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=False,
            asynchronous=True,
        ) as cluster:
            print(json.dumps(cluster.scheduler_address), flush=True)  # noqa: T201
            await asyncio.to_thread(sys.stdin.read)  # until the tests are over

    asyncio.run(serve())


if __name__ == "__main__":
    main()
