"""The engine of bulk work over briefs: what every job is, whatever its units do.

A *job* is a kind of work (export, …), its *units* (a brief each, or all SKUs), and a *destination*. The engine opens
the job's workspace under a lock and refuses what belongs to another job; reads the journal; runs the units that are
left, several at once; publishes what each has staged; rides out outages; tells of progress; writes the manifest, and
the success file once all is whole; and lets shards, or the workers of a cluster, do some of the units. After a crash
the same call goes on.

A kind of job is a subclass of `JobKind`:

- **what a unit does**: ``await kind.run_unit(work)`` stages the unit's parts (files), and returns them as a `PartSet`.
  ``work`` has the session, the unit's listing, a staging folder, threads, and `UnitWork.write_pages`, which walks the
  listing with checkpoints into a `PageWriter`: an interrupted walk then goes on where it stood.
- **how its state is read back**: the journal keeps the fields of ``kind.part_set`` for each unit. ``work.unit`` is
  what it has kept.
- **how it is published**: ``kind.publish(publication)`` moves the staged parts under their names at the destination,
  and is done again after a crash. Who writes elsewhere, such as into a database, overrides it.

``make_job`` checks the options, and ``run_job`` runs the job; `aishoot_async.clusters.dask.run_job` runs any job on a
cluster. Nothing here, or in `aishoot_async.storage`, knows a kind of job.
"""

from ._engine import CONCURRENCY, OnRead, UnitRunner, disk_error, run_job
from ._job import Job, JobOptions, check_options, make_job
from ._journal import Journal
from ._kind import JobKind, JournalLike, UnitWork
from ._layout import SKUS, brief_of, claims, staged_object, staged_part, unit_names
from ._publishing import Publication
from ._reader import PageWriter, ReadProgress, SizeLimit, page_fingerprint
from ._report import BriefOutcome, JobProgress, JobReport
from ._units import Checkpoint, Part, PartSet, State, Unit
from ._workspace import JobWorkspace

__all__ = [
    "CONCURRENCY",
    "SKUS",
    "BriefOutcome",
    "Checkpoint",
    "Job",
    "JobKind",
    "JobOptions",
    "JobProgress",
    "JobReport",
    "JobWorkspace",
    "Journal",
    "JournalLike",
    "OnRead",
    "PageWriter",
    "Part",
    "PartSet",
    "Publication",
    "ReadProgress",
    "SizeLimit",
    "State",
    "Unit",
    "UnitRunner",
    "UnitWork",
    "brief_of",
    "check_options",
    "claims",
    "disk_error",
    "make_job",
    "page_fingerprint",
    "run_job",
    "staged_object",
    "staged_part",
    "unit_names",
]
