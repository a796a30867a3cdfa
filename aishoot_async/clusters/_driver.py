"""The driver of an export whose briefs are read elsewhere: the journal and the destination are in its hand alone."""

import logging
from typing import Final

from ..errors import ExportError
from ..export._disk import Disk
from ..export._driver import Driver, Settings
from ..export._job import Job
from ..export._life import Content, Unit
from ..export._opening import STAGING, Desk, sweep
from ..export._reading import Sight as Seen
from ..export._report import BriefOutcome
from ..export._stores import Store
from ._fleet import Fleet
from ._order import Sight

logger: Final = logging.getLogger("aishoot_async.clusters")


class ClusterDriver(Driver):
    """Drives one job whose briefs a fleet brings."""

    def __init__(self, job: Job, desk: Desk, disk: Disk, settings: Settings, *, fleet: Fleet) -> None:
        """Begin nothing yet."""
        super().__init__(job, desk, disk, settings)
        self._fleet = fleet
        self.in_hand = fleet.window.widest
        fleet.see = self._saw

    async def run(self) -> list[BriefOutcome]:
        """See `Driver.run`."""
        try:
            async with self._fleet.at_work(staging_of(self._job)):
                await self._disk.run(self._prepare)
                return await super().run()
        finally:
            # Now nobody stages any more.
            try:
                await self._disk.run(self._sweep)
            except ExportError as error:
                # What ends the run is said already; the next run sweeps first.
                logger.warning("what is staged could not be removed: %s", error)

    def _prepare(self) -> None:
        self._sweep()
        if not isinstance(self._job.place, Store):
            (self._desk.staging / self._fleet.run).touch()  # by which workers see that it is this folder

    def _sweep(self) -> None:
        sweep(self._job, self._desk.journal, self._desk.staging)

    def _saw(self, sight: Sight) -> None:
        if sight.pages:
            self._settings.tally.saw(sight.unit, Seen(pages=sight.pages, items=sight.items, total=sight.total))

    async def _bring(self, unit: Unit) -> tuple[Unit, bool]:
        content: Content = await self._fleet.bring(unit.name)
        row = unit.after("begin", reading=content, is_stale=False).after("end")
        await self._disk.run(self._desk.journal.save, row)
        return row, False


def staging_of(job: Job) -> str:
    """Name what a job stages in, whatever folder this process works in."""
    if isinstance(job.place, Store):
        return f"{job.place.title} {job.shard.name}"
    return str(job.place.home.absolute() / job.shard.name / STAGING)
