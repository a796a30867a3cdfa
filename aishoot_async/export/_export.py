"""The main job: all results of many briefs, or all SKUs, into a file, a folder or an object store."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypedDict, Unpack, cast

import attrs

from ..errors import ExportError, JobError
from ..jobs import (
    SKUS,
    Job,
    JobKind,
    JobOptions,
    JobProgress,
    JobReport,
    PartSet,
    UnitWork,
    brief_of,
    check_options,
    make_job,
    run_job,
    unit_names,
)
from ..paging import Pager
from ..session import AIShootSession
from ..storage import leads_to
from ..storage.destinations import parse_destination
from ._part_writer import PartLayout, PartWriter
from .formats import Format, choose_format, configure_format, find_format


class ExportProgress(JobProgress):
    """How far an export is; see `aishoot_async.jobs.JobProgress`."""


class ExportReport(JobReport):
    """What an export came to; see `aishoot_async.jobs.JobReport`."""


class FormatOptions(TypedDict, total=False):
    """What is written.

    Attributes:
        format: ``"jsonl"``, ``"jsonl.gz"``, ``"jsonl.zst"``, ``"parquet"`` or ``"csv"``; ``None`` goes by the name.
        columns: of CSV, which is a projection: paths into the JSON, such as ``model.name``. Strings come as text, all
            else as its JSON; null and missing are both empty. What a spreadsheet takes for a formula is not altered.
        bom: of CSV: begin each file with a byte order mark, by which Excel knows UTF-8.
    """

    format: str | None
    columns: Sequence[str] | None
    bom: bool


class ExportOptions(FormatOptions, JobOptions, total=False):
    """The options of an export: those of `FormatOptions`, and of all jobs (`JobOptions`)."""


@attrs.frozen(kw_only=True)
class ResultsExport(JobKind):
    """The kind of job that writes the listing of each unit into parts of a format.

    Attributes:
        format: of the parts.
        is_single: the destination is one file.
    """

    noun: ClassVar[str] = "export"
    error: ClassVar[type[JobError]] = ExportError
    progress: ClassVar[type[JobProgress]] = ExportProgress
    report: ClassVar[type[JobReport]] = ExportReport

    format: Format
    is_single: bool

    @property
    def name(self) -> str:
        return "results"

    @property
    def suffix(self) -> str:
        return self.format.name

    @property
    def filters(self) -> Mapping[str, str]:
        """What the listing is asked for."""
        return {}

    def identity(self) -> Mapping[str, Any]:
        return {"filters": dict(self.filters), "columns": list(self.format.recorded_columns())}

    def layout(self, unit: str) -> PartLayout:
        """Return how a unit's parts are made."""
        if self.is_single:
            return PartLayout.of_file(self.format, brief_of(unit))
        return PartLayout.of_folder(self.format)

    async def run_unit(self, work: UnitWork) -> PartSet:
        """See `JobKind.run_unit`."""
        layout = self.layout(work.unit.name)
        return await work.write_pages(PartWriter(work.folder, work.journal, work.unit, layout))

    def warnings(self) -> Sequence[str]:
        return self.format.warnings()


@attrs.frozen(kw_only=True)
class SkuExport(ResultsExport):
    """An export of SKUs.

    Attributes:
        project_filter, sku_id_filter: as for ``skus.list``.
    """

    project_filter: str | None = None
    sku_id_filter: str | None = None

    @property
    def name(self) -> str:
        return SKUS

    @property
    def filters(self) -> Mapping[str, str]:
        """What the listing is asked for."""
        given = {"project_filter": self.project_filter, "sku_id_filter": self.sku_id_filter}
        return {name: value for name, value in given.items() if value is not None}

    def listing(self, session: AIShootSession, unit: str, **paging: Any) -> Pager[bytes]:  # noqa: ARG002
        return session.skus.list(
            project_filter=self.project_filter, sku_id_filter=self.sku_id_filter, into=bytes, **paging
        )


