"""From a job to an open journal that is its own, under a lock; or a refusal that touches nothing. Blocking."""

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import attrs

from ..errors import ExportError
from ..storage import atomic_write, file_lock
from ._files import is_there
from ._formats import FORMATS, Format
from ._job import Job, brief_of
from ._journal import Journal
from ._life import State, Unit
from ._marks import Shard, lower, remove_earlier_manifest
from ._places import Place, empty_folder, part_name
from ._publishing import look_up_published
from ._stores import Store

_JOB: Final = "job.json"
_LOCK: Final = "lock"
_JOURNAL: Final = "journal.sqlite"
STAGING: Final = "staging"
_GO_ON: Final = "Begin anew with restart=True, or choose another place"
_SHARD: Final = re.compile(r"(\d+)-of-(\d+)")
_BRIEF_WAIT: Final = 10.0
"""Seconds to wait for a lock that is held for a moment only."""


@attrs.frozen(kw_only=True)
class Desk:
    """Where a job is worked at: its journal and its staging folder, held until it is closed."""

    journal: Journal
    staging: Path
    held: contextlib.ExitStack

    def close(self) -> None:
        """Let go."""
        self.held.close()


def open_desk(job: Job) -> Desk:
    """Open the journal of a job, a new one where there is none.

    Raises:
        ExportError: the destination is another job's, or nobody knows whose; or the journal is damaged.
        LockedError: another process works at it.
        OSError: as the file system does.
    """
    home = job.place.home
    if not job.restart and not is_there(home / _JOB):
        _refuse_foreign(job)
    job.place.prepare()
    own = home / job.shard.name
    with contextlib.ExitStack() as held:
        with _locked(home / _LOCK, _BRIEF_WAIT, job.place):
            is_another = _read_job(home) not in {None, job.identity}
            if is_another and not job.restart:
                _refuse_if_brought(job, home)
            own.mkdir(exist_ok=True)
            held.enter_context(_locked(own / _LOCK, 0, job.place))
            if job.restart or is_another:
                _restart(job, home, own)
            if is_another and not job.restart:
                _refuse_foreign(job)
            journal = _open_journal(job, home, own)
            held.callback(journal.close)
        _check_brief_of_file(job, journal)
        _check_published(job, journal)
        sweep(job, journal, own / STAGING)
        return Desk(journal=journal, staging=own / STAGING, held=held.pop_all())


def journal_of(job: Job) -> Path:
    """Name the journal of a job's shard."""
    return job.place.home / job.shard.name / _JOURNAL


def sweep(job: Job, journal: Journal, staging: Path) -> None:
    """Remove what is staged and will never be published: of attempts that were lost, and of ended runs."""
    units = journal.units().values()
    wanted = {unit.staged_as for unit in units if unit.state in {State.READING, State.PUBLISHING}}
    staging.mkdir(exist_ok=True)
    empty_folder(staging, keep=wanted)
    if isinstance(job.place, Store) and not job.place.is_single:
        for name, attempt in job.place.staged(job.shard.name).items():
            if attempt not in wanted:
                job.place.discard(name)


def _locked(path: Path, wait: float, place: Place) -> contextlib.AbstractContextManager[None]:
    return file_lock(
        path, wait, f"another export writes to {place.title} just now; wait for it, or choose another place"
    )


def _open_journal(job: Job, home: Path, own: Path) -> Journal:
    if _read_job(home) is None:
        with atomic_write(home / _JOB) as file:
            file.write(job.identity.encode())
    path = own / _JOURNAL
    if not is_there(path):
        if is_there(own / STAGING):
            raise ExportError(f"the journal {path} is gone; nothing was touched. {_GO_ON}")
        journal = Journal.create(path)
        (own / STAGING).mkdir(exist_ok=True)
        return journal
    return Journal(path)


def _refuse_if_brought(job: Job, home: Path) -> None:
    """Refuse a place that another job has brought anything to; one that has not does not own it.

    Raises:
        ExportError: it has, or its journal is damaged, so that nobody knows.
    """
    for folder in home.iterdir():
        if _SHARD.fullmatch(folder.name) is None:
            continue
        try:
            has_brought = _has_brought(folder)
        except ExportError:
            has_brought = True
        if has_brought:
            difference = _difference(_read_job(home), job)
            raise ExportError(f"{job.place.title} belongs to another export ({difference}). {_GO_ON}")


def _has_brought(folder: Path) -> bool:
    if not is_there(folder / _JOURNAL):
        return is_there(folder / STAGING)
    with contextlib.closing(Journal(folder / _JOURNAL)) as journal:
        return any(unit.has_brought for unit in journal.units().values())


