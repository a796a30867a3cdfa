"""Runs a job: several units at once. What is finished is kept, and a unit that fails does not stop the others."""

import hashlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import anyio

from ..callbacks import check_plain
from ..calls import Traffic
from ..errors import AIShootError, UnstableListingError
from ..failures import ends_all, is_passing
from ..session import AIShootSession
from ..storage import DiskExecutor
from ..storage.destinations import ObjectStore
from ._job import Job
from ._kind import UnitWork
from ._layout import brief_of
from ._publishing import Publication
from ._reader import ReadProgress
from ._report import BriefOutcome, JobReport, ProgressTracker, outcome_of
from ._success_files import encode_manifest, publish_success_file, remove_earlier_manifest, remove_success_file
from ._units import PartSet, State, Unit
from ._workspace import JobWorkspace, journal_of, open_workspace

logger: Final = logging.getLogger("aishoot_async.jobs")
CONCURRENCY: Final = 8
"""Units in hand at once."""
_MAX_FAILURES: Final = 2 * CONCURRENCY
"""Units that fail one after the other for a reason that passes, before no more are begun."""

OnRead = Callable[[str, ReadProgress], None]


class UnitRunner(Protocol):
    """Does the units: on this machine, or elsewhere.

    Attributes:
        concurrency: units in hand at once.
        traffic: of the sessions that make the calls.
    """

    @property
    def concurrency(self) -> int: ...
    @property
    def traffic(self) -> Traffic: ...

    def running(
        self, workspace: JobWorkspace, disk: DiskExecutor, on_read: OnRead
    ) -> AbstractAsyncContextManager[None]:
        """Be ready for units while the job runs; ``on_read`` is told of each page, with its unit."""
        ...

    async def run_unit(self, unit: Unit) -> tuple[PartSet, bool]:
        """Have a unit's parts staged; return them, and whether it went on where an earlier run stood.

        Raises:
            AIShootError: it fails.
        """
        ...


class LocalRunner:
    """Does the units on this machine."""

    def __init__(self, session: AIShootSession, job: Job) -> None:
        """Run nothing yet."""
        self.concurrency = 1 if job.destination.is_single else CONCURRENCY
        self._session = session
        self._job = job
        self._work: Callable[..., UnitWork]

    @property
    def traffic(self) -> Traffic:
        """The session's."""
        return self._session.traffic

    @asynccontextmanager
    async def running(self, workspace: JobWorkspace, disk: DiskExecutor, on_read: OnRead) -> AsyncGenerator[None]:
        """See `UnitRunner.running`."""

        def work(unit: Unit) -> UnitWork:
            return UnitWork(
                session=self._session,
                kind=self._job.kind,
                unit=unit,
                folder=workspace.staging / unit.name,
                journal=workspace.journal,
                disk=disk,
                paging=self._job.local_paging,
                on_read=partial(on_read, unit.name),
            )

        self._work = work
        yield

    async def run_unit(self, unit: Unit) -> tuple[PartSet, bool]:
        """See `UnitRunner.run_unit`."""
        work = self._work(unit)
        return await self._job.kind.run_unit(work), work.resumed


async def run_job(
    session: AIShootSession,
    job: Job,
    on_progress: Callable[..., object] | None = None,
    *,
    runner: UnitRunner | None = None,
) -> JobReport:
    """Run a job to its end, from where an earlier run stood.

    Args:
        session: makes the calls.
        job: what is to be done.
        on_progress: called with ``job.kind.progress`` after each page, on the event loop; it is not awaited.
        runner: does the units; ``None`` for this machine.

    Raises:
        AIShootError: nothing can go on, or a file's only unit failed.
        JobError: the destination cannot be written, belongs to another job, or has a damaged journal.
        LockedError: another process is at it.
    """
    check_plain("on_progress", on_progress)
    job.kind.listing(session, job.units[0], start=None, **job.local_paging)  # refuses options before anything is opened
    runner = runner or LocalRunner(session, job)
    disk = make_disk_executor(job, CONCURRENCY + 1, journal_of(job))
    # A caller that is cancelled while the workspace is opened never sees it, and it must be closed all the same.
    workspaces: list[JobWorkspace] = []
    try:
        await disk.run(lambda: workspaces.append(open_workspace(job)))
        tracker = ProgressTracker(lambda: runner.traffic, len(job.own_units), on_progress, job.kind.progress)
        async with runner.running(workspaces[0], disk, tracker.on_read):
            outcomes = await _Engine(workspaces[0], disk, runner, tracker).run()
    finally:
        try:
            for workspace in workspaces:
                await disk.run(workspace.close)
        finally:
            disk.close()
    title = job.destination.display_name
    return job.kind.report(
        destination=title if isinstance(job.destination, ObjectStore) else Path(title), outcomes=outcomes
    )