async def export_results(
    session: AIShootSession,
    briefs: Iterable[int],
    destination: str | os.PathLike[str],
    *,
    on_progress: Callable[[ExportProgress], object] | None = None,
    **options: Unpack[ExportOptions],
) -> ExportReport:
    """Write all results of briefs, each as its own JSON, exact and whole. The same call again goes on where it stood.

    A destination that ends in a format's suffix, in whatever case, is one file, for one brief; it appears whole or not
    at all. Any other is a folder: ``brief_id=1/part-00000.jsonl`` and so on, ``_manifest.ndjson``, and ``_SUCCESS``,
    which is there only while all is whole. Text that ends in a slash is a folder whatever its name; without one, the
    names of files that cannot be written (``r.json``, ``r.jsonl.bz2``) are refused.

    ``s3://``, ``gs://`` and ``az://`` URLs are such files and folders too. The key is what stands in the URL, letter by
    letter: ``#`` and ``?`` are part of it, and ``%20`` is not decoded. Of segments that are empty, ``.`` or ``..``, and
    of control characters, no key is made; a slash at the end of a prefix changes nothing.

    A brief that changes while it is read is read again; one that keeps changing is kept as unstable. In a folder a
    brief that fails does not stop the others; the report says which.

    Args:
        session: makes the calls.
        briefs: the briefs' ids. In a folder there may be others than before: what is finished is not fetched again,
            and what is there of those not named stays.
        destination: where to.
        on_progress: called after each page, on the event loop; it is not awaited, and an async one is refused.
        options: see `ExportOptions`.

    Raises:
        AIShootError: as every walk does, for the one brief of a file; otherwise only what stops all of them: the
            session is closed, the login refused.
        ConfigurationError: a package is missing, or an option cannot work, such as an async ``on_progress``.
        ExportError: the destination cannot be written, belongs to another job, or has a damaged journal.
        LockedError: another process is at it.
        RequestValidationError: a brief or an option cannot be right.
        TypeError: there is no such option.
    """
    return await _run(session, results_export(session, briefs, destination, **options), on_progress)


async def export_skus(
    session: AIShootSession,
    destination: str | os.PathLike[str],
    *,
    project_filter: str | None = None,
    sku_id_filter: str | None = None,
    on_progress: Callable[[ExportProgress], object] | None = None,
    **options: Unpack[ExportOptions],
) -> ExportReport:
    """Write all SKUs, each as its own JSON; see `export_results`. A folder holds ``part-00000.jsonl`` and so on.

    Args:
        session: makes the calls.
        destination: where to.
        project_filter: as for ``skus.list``.
        sku_id_filter: likewise.
        on_progress: see `export_results`.
        options: see `ExportOptions`; there is no ``shard``.

    Raises:
        AIShootError: as `export_results`.
    """
    if "shard" in options:
        raise TypeError("export_skus() got an unexpected keyword argument 'shard'")
    return await _run(
        session,
        _make_job(
            session,
            SkuExport,
            (SKUS,),
            destination,
            options,
            project_filter=project_filter,
            sku_id_filter=sku_id_filter,
        ),
        on_progress,
    )


def results_export(
    session: AIShootSession,
    briefs: Iterable[int],
    destination: str | os.PathLike[str],
    **options: Unpack[ExportOptions],
) -> Job:
    """Return the job of `export_results`, for who runs it elsewhere; nothing is read or written.

    Raises:
        AIShootError: as `export_results` does of what cannot be right.
    """
    units = unit_names([briefs] if isinstance(briefs, int) else list(briefs))
    return _make_job(session, ResultsExport, units, destination, options)


def needed_folder(destination: str) -> Path | None:
    """Return the folder that must be there for an export to begin: a file's own, or the first on the way to a folder.

    Returns:
        The folder; ``None`` in a store, or where none is on the way. Blocking.

    Raises:
        RequestValidationError: the destination cannot be read.
    """
    parsed = parse_destination(destination)
    if parsed.url is not None:
        return None
    path = leads_to(Path(parsed.text))
    if find_format(parsed.file_name) is not None:
        return path.parent
    return next((folder for folder in path.parents if os.path.lexists(folder)), None)


def _make_job(
    session: AIShootSession,
    kind: type[ResultsExport],
    units: tuple[str, ...],
    destination: str | os.PathLike[str],
    options: ExportOptions,
    **listing: Any,
) -> Job:
    check_options(options, ExportOptions)
    parsed = parse_destination(destination)
    chosen = configure_format(choose_format(options.get("format"), parsed.file_name), options)
    is_single = find_format(parsed.file_name) is not None
    return make_job(
        session,
        kind(format=chosen, is_single=is_single, **listing),
        units,
        parsed,
        options,
        is_single=is_single,
        is_file_name=find_format(parsed.last_segment) is not None,
    )


async def _run(
    session: AIShootSession, job: Job, on_progress: Callable[[ExportProgress], object] | None
) -> ExportReport:
    return cast("ExportReport", await run_job(session, job, on_progress))