def _difference(said: str | None, job: Job) -> str:
    """Say in what another job differs from this one."""
    try:
        theirs: Any = json.loads(said or "")
    except ValueError:
        theirs = None
    if not isinstance(theirs, dict):
        return f"{job.place.home / _JOB} cannot be read"
    another, this = cast("dict[str, object]", theirs), json.loads(job.identity)
    differing = [name for name in this if another.get(name) != this[name]]
    return "; ".join(f"{name}: {_shown(another.get(name))} there, {_shown(this[name])} here" for name in differing)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return " and ".join(f"{name}={given}" for name, given in named.items()) or "none"
    return ", ".join(map(str, cast("list[object]", value))) or "none" if isinstance(value, list) else str(value)


def _refuse_foreign(job: Job) -> None:
    foreign = job.place.foreign()
    if foreign is not None:
        raise ExportError(f"{foreign} is there, and no journal of an export says whose it is. {_GO_ON}")


def _read_job(home: Path) -> str | None:
    try:
        return (home / _JOB).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return "unreadable"


def _check_brief_of_file(job: Job, journal: Journal) -> None:
    """See that a file is not another brief's. A folder has room for all: what is there of others stays.

    Raises:
        ExportError: it is, or somebody has put a file there.
    """
    known = journal.fact("units")
    if not job.place.is_single or known is None:
        return
    if not any(unit.has_brought for unit in journal.units().values()):
        _refuse_foreign(job)
    elif known != job.units_hash and not job.refresh:
        raise ExportError(
            f"{job.place.title} was begun with other briefs. refresh=True puts this one in its place; or choose "
            f"another place"
        )


def _check_published(job: Job, journal: Journal) -> None:
    """See that what was published stands there. What is gone is fetched again; a refresh fetches what was changed too.

    Raises:
        ExportError: something there has changed since, and is not to be refreshed; or it cannot be replaced.
    """
    lost: dict[str, Unit] = {}
    units = journal.units().values()
    # A file is one brief's; what the journal says of those before it is history.
    concerned = [unit for unit in units if unit.name in job.own_units] if job.place.is_single else units
    for unit, part, name, size in look_up_published(job.place, concerned):
        if size == part.size:
            continue
        if size is not None and not (job.refresh and unit.name in job.own_units):
            named = f" that names brief {brief_of(unit.name)} too" if job.refresh else ""
            raise ExportError(
                f"{name} in {job.place.title} was changed since it was exported: it has {size} bytes, not {part.size}. "
                f"refresh=True{named} fetches it anew and replaces it"
            )
        job.place.check_replaceable(name)
        lost[unit.name] = attrs.evolve(unit, is_stale=unit.state is State.DONE, published=None)
    if lost:
        journal.save(*lost.values())


def _restart(job: Job, home: Path, own: Path) -> None:
    """Remove what earlier runs have written, as far as their journals tell; of this job, its shard's alone.

    One file stays until another takes its place.
    """
    said = _read_job(home)
    if said in {job.identity, None}:
        _forget(job, [own], job.format)
        return
    with contextlib.ExitStack() as held:
        others = [found for found in home.iterdir() if found.is_dir() and found != own]
        for other in others:
            held.enter_context(_locked(other / _LOCK, 0, job.place))
        if not job.restart:
            # Once more, now that nobody else is at it.
            _refuse_if_brought(job, home)
        _forget(job, [own, *others], _format_of(said) or job.format)
        (home / _JOB).unlink()


def _format_of(said: str | None) -> Format | None:
    try:
        return FORMATS[json.loads(said or "")["format"]]
    except (ValueError, KeyError, TypeError):
        return None


def _forget(job: Job, folders: Sequence[Path], written: Format) -> None:
    for folder in folders:
        name = _SHARD.fullmatch(folder.name)
        shard = job.shard if name is None else Shard(int(name[1]), int(name[2]))
        lower(job.place, shard)
        job.place.remove(shard.manifest)
        remove_earlier_manifest(job.place, shard, None)
        # A damaged journal tells nothing: parts of the names that are given again are written over, and no others.
        with contextlib.suppress(ExportError):
            _remove_parts(job, folder / _JOURNAL, written)
        empty_folder(folder, keep=[_LOCK])


def _remove_parts(job: Job, path: Path, written: Format) -> None:
    if job.place.is_single or not is_there(path):
        return
    journal = Journal(path)
    try:
        for unit in journal.units().values():
            for content in filter(None, (unit.published, unit.reading)):
                for part in content.staged:
                    job.place.remove(part_name(unit.name, part.number, written))
    finally:
        journal.close()
