"""From a job to an open journal that is its own, under a lock; or a refusal that touches nothing. Blocking."""

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import attrs

from ..errors import JobError
from ..storage import atomic_write, file_lock
from ..storage.destinations import ObjectStore, empty_folder, path_exists
from ._job import Job
from ._journal import Journal
from ._layout import STAGING, Shard, brief_of, is_job_file, part_name
from ._publishing import StagedFolder, StagedObjects, StagedParts, look_up_published, remove_staged_objects
from ._success_files import remove_earlier_manifest, remove_success_file
from ._units import State, Unit

_JOB: Final = "job.json"
_LOCK: Final = "lock"
_JOURNAL: Final = "journal.sqlite"
_REMEDY: Final = "Begin anew with restart=True, or choose another place"
_SHARD: Final = re.compile(r"(\d+)-of-(\d+)")
_SUFFIX: Final = re.compile(r"[A-Za-z0-9_.-]+")
_LOCK_TIMEOUT: Final = 10.0
"""Seconds to wait for a lock that is held for a moment only."""


@attrs.frozen(kw_only=True)
class JobWorkspace:
    """The journal and the staging folder of a job's shard, under its lock until it is closed."""

    job: Job
    journal: Journal
    _held: contextlib.ExitStack = attrs.field(alias="held")

    @property
    def staging(self) -> Path:
        """Where parts are staged."""
        return self.job.staging_dir

    def close(self) -> None:
        """Close the journal, and release the lock."""
        self._held.close()

    def staged_parts(self, unit: Unit) -> StagedParts:
        """Return where the staged parts of a unit lie."""
        destination = self.job.destination
        if isinstance(destination, ObjectStore) and unit.staged_as != unit.name:
            return StagedObjects(destination, self.job.shard, unit.staged_as)
        return StagedFolder(self.staging / unit.staged_as)

    def remove_unwanted(self) -> None:
        """Remove what is staged and will never be published: of attempts that were lost, and of ended runs."""
        units = self.journal.units().values()
        wanted = {unit.staged_as for unit in units if unit.state in {State.READING, State.PUBLISHING}}
        self.staging.mkdir(exist_ok=True)
        empty_folder(self.staging, keep=wanted)
        destination = self.job.destination
        if isinstance(destination, ObjectStore) and not destination.is_single:
            remove_staged_objects(destination, self.job.shard, lambda attempt: attempt not in wanted)

    def check_all_there(self) -> None:
        """Check, at the end, that nobody has taken away what was published.

        Raises:
            JobError: somebody has.
        """
        job = self.job
        units = self.journal.units().values()
        for _, part, name, size in look_up_published(job.destination, job.part_name, units):
            if size != part.size:
                what = "taken away" if size is None else "changed"
                raise job.kind.error(
                    f"{name} in {job.destination.display_name} was {what} while the {job.kind.noun} went on; run it "
                    f"again"
                )


def open_workspace(job: Job) -> JobWorkspace:
    """Open the journal of a job, a new one where there is none.

    Raises:
        JobError: the destination is another job's, or nobody knows whose; or the journal is damaged.
        LockedError: another process works at it.
        OSError: as the file system does.
    """
    home = job.destination.state_dir
    if not job.restart and not path_exists(home / _JOB):
        _refuse_conflict(job)
    job.destination.prepare()
    own = home / job.shard.name
    with contextlib.ExitStack() as held:
        with _locked(home / _LOCK, _LOCK_TIMEOUT, job):
            is_another = _read_job(home) not in {None, job.identity}
            if is_another and not job.restart:
                _refuse_if_brought(job, home)
            own.mkdir(exist_ok=True)
            held.enter_context(_locked(own / _LOCK, 0, job))
            if job.restart or is_another:
                _restart(job, home, own)
            if is_another and not job.restart:
                _refuse_conflict(job)
            journal = _open_journal(job, home, own)
            held.callback(journal.close)
        workspace = JobWorkspace(job=job, journal=journal, held=held)
        _check_brief_of_file(job, journal)
        _check_published(job, journal)
        workspace.remove_unwanted()
        return attrs.evolve(workspace, held=held.pop_all())


def journal_of(job: Job) -> Path:
    """Return the path of the journal of a job's shard."""
    return job.destination.state_dir / job.shard.name / _JOURNAL


def _locked(path: Path, wait: float, job: Job) -> contextlib.AbstractContextManager[None]:
    title = job.destination.display_name
    return file_lock(
        path, wait, f"another {job.kind.noun} writes to {title} just now; wait for it, or choose another place"
    )


def _open_journal(job: Job, home: Path, own: Path) -> Journal:
    if _read_job(home) is None:
        with atomic_write(home / _JOB) as file:
            file.write(job.identity.encode())
    path = own / _JOURNAL
    if not path_exists(path):
        if path_exists(own / STAGING):
            raise job.kind.error(f"the journal {path} is gone; nothing was touched. {_REMEDY}")
        journal = Journal.create(path, error=job.kind.error, part_set=job.kind.part_set)
        (own / STAGING).mkdir(exist_ok=True)
        return journal
    return Journal(path, error=job.kind.error, part_set=job.kind.part_set)


def _refuse_if_brought(job: Job, home: Path) -> None:
    """Refuse a destination that another job has brought anything to; one that has not does not own it.

    Raises:
        JobError: it has, or its journal is damaged, so that nobody knows.
    """
    for folder in home.iterdir():
        if _SHARD.fullmatch(folder.name) is None:
            continue
        try:
            has_brought = _has_brought(folder)
        except JobError:
            has_brought = True
        if has_brought:
            difference = _difference(_read_job(home), job)
            title = job.destination.display_name
            raise job.kind.error(f"{title} belongs to another {job.kind.noun} ({difference}). {_REMEDY}")


