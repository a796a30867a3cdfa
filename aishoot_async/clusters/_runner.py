"""Has the units of a job done by the workers of a cluster. The driver alone keeps the journal, and publishes."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from ..calls import Traffic
from ..errors import JobError
from ..jobs import JobWorkspace, OnRead, PartSet, ReadProgress, Unit
from ..storage import DiskExecutor
from ..storage.destinations import ObjectStore
from ._messages import AttemptProgress
from ._worker_pool import WorkerPool

logger: Final = logging.getLogger("aishoot_async.clusters")


class ClusterRunner:
    """A `UnitRunner` whose units are done by a pool of workers."""

    def __init__(self, pool: WorkerPool, staging: str) -> None:
        """Submit nothing yet; ``staging`` names where the workers stage."""
        self.concurrency = pool.window.widest
        self._pool = pool
        self._staging = staging

    @property
    def traffic(self) -> Traffic:
        """The workers'."""
        return self._pool.traffic

    @asynccontextmanager
    async def running(self, workspace: JobWorkspace, disk: DiskExecutor, on_read: OnRead) -> AsyncGenerator[None]:
        """See `UnitRunner.running`."""

        def on_progress(progress: AttemptProgress) -> None:
            if progress.pages:
                read = ReadProgress(pages=progress.pages, items=progress.items, total=progress.total)
                on_read(progress.unit, read)

        def prepare() -> None:
            workspace.remove_unwanted()
            if not isinstance(workspace.job.destination, ObjectStore):
                (workspace.staging / self._pool.run).touch()  # by which workers see that it is this folder

        self._pool.on_progress = on_progress
        try:
            async with self._pool.at_work(self._staging):
                await disk.run(prepare)
                yield
        finally:
            # Now nobody stages any more.
            try:
                await disk.run(workspace.remove_unwanted)
            except JobError as error:
                # What ends the run is said already; the next run begins by this.
                logger.warning("what is staged could not be removed: %s", error)

    async def run_unit(self, unit: Unit) -> tuple[PartSet, bool]:
        """See `UnitRunner.run_unit`."""
        return await self._pool.read_brief(unit.name), False
