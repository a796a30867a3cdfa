"""The driver of an export whose briefs are read elsewhere: the journal and the destination are in its hand alone."""

import shutil
from functools import partial
from pathlib import Path

from ..export._disk import Disk
from ..export._driver import Driver, Settings
from ..export._files import sync_folder
from ..export._job import Job
from ..export._life import State, Unit
from ..export._opening import Desk
from ..export._places import Place
from ..export._publishing import Staged
from ..export._reading import Sight
from ..export._report import BriefOutcome
from ..export._stores import Store, staged_object
from ._attempt import SHARED
from ._fleet import Fleet
from ._order import Delivery, Sign


class StagedObjects:
    """Parts that an attempt has staged in the store itself."""

    def __init__(self, store: Store, attempt: str) -> None:
        """Touch nothing."""
        self._store = store
        self._attempt = attempt

    def has(self, number: int) -> bool:
        """See `Staged.has`."""
        return self._store.size(staged_object(self._attempt, number)) is not None

    def move(self, number: int, place: Place, name: str) -> None:  # noqa: ARG002  # it is the store
        """See `Staged.move`."""
        self._store.rename(staged_object(self._attempt, number), name)

    def clear(self) -> None:
        """See `Staged.clear`."""
        for name in self._store.staged():
            if name.split("/")[1] == self._attempt:
                self._store.remove(name)


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
        async with self._fleet.at_work(destination_name(self._job.place)):
            await self._disk.run(self._sweep)
            try:
                return await super().run()
            finally:
                await self._disk.run(self._sweep)

    def _saw(self, sign: Sign) -> None:
        if sign.pages:
            self._settings.tally.saw(sign.unit, Sight(pages=sign.pages, items=sign.items, total=sign.total))

    def _sweep(self) -> None:
        """Remove what attempts have left that came to nothing."""
        units = self._desk.journal.units().values()
        publishing = {unit.name for unit in units if unit.state is State.PUBLISHING}
        place, staging = self._job.place, self._desk.staging
        if isinstance(place, Store):
            wanted = {self._desk.journal.fact(_fact(name)) for name in publishing}
            for name in place.staged():
                if name.split("/")[1] not in wanted:
                    place.remove(name)
            return
        for found in staging.iterdir():
            if found.is_dir() and found.name not in publishing:
                shutil.rmtree(found, ignore_errors=True)
        (staging / SHARED).touch()

    def _staged(self, name: str) -> Staged:
        place = self._job.place
        attempt = self._desk.journal.fact(_fact(name))
        return StagedObjects(place, attempt) if isinstance(place, Store) and attempt else super()._staged(name)

    async def _bring(self, unit: Unit) -> tuple[Unit, Staged, bool]:
        delivery = await self._fleet.bring(unit.name)
        row = await self._disk.run(partial(self._take, unit, delivery))
        return row, self._staged(unit.name), False

    def _take(self, unit: Unit, delivery: Delivery) -> Unit:
        """Make an attempt's parts those of the brief, and say so in the journal."""
        row = unit.after("begin", reading=delivery.content, is_stale=False).after("end")
        if isinstance(self._job.place, Store):
            self._desk.journal.save(row, **{_fact(unit.name): delivery.attempt})
            return row
        staging: Path = self._desk.staging
        folder = staging / unit.name
        if folder.exists():
            shutil.rmtree(folder)
        (staging / delivery.attempt).rename(folder)
        sync_folder(staging)
        self._desk.journal.save(row)
        return row


def destination_name(place: Place) -> str:
    """Name a destination, whatever folder this process works in."""
    return place.title if isinstance(place, Store) else str(Path(place.title).absolute())


def _fact(unit: str) -> str:
    return f"staged {unit}"