def _has_brought(folder: Path) -> bool:
    if not path_exists(folder / _JOURNAL):
        return path_exists(folder / STAGING)
    with contextlib.closing(Journal(folder / _JOURNAL)) as journal:
        return any(unit.has_brought for unit in journal.units().values())


def _difference(said: str | None, job: Job) -> str:
    """Say in what another job differs from this one."""
    try:
        theirs: Any = json.loads(said or "")
    except (ValueError, RecursionError):
        theirs = None
    if not isinstance(theirs, dict):
        return f"{job.destination.state_dir / _JOB} cannot be read"
    another, this = cast("dict[str, object]", theirs), json.loads(job.identity)
    differing = [name for name in this if another.get(name) != this[name]]
    return "; ".join(f"{name}: {_shown(another.get(name))} there, {_shown(this[name])} here" for name in differing)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return " and ".join(f"{name}={given}" for name, given in named.items()) or "none"
    return ", ".join(map(str, cast("list[object]", value))) or "none" if isinstance(value, list) else str(value)


def _refuse_conflict(job: Job) -> None:
    conflict = job.destination.find_conflict(is_job_file)
    if conflict is not None:
        article = "an" if job.kind.noun[0] in "aeiou" else "a"
        raise job.kind.error(
            f"{conflict} is there, and no journal of {article} {job.kind.noun} says whose it is. {_REMEDY}"
        )


def _read_job(home: Path) -> str | None:
    try:
        return (home / _JOB).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return "unreadable"


def _check_brief_of_file(job: Job, journal: Journal) -> None:
    """Refuse a file of another brief. A folder has room for all: what is there of others stays.

    Raises:
        JobError: it is, or somebody has put a file there.
    """
    known = journal.fact("units")
    if not job.destination.is_single or known is None:
        return
    if not any(unit.has_brought for unit in journal.units().values()):
        _refuse_conflict(job)
    elif known != job.units_hash and not job.refresh:
        raise job.kind.error(
            f"{job.destination.display_name} was begun with other briefs. refresh=True puts this one in its place; or "
            f"choose another place"
        )


def _check_published(job: Job, journal: Journal) -> None:
    """Compare what was published with what stands there.

    What is gone is fetched again; a refresh fetches what was changed too.

    Raises:
        JobError: something there has changed since, and is not to be refreshed; or it cannot be replaced.
    """
    lost: dict[str, Unit] = {}
    units = journal.units().values()
    # A file is one brief's; what the journal says of those before it is history.
    concerned = [unit for unit in units if unit.name in job.own_units] if job.destination.is_single else units
    for unit, part, name, size in look_up_published(job.destination, job.part_name, concerned):
        if size == part.size:
            continue
        if size is not None and not (job.refresh and unit.name in job.own_units):
            named = f" that names brief {brief_of(unit.name)} too" if job.refresh else ""
            raise job.kind.error(
                f"{name} in {job.destination.display_name} was changed since it was written: it has {size} bytes, not "
                f"{part.size}. refresh=True{named} fetches it anew and replaces it"
            )
        job.destination.check_replaceable(name)
        lost[unit.name] = attrs.evolve(unit, is_stale=unit.state is State.DONE, published=None)
    if lost:
        journal.save(*lost.values())


def _restart(job: Job, home: Path, own: Path) -> None:
    """Remove what earlier runs have written, as far as their journals tell; of this job, its shard's alone.

    One file stays until another takes its place.
    """
    said = _read_job(home)
    if said in {job.identity, None}:
        _forget(job, [own], job.kind.suffix)
        return
    with contextlib.ExitStack() as held:
        others = [found for found in home.iterdir() if found.is_dir() and found != own]
        for other in others:
            held.enter_context(_locked(other / _LOCK, 0, job))
        if not job.restart:
            # Once more, now that nobody else is at it.
            _refuse_if_brought(job, home)
        _forget(job, [own, *others], _suffix_of(said) or job.kind.suffix)
        (home / _JOB).unlink()


def _suffix_of(said: str | None) -> str | None:
    """Return how the parts of another job end."""
    try:
        suffix = json.loads(said or "")["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return suffix if isinstance(suffix, str) and _SUFFIX.fullmatch(suffix) else None


def _forget(job: Job, folders: Sequence[Path], suffix: str) -> None:
    for folder in folders:
        name = _SHARD.fullmatch(folder.name)
        shard = job.shard if name is None else Shard(int(name[1]), int(name[2]))
        remove_success_file(job.destination, shard)
        job.destination.remove(shard.manifest)
        remove_earlier_manifest(job.destination, shard, None)
        # A damaged journal tells nothing: parts of the names that are given again are written over, and no others.
        with contextlib.suppress(JobError):
            _remove_parts(job, folder / _JOURNAL, suffix)
        empty_folder(folder, keep=[_LOCK])


def _remove_parts(job: Job, path: Path, suffix: str) -> None:
    if job.destination.is_single or not path_exists(path):
        return
    journal = Journal(path)
    try:
        for unit in journal.units().values():
            for parts in filter(None, (unit.published, unit.reading)):
                for part in parts.staged:
                    job.destination.remove(part_name(unit.name, part.number, suffix))
    finally:
        journal.close()
