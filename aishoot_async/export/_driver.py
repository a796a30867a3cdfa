"""All briefs of a job, several at once: what is finished is kept, and one that fails does not stop the others."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Literal

import anyio
import attrs

from ..errors import AIShootError, Cursor
from ..paging import Pager
from ._columns import ColumnWatch
from ._disk import Disk
from ._encoders import make_encoder, make_join
from ._failures import Failure, reach
from ._formats import PART, Format
from ._job import Job, brief_of
from ._life import Content, State, Unit
from ._marks import incomplete, lower, manifest, raise_, remove_earlier_manifest
from ._opening import Desk
from ._places import SKUS
from ._publishing import Staged, StagedFolder, publish, see_that_all_is_there
from ._reading import Reading
from ._report import BriefOutcome
from ._stage import Shape, Stage
from ._stores import StagedObjects, Store
from ._tally import Tally

logger: Final = logging.getLogger("aishoot_async.export")
IN_HAND: Final = 8
"""Briefs in hand at once."""
_IN_A_ROW: Final = 2 * IN_HAND
"""Briefs that fail one after the other for a reason that passes, before no more are begun."""


@attrs.frozen(kw_only=True)
class Settings:
    """How a job is driven.

    Attributes:
        listing: describes a brief's listing, from a cursor on.
        tally: counts, and tells.
        shape: how a brief's parts are made.
    """

    listing: Callable[[str, Cursor | None], Pager[bytes]]
    tally: Tally
    shape: Callable[[Job, str], Shape]


def usual_shape(job: Job, unit: str) -> Shape:
    """Make parts as the destination has them."""
    if not job.place.is_single:
        return folder_shape(job.format, job.columns, job.watch)
    brief_id = None if unit == SKUS else brief_of(unit)
    encoder = partial(make_encoder, job.format, columns=job.columns, brief_id=brief_id, watch=job.watch)
    join = make_join(job.format, brief_id)
    return Shape(format=job.format, encoder=encoder, part=PART if join is not None else None, join=join)


def folder_shape(wanted: Format, columns: Sequence[str], watch: ColumnWatch | None = None) -> Shape:
    """Make parts as folders have them; the folder of a part says its brief."""
    return Shape(format=wanted, encoder=partial(make_encoder, wanted, columns=columns, watch=watch), part=PART)


class Driver:
    """Drives one job on this machine."""

    in_hand: int = IN_HAND

    def __init__(self, job: Job, desk: Desk, disk: Disk, settings: Settings) -> None:
        """Begin nothing yet."""
        self._job = job
        self._desk = desk
        self._disk = disk
        self._settings = settings
        self._units: dict[str, Unit] = {}
        self._outcomes: dict[str, BriefOutcome] = {}
        self._fatal: Exception | None = None
        self._failed_in_a_row = 0

    async def run(self) -> list[BriefOutcome]:
        """Do what is left to be done.

        Raises:
            AIShootError: nothing can go on, or a file's only brief failed.
        """
        job = self._job
        self._units = await self._disk.run(self._begin_round)
        left = [unit for unit in job.own_units if not self._kept(unit)]
        if left:
            await self._disk.run(lower, job.place, job.shard)
            await self._read(iter(left))
            if self._fatal is not None:
                raise self._fatal
        await self._disk.run(self._end_round)
        for problem in job.watch.problems():
            logger.warning("%s", problem)
        return [self._outcomes[unit] for unit in job.own_units]

    def _begin_round(self) -> dict[str, Unit]:
        """Mark what is to be read; a refresh that was interrupted goes on, and is not begun once more."""
        job, journal = self._job, self._desk.journal
        units = journal.units()
        if journal.fact("units") != job.units_hash:
            # A file is one brief's: what it was of another is over.
            others = [Unit(name=name) for name in units if job.place.is_single and name not in job.own_units]
            journal.save(*others, units=job.units_hash)
        if not job.refresh:
            return units
        if journal.fact("refreshing") != job.units_hash:
            stale = [_stale(unit) for name in job.own_units if (unit := units.get(name)) is not None]
            journal.save(*stale, refreshing=job.units_hash)
            units |= {unit.name: unit for unit in stale}
        return units

    def _end_round(self) -> None:
        job, journal = self._job, self._desk.journal
        if journal.fact("refreshing"):
            journal.save(refreshing="")
        if any(outcome.how != "kept" for outcome in self._outcomes.values()):
            see_that_all_is_there(job.place, journal.units().values())
        if job.place.is_single:
            return
        units = journal.units()
        spoilt = incomplete(units)
        is_whole = not spoilt and all(outcome.state == "complete" for outcome in self._outcomes.values())
        if not is_whole:
            lower(job.place, job.shard)
        self._write_manifest(manifest(job.place, units))
        if is_whole:
            raise_(job.place, job.shard)
        self._warn_of_others([name for name in spoilt if name not in job.own_units])

    def _warn_of_others(self, spoilt: Sequence[str]) -> None:
        """Say why the mark is missing, where no brief of this run is the reason."""
        if spoilt:
            logger.warning(
                "%s has no %s: an earlier run left %s incomplete, such as %s; refresh that too",
                self._job.place.title,
                self._job.shard.mark,
                "1 brief" if len(spoilt) == 1 else f"{len(spoilt)} briefs",
                spoilt[0],
            )

    def _write_manifest(self, text: bytes) -> None:
        """Write the manifest, unless it stands there; a run that was killed may have left an older one."""
        place, shard, journal = self._job.place, self._job.shard, self._desk.journal
        digest = hashlib.sha256(text).hexdigest()
        # "manifest" is the fact of earlier releases, which say nothing of the file that is written here.
        if journal.fact("manifest.ndjson") != digest or place.size(shard.manifest) is None:
            place.write(shard.manifest, text)
            journal.save(**{"manifest.ndjson": digest})
        remove_earlier_manifest(place, shard, journal.fact("manifest"))

    def _kept(self, name: str) -> bool:
        unit = self._units.get(name)
        if unit is None or unit.published is None or not unit.is_settled(strict=self._job.strict):
            return False
        self._note(name, _outcome(name, unit.published, how="kept"))
        return True

    def _note(self, name: str, outcome: BriefOutcome) -> None:
        self._outcomes[name] = outcome
        self._settings.tally.done(name, outcome)

    async def _read(self, left: Iterator[str]) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(1 if self._job.place.is_single else self.in_hand):
                group.start_soon(self._work, left, group.cancel_scope)

    async def _work(self, left: Iterator[str], scope: anyio.CancelScope) -> None:
        try:
            for name in left:
                self._note(name, await self._one(name))
        except Exception as error:  # noqa: BLE001  # raised by `run`, when the others have saved what they hold
            self._fatal = self._fatal or error
            scope.cancel()

    async def _one(self, name: str) -> BriefOutcome:
        if self._failed_in_a_row >= _IN_A_ROW:
            return _failure(name, "it was not asked for: the service has failed too often in a row", permanent=False)
        try:
            outcome = await self._fetch(name)
        except AIShootError as error:
            how_far = reach(error)
            if how_far is Failure.ALL or self._job.place.is_single:
                raise
            logger.info("%s failed: %s", name, error)  # the report names it
            self._failed_in_a_row += how_far is Failure.PASSING
            return _failure(name, f"{type(error).__name__}: {error}", permanent=how_far is Failure.PERMANENT)
        self._failed_in_a_row = 0
        return outcome

    async def _fetch(self, name: str) -> BriefOutcome:
        """Read a brief and publish it; one that an earlier run has read is published first."""
        unit = self._units.pop(name, None) or Unit(name=name)
        if unit.state is State.PUBLISHING:
            unit, moved = await self._publish(unit)
            if unit.published is not None and unit.is_settled(strict=self._job.strict):
                return _outcome(name, unit.published, how="resumed", replaced=moved)
        unit, resumed = await self._bring(unit)
        unit, moved = await self._publish(unit)
        return _outcome(name, unit.published or Content(), how="resumed" if resumed else "fetched", replaced=moved)

    async def _bring(self, unit: Unit) -> tuple[Unit, bool]:
        """Have a brief staged; give its row, and whether an earlier run had begun."""
        shape = self._settings.shape(self._job, unit.name)
        reading = Reading(
            Stage(self._desk.staging / unit.name, self._desk.journal, unit, shape),
            shape,
            self._disk,
            partial(self._settings.listing, unit.name),
            partial(self._settings.tally.saw, unit.name),
            strict=self._job.strict,
        )
        return await reading.run(), reading.resumed

    async def _publish(self, unit: Unit) -> tuple[Unit, int]:
        place = self._job.place
        staged: Staged = StagedFolder(self._desk.staging / unit.staged_as)
        if isinstance(place, Store) and unit.staged_as != unit.name:
            staged = StagedObjects(place, self._job.shard.name, unit.staged_as)
        return await self._disk.run(publish, place, staged, self._desk.journal, unit)


def _stale(unit: Unit) -> Unit:
    if unit.state is State.READING:
        # What an earlier walk has brought is older than this refresh.
        state = State.NEW if unit.published is None else State.DONE
        return attrs.evolve(unit, state=state, reading=None, is_stale=True)
    return attrs.evolve(unit, is_stale=True)


def _outcome(
    name: str, content: Content, *, how: Literal["kept", "resumed", "fetched"], replaced: int = 0
) -> BriefOutcome:
    return BriefOutcome(
        brief_id=brief_of(name),
        state="complete" if content.complete else "unstable",
        how=how,
        items=content.rows,
        pages=content.pages,
        bytes_written=content.size,
        parts=len(content.parts),
        replaced=replaced,
        sweeps=content.sweeps,
        first_total=content.point.first_total,
        last_total=content.point.last_total,
    )


def _failure(name: str, error: str, *, permanent: bool) -> BriefOutcome:
    return BriefOutcome(brief_id=brief_of(name), state="failed", error=error, permanent=permanent)
