"""Exports in processes of their own, to be killed at any step. As a program, it is the parent that forks them."""

import asyncio
import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import attrs

from aishoot_async import AIShootError, AIShootSession, RetryPolicy
from aishoot_async.export import ResultsExport, export_results
from aishoot_async.jobs import Journal, SizeLimit
from aishoot_async.storage.append_file import AppendFile
from aishoot_async.storage.destinations import LocalFile, LocalFolder, ObjectStore
from helpers.forking import fork_children, limit_files, parent_of


class Exporter:
    """Runs exports in children."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._child = 0
        self._is_running = False

    def start(self, server: Any, briefs: list[int], destination: Any, **options: Any) -> None:
        job = {"url": server.url, "token": server.token, "briefs": briefs, "destination": str(destination), **options}
        if self._is_running:
            self.result()  # of a test that has failed
        self._is_running = True
        self._stdin.write(json.dumps(job).encode() + b"\n")
        self._child = json.loads(self._stdout.readline())["pid"]

    def result(self) -> Mapping[str, Any]:
        """Wait for the export that was started; ``killed`` says that it did not come to its end."""
        said = self._stdout.readline()
        self._is_running = False
        return json.loads(said)

    def kill(self, after: float = 0) -> Mapping[str, Any]:
        """Kill the export so many seconds from now, wherever it stands, unless it ends before that."""
        if not select.select([self._stdout], [], [], after)[0]:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
        return self.result()

    def run(self, server: Any, briefs: list[int], destination: Any, **options: Any) -> Mapping[str, Any]:
        self.start(server, briefs, destination, **options)
        return self.result()


@contextmanager
def exporter() -> Generator[Exporter]:
    command, env = parent_of("helpers.exporting")
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Exporter(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


class Steps:
    """Counts what an export does to the disk; kills it before a step, or in the middle of it."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last
        write = AppendFile.write

        def torn(file: Any, data: bytes) -> None:
            if self._is_last():
                write(file, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            write(file, data)

        AppendFile.write = torn
        self._wrap(AppendFile, "sync")
        self._wrap(Journal, "save")
        for destination in (LocalFile, LocalFolder, ObjectStore):
            for name in ("publish", "write", "remove"):
                self._wrap(destination, name)

    def _is_last(self) -> bool:
        self.count += 1
        return self.count == self._last

    def _wrap(self, owner: Any, name: str) -> None:
        work = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            if self._is_last():
                os.kill(os.getpid(), signal.SIGKILL)
            done = work(*arguments, **options)
            if self._is_last():
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        setattr(owner, name, counted)


def small_parts() -> None:
    """Let blocks and parts end after few pages, and the journal be written after each block."""

    usual_layout = ResultsExport.layout

    def layout(kind: Any, unit: str) -> Any:
        usual = usual_layout(kind, unit)
        part = None if usual.part is None else SizeLimit(6, 1 << 30)
        return attrs.evolve(usual, block=SizeLimit(2, 1 << 30), part=part, checkpoint_interval=0.0)

    ResultsExport.layout = layout  # type: ignore[method-assign]


async def export(job: dict[str, Any]) -> Any:
    url, token = job.pop("url"), job.pop("token")
    retry = RetryPolicy(attempts=2, backoff=0.001)
    async with AIShootSession(token, base_url=url, retry=retry) as session:
        return await export_results(session, job.pop("briefs"), job.pop("destination"), patience=0, **job)


def child(job: dict[str, Any]) -> Mapping[str, Any]:
    steps = Steps(job.pop("die_at", None))
    if job.pop("small_parts", True):
        small_parts()
    if (user := job.pop("user", None)) is not None and os.getuid() == 0:
        # Once as who we are: another user may not be able to read what is imported late.
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(export({**job, "destination": f"{folder}/r"}))
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    limit_files(job.pop("file_limit", None))
    try:
        report = asyncio.run(export(job))
    except AIShootError as error:
        return {"error": type(error).__name__, "message": str(error), "steps": steps.count}
    outcomes = [attrs.asdict(outcome) for outcome in report.outcomes]
    return {"complete": report.complete, "outcomes": outcomes, "steps": steps.count}


if __name__ == "__main__":
    fork_children(child, ["filelock", "pyarrow.parquet", "zstandard", "obstore.store", "sqlite3", "aiohttp"])