def make_disk_executor(job: Job, threads: int, journal: Path) -> DiskExecutor:
    """Return threads for what blocks; what the disk refuses there becomes the error of the job."""
    return DiskExecutor(threads, f"the journal {journal}", partial(disk_error, job.kind.error))


def disk_error(error: type[AIShootError], problem: str) -> AIShootError:
    """Return the error of a disk that refuses."""
    return error(f"{problem}. What is finished is kept: put that right, and the same call goes on from there")


class ErrorScope(Enum):
    """How far an error reaches."""

    JOB = auto()  # no unit can go on: the disk, the login or the session is at fault
    PERMANENT = auto()  # this unit will fail again
    TRANSIENT = auto()  # this unit may come through another time
    CHANGING = auto()  # so it may, and the service is not at fault: the brief changes while it is read


def classify(error: AIShootError) -> ErrorScope:
    """Return how far an error reaches."""
    if ends_all(error):
        return ErrorScope.JOB
    if isinstance(error, UnstableListingError):
        return ErrorScope.CHANGING
    return ErrorScope.TRANSIENT if is_passing(error) else ErrorScope.PERMANENT


class _Engine:
    """One run of a job."""

    def __init__(
        self, workspace: JobWorkspace, disk: DiskExecutor, runner: UnitRunner, tracker: ProgressTracker
    ) -> None:
        self._workspace = workspace
        self._job = workspace.job
        self._disk = disk
        self._runner = runner
        self._tracker = tracker
        self._units: dict[str, Unit] = {}
        self._outcomes: dict[str, BriefOutcome] = {}
        self._fatal: Exception | None = None
        self._failed_in_a_row = 0

    async def run(self) -> list[BriefOutcome]:
        job = self._job
        self._units = await self._disk.run(self._begin)
        remaining = [unit for unit in job.own_units if not self._is_kept(unit)]
        if remaining:
            await self._disk.run(remove_success_file, job.destination, job.shard)
            await self._run_units(iter(remaining))
            if self._fatal is not None:
                raise self._fatal
        await self._disk.run(self._end)
        for problem in job.kind.warnings():
            logger.warning("%s", problem)
        return [self._outcomes[unit] for unit in job.own_units]

    def _begin(self) -> dict[str, Unit]:
        """Mark what is to be read; a refresh that was interrupted goes on, and is not begun once more."""
        job, journal = self._job, self._workspace.journal
        units = journal.units()
        if journal.fact("units") != job.units_hash:
            # A file is one brief's: what it was of another is over.
            others = [Unit(name=name) for name in units if job.destination.is_single and name not in job.own_units]
            journal.save(*others, units=job.units_hash)
        if job.refresh and journal.fact("refreshing") != job.units_hash:
            stale = [units[name].mark_stale() for name in job.own_units if name in units]
            journal.save(*stale, refreshing=job.units_hash)
            units |= {unit.name: unit for unit in stale}
        return units

    def _end(self) -> None:
        """Write the manifest; and the success file, if all is whole."""
        job, journal = self._job, self._workspace.journal
        if journal.fact("refreshing"):
            journal.save(refreshing="")
        if any(outcome.how != "kept" for outcome in self._outcomes.values()):
            self._workspace.check_all_there()
        if job.destination.is_single:
            return
        units = journal.units().values()
        incomplete = sorted(unit.name for unit in units if unit.is_incomplete)
        is_whole = not incomplete and all(outcome.state == "complete" for outcome in self._outcomes.values())
        if not is_whole:
            remove_success_file(job.destination, job.shard)
        self._write_manifest(encode_manifest(units, job.part_name))
        if is_whole:
            publish_success_file(job.destination, job.shard)
        self._warn_of_others([name for name in incomplete if name not in job.own_units])

    def _warn_of_others(self, incomplete: Sequence[str]) -> None:
        """Say why the success file is missing, where no unit of this run is the reason."""
        if incomplete:
            logger.warning(
                "%s has no %s: an earlier run left %s incomplete, such as %s; refresh that too",
                self._job.destination.display_name,
                self._job.shard.success_file,
                "1 brief" if len(incomplete) == 1 else f"{len(incomplete)} briefs",
                incomplete[0],
            )

    def _write_manifest(self, text: bytes) -> None:
        """Write the manifest, unless it stands there; a run that was killed may have left an older one."""
        destination, shard, journal = self._job.destination, self._job.shard, self._workspace.journal
        digest = hashlib.sha256(text).hexdigest()
        # "manifest" is the fact of earlier releases, which say nothing of the file that is written here.
        if journal.fact("manifest.ndjson") != digest or destination.size(shard.manifest) is None:
            destination.write(shard.manifest, text)
            journal.save(**{"manifest.ndjson": digest})
        remove_earlier_manifest(destination, shard, journal.fact("manifest"))

    def _is_kept(self, name: str) -> bool:
        unit = self._units.get(name)
        if unit is None or unit.published is None or not unit.is_finished(strict=self._job.strict):
            return False
        self._record(name, outcome_of(name, unit.published, how="kept"))
        return True

    def _record(self, name: str, outcome: BriefOutcome) -> None:
        self._outcomes[name] = outcome
        self._tracker.on_done(name, outcome)

    async def _run_units(self, remaining: Iterator[str]) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(self._runner.concurrency):
                group.start_soon(self._work, remaining, group.cancel_scope)

    async def _work(self, remaining: Iterator[str], scope: anyio.CancelScope) -> None:
        try:
            for name in remaining:
                self._record(name, await self._run_or_fail(name))
        except Exception as error:  # noqa: BLE001  # raised by `run`, when the others have saved what they hold
            self._fatal = self._fatal or error
            scope.cancel()

    async def _run_or_fail(self, name: str) -> BriefOutcome:
        if self._failed_in_a_row >= _MAX_FAILURES:
            return _failure(name, "it was not asked for: the service has failed too often in a row", permanent=False)
        try:
            outcome = await self._run_unit(name)
        except AIShootError as error:
            scope = classify(error)
            if scope is ErrorScope.JOB or self._job.destination.is_single:
                raise
            logger.info("%s failed: %s", name, error)  # the report names it
            self._failed_in_a_row += scope is ErrorScope.TRANSIENT
            return _failure(name, f"{type(error).__name__}: {error}", permanent=scope is ErrorScope.PERMANENT)
        self._failed_in_a_row = 0
        return outcome

    async def _run_unit(self, name: str) -> BriefOutcome:
        """Do a unit and publish it; one that an earlier run has staged is published first."""
        unit = self._units.pop(name, None) or Unit(name=name)
        if unit.state is State.PUBLISHING:
            unit, moved = await self._disk.run(self._publish, unit)
            if unit.published is not None and unit.is_finished(strict=self._job.strict):
                return outcome_of(name, unit.published, how="resumed", replaced=moved)
        parts, resumed = await self._runner.run_unit(unit)
        staged = unit.transition("begin", reading=parts, is_stale=False).transition("end")
        unit, moved = await self._disk.run(self._save_and_publish, staged)
        return outcome_of(name, unit.published or parts, how="resumed" if resumed else "fetched", replaced=moved)

    def _save_and_publish(self, unit: Unit) -> tuple[Unit, int]:
        self._workspace.journal.save(unit)
        return self._publish(unit)

    def _publish(self, unit: Unit) -> tuple[Unit, int]:
        """Publish a unit whose parts are staged; return its new row, and how many parts are new or have changed."""
        job, parts = self._job, unit.reading
        if parts is None:
            raise AssertionError("nothing is staged")
        staged = self._workspace.staged_parts(unit)
        moved = job.kind.publish(
            Publication(
                unit=unit,
                destination=job.destination,
                staged=staged,
                part_name=job.part_name,
                find_parts=job.find_parts,
                error=job.kind.error,
            )
        )
        done = unit.published_as_staged()
        self._workspace.journal.save(done)
        staged.clear()
        return done, moved


def _failure(name: str, error: str, *, permanent: bool) -> BriefOutcome:
    return BriefOutcome(brief_id=brief_of(name), state="failed", error=error, permanent=permanent)
