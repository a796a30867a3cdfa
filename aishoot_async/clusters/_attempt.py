"""The worker's side: a unit is done as on one machine, and staged. Nothing is published here.

A worker may die, hang, or come back when its unit has long been given to another: whatever it has staged carries the
name of its attempt, and only the driver takes it from there.
"""

import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4
from weakref import WeakKeyDictionary

import attrs
from distributed import Worker, get_worker

from .._version import __version__
from ..errors import AIShootError, ConfigurationError, JobError
from ..jobs import PartSet, ReadProgress, Unit, UnitWork, disk_error, staged_object, staged_part
from ..session import AIShootSession
from ..storage import DiskExecutor, fsync_folder
from ..storage.destinations import Destination, open_destination, parse_destination
from ._messages import AttemptProgress, BriefTask, TaskResult
from ._token_message import GRANT, TokenMessage
from ._worker_run import WorkerRun


async def read_brief(task: BriefTask) -> TaskResult:
    """Stage one unit: the task that the driver submits. It never raises an error of ours."""
    attempt = Attempt(task, _registry(get_worker()).run_of(task))
    running = asyncio.create_task(attempt.run())
    attempt.worker_run.begin(running, attempt)
    try:
        await asyncio.wait([running])
    finally:
        running.cancel()
        await asyncio.wait([running])
    if running.cancelled():
        return TaskResult(attempt=attempt.name, fetched=attempt.progress.fetched)
    return running.result()


async def end_attempts(staging: str, dask_worker: Worker) -> None:
    """End what stages there, whichever run has ordered it, and forget its tokens."""
    runs = [run for run in _registry(dask_worker).runs.values() if run.staging == staging]
    await asyncio.gather(*(run.close() for run in runs))


class WorkerRegistry:
    """What a worker does, by the driver's run."""

    def __init__(self, worker: Worker) -> None:
        """Take the messages with tokens."""
        self._worker = worker
        self.runs: dict[str, WorkerRun] = {}
        cast("Any", worker).handlers[GRANT] = self._take

    def run_of(self, task: BriefTask) -> WorkerRun:
        """Return what the worker does for the run of a task."""
        if task.run not in self.runs:
            self.runs[task.run] = WorkerRun(self._worker, task, lambda: self.runs.pop(task.run, None))
        return self.runs[task.run]

    def _take(self, grant: TokenMessage) -> None:  # Dask passes the message's member by this name
        if grant.run in self.runs:
            self.runs[grant.run].take(grant)


_registries: Final[WeakKeyDictionary[Worker, WorkerRegistry]] = WeakKeyDictionary()


def _registry(worker: Worker) -> WorkerRegistry:
    if worker not in _registries:
        _registries[worker] = WorkerRegistry(worker)
    return _registries[worker]


class _NoJournal:
    """An attempt is never gone on with: nothing is noted."""

    def save(self, *units: Unit) -> None:
        """Note nothing."""


class Attempt:
    """One attempt at one unit."""

    def __init__(self, task: BriefTask, worker_run: WorkerRun) -> None:
        """Request nothing yet."""
        self.task = task
        self.worker_run = worker_run
        self.name = uuid4().hex
        self.progress = AttemptProgress(attempt=self.name, unit=task.unit, fetched=0, pages=0, items=0, total=None)
        self._disk = DiskExecutor(2, "the journal", partial(disk_error, task.kind.error))

    async def run(self) -> TaskResult:
        """Stage the unit."""
        parts: PartSet | None = None
        failure: AIShootError | None = None
        try:
            parts = await self._stage()
        except (ConfigurationError, JobError) as error:  # whose messages do not say where
            failure = type(error)(f"{error} (on worker {self.worker_run.worker.address})")
        except AIShootError as error:
            failure = error
        finally:
            self._disk.close()
        return TaskResult(attempt=self.name, fetched=self.progress.fetched, parts=parts, error=failure)

    async def _stage(self) -> PartSet:
        task = self.task
        if task.release != __version__:
            raise ConfigurationError(f"aishoot-async is {__version__} there, and {task.release} at the driver")
        session, store_options = await self.worker_run.open()
        folder = await self._disk.run(self._make_folder)
        uploads: list[str] = []
        is_whole = False
        try:
            parts = attrs.evolve(await task.kind.run_unit(self._work(session, folder)), attempt=self.name)
            if task.store is not None:
                await self._disk.run(self._upload, folder, parts, store_options, uploads)
            is_whole = True
            return parts
        finally:
            if not is_whole and uploads:
                await self._disk.run(self._remove_uploads, folder, store_options, uploads)
            if not is_whole or task.store is not None:
                await self._disk.run(shutil.rmtree, folder, True)  # noqa: FBT003

    def _make_folder(self) -> Path:
        task = self.task
        if task.store is not None:
            return Path(tempfile.mkdtemp(prefix="aishoot-", dir=self.worker_run.worker.local_directory))
        staging = Path(task.staging)
        if not (staging / task.run).exists():
            raise task.kind.error(
                f"{staging} is not the driver's folder: workers need a file system that they share with it, or an "
                f"object store"
            )
        folder = staging / self.name
        folder.mkdir()
        fsync_folder(staging)
        return folder

    def _work(self, session: AIShootSession, folder: Path) -> UnitWork:
        task = self.task
        return UnitWork(
            session=session,
            kind=task.kind,
            unit=Unit(name=task.unit),
            folder=folder,
            journal=_NoJournal(),
            disk=self._disk,
            paging=task.paging,
            on_read=self._on_read,
        )

    def _store(self, folder: Path, options: dict[str, Any]) -> Destination:
        parsed = parse_destination(self.task.store or "")
        error = self.task.kind.error
        return open_destination(parsed, is_single=False, state=folder, store_options=options, error=error)

    def _upload(self, folder: Path, parts: PartSet, options: dict[str, Any], uploads: list[str]) -> None:
        store = self._store(folder, options)
        for part in parts.staged:
            uploads.append(staged_object(self.task.shard, self.name, part.number))
            store.publish(staged_part(folder, part.number), uploads[-1])

    def _remove_uploads(self, folder: Path, options: dict[str, Any], uploads: list[str]) -> None:
        store = self._store(folder, options)
        for name in uploads:
            store.remove(name)

    def _on_read(self, read: ReadProgress) -> None:
        # A walk that is begun once more counts from 0.
        fetched = self.progress.fetched + max(1, read.pages - self.progress.pages)
        self.progress = attrs.evolve(
            self.progress, fetched=fetched, pages=read.pages, items=read.items, total=read.total
        )
        self.worker_run.on_page()
