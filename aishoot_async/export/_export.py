"""The main job: all results of many briefs, or all SKUs, into a file, a folder or an object store."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from ..callbacks import check_plain
from ..calls import Traffic
from ..errors import ConfigurationError, Cursor, RequestValidationError
from ..paging import Pager
from ..samefile import leads_to
from ..session import AIShootSession
from ._columns import marked
from ._destinations import Destination, read_destination, refuse_tilde
from ._disk import Disk
from ._driver import IN_HAND, Driver, Settings, usual_shape
from ._encoders import check_columns
from ._formats import Format, choose_format, format_by_name
from ._job import Job, brief_of, parse_shard, service_name, unit_names
from ._opening import Desk, journal_of, open_desk
from ._places import SKUS, LocalFile, LocalFolder, Place
from ._report import ExportProgress, ExportReport
from ._stage import Shape
from ._stores import Store
from ._tally import Tally

_PREFETCH: Final = 8
_PREFETCH_ALONE: Final = 32
_PATIENCE: Final = 1800.0


@attrs.frozen(kw_only=True)
class Options:
    """What both exports take."""

    format: str | None
    columns: Sequence[str] | None
    shard: tuple[int, int] | None
    refresh: bool
    restart: bool
    strict: bool
    patience: float
    prefetch: int | None
    state: str | os.PathLike[str] | None
    store_options: Mapping[str, Any] | None
    bom: bool = False


async def export_results(
    session: AIShootSession,
    briefs: Iterable[int],
    destination: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002  # the public name
    columns: Sequence[str] | None = None,
    bom: bool = False,
    refresh: bool = False,
    restart: bool = False,
    strict: bool = False,
    shard: tuple[int, int] | None = None,
    patience: float = _PATIENCE,
    prefetch: int | None = None,
    state: str | os.PathLike[str] | None = None,
    store_options: Mapping[str, Any] | None = None,
    on_progress: Callable[[ExportProgress], object] | None = None,
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
        format: ``"jsonl"``, ``"jsonl.gz"``, ``"jsonl.zst"``, ``"parquet"`` or ``"csv"``; ``None`` goes by the name.
        columns: of CSV, which is a projection: paths into the JSON, such as ``model.name``. Strings come as text, all
            else as its JSON; null and missing are both empty. What a spreadsheet takes for a formula is not altered.
        bom: of CSV: begin each file with a byte order mark, by which Excel knows UTF-8.
        refresh: fetch everything again, and replace the parts that have changed, at the service or by hand. A link
            is replaced itself, and what it leads to is not touched; a folder is not replaced. The briefs may be others
            than before, and what is there of those not named stays. An interrupted refresh goes on.
        restart: remove what earlier runs have written here, and begin anew.
        strict: walk each brief until two walks agree; one that never comes to that has failed. What was read
            otherwise, or cut off, is read from its beginning.
        shard: ``(number from 1, count)``: only the briefs of that shard. Each process of a folder takes another; the
            last to finish writes ``_SUCCESS``.
        patience: seconds for which an outage is ridden out.
        prefetch: pages of each brief in flight or ready; ``None`` for 32, or 8 where there are several briefs.
        state: a folder for the journals of object stores; ``None`` for ``$XDG_STATE_HOME/aishoot-async``, or
            ``~/.local/state/aishoot-async``. Other destinations have theirs beside them.
        store_options: what ``obstore.store.from_url`` takes besides the URL (``config``, ``client_options``, …), where
            the environment does not say it.
        on_progress: called after each page, on the event loop; it is not awaited, and an async one is refused.

    Raises:
        AIShootError: as every walk does, for the one brief of a file; otherwise only what stops all of them: the
            session is closed, the login refused.
        ConfigurationError: a package is missing, or an option cannot work, such as an async ``on_progress``.
        ExportError: the destination cannot be written, belongs to another job, or has a damaged journal.
        LockedError: another process is at it.
        RequestValidationError: a brief or an option cannot be right.
    """
    options = Options(
        format=format,
        columns=columns,
        shard=shard,
        refresh=refresh,
        restart=restart,
        strict=strict,
        patience=patience,
        prefetch=prefetch,
        state=state,
        store_options=store_options,
        bom=bom,
    )
    units = unit_names([briefs] if isinstance(briefs, int) else list(briefs))
    job = make_job(session, units, destination, options, filters={})
    paging = paging_options(options, alone=len(units) == 1)
    return await run(session, job, partial(results_of, session, paging), on_progress)


def results_of(session: AIShootSession, paging: dict[str, Any], unit: str, start: Cursor | None) -> Pager[bytes]:
    """List the results of a unit's brief, each as its own JSON."""
    return session.briefs.results(brief_of(unit) or 0, into=bytes, start=start, **paging)


async def export_skus(
    session: AIShootSession,
    destination: str | os.PathLike[str],
    *,
    project_filter: str | None = None,
    sku_id_filter: str | None = None,
    format: str | None = None,  # noqa: A002  # the public name
    columns: Sequence[str] | None = None,
    bom: bool = False,
    refresh: bool = False,
    restart: bool = False,
    strict: bool = False,
    patience: float = _PATIENCE,
    prefetch: int | None = None,
    state: str | os.PathLike[str] | None = None,
    store_options: Mapping[str, Any] | None = None,
    on_progress: Callable[[ExportProgress], object] | None = None,
) -> ExportReport:
    """Write all SKUs, each as its own JSON; see `export_results`. A folder holds ``part-00000.jsonl`` and so on.

    Args:
        session: makes the calls.
        destination: where to.
        project_filter: as for ``skus.list``.
        sku_id_filter: likewise.
        format: see `export_results`, as all that follows.
        columns: likewise.
        bom: likewise.
        refresh: likewise.
        restart: likewise.
        strict: likewise.
        patience: likewise.
        prefetch: likewise.
        state: likewise.
        store_options: likewise.
        on_progress: likewise.

    Raises:
        AIShootError: as `export_results`.
    """
    options = Options(
        format=format,
        columns=columns,
        shard=None,
        refresh=refresh,
        restart=restart,
        strict=strict,
        patience=patience,
        prefetch=prefetch,
        state=state,
        store_options=store_options,
        bom=bom,
    )
    given = {"project_filter": project_filter, "sku_id_filter": sku_id_filter}
    filters = {name: value for name, value in given.items() if value is not None}
    job = make_job(session, (SKUS,), destination, options, filters=filters)
    paging = paging_options(options, alone=True)

    def listing(_unit: str, start: Cursor | None) -> Pager[bytes]:
        return session.skus.list(
            project_filter=project_filter, sku_id_filter=sku_id_filter, into=bytes, start=start, **paging
        )

    return await run(session, job, listing, on_progress)


async def run(
    session: AIShootSession,
    job: Job,
    listing: Callable[[str, Cursor | None], Pager[bytes]],
    on_progress: Callable[[ExportProgress], object] | None = None,
    shape: Callable[[Job, str], Shape] = usual_shape,
    *,
    driver: Callable[[Job, Desk, Disk, Settings], Driver] = Driver,
    traffic: Callable[[], Traffic] | None = None,
) -> ExportReport:
    """Run a job: see `export_results`. A driver of another kind brings the briefs in another way."""
    check_plain("on_progress", on_progress)
    listing(job.units[0], None)  # options that cannot work are refused before anything is opened
    disk = Disk(IN_HAND + 1, journal_of(job))
    # A caller that is cancelled while the desk is opened never sees it, and it must be closed all the same.
    desks: list[Desk] = []
    try:
        await disk.run(lambda: desks.append(open_desk(job)))
        tally = Tally(traffic or (lambda: session.traffic), len(job.own_units), on_progress)
        outcomes = await driver(job, desks[0], disk, Settings(listing=listing, tally=tally, shape=shape)).run()
    finally:
        try:
            for desk in desks:
                await disk.run(desk.close)
        finally:
            disk.close()
    place = job.place
    return ExportReport(destination=place.title if isinstance(place, Store) else Path(place.title), outcomes=outcomes)


def make_job(
    session: AIShootSession,
    units: tuple[str, ...],
    destination: str | os.PathLike[str],
    options: Options,
    *,
    filters: dict[str, str],
) -> Job:
    if options.refresh and options.restart:
        raise RequestValidationError(
            "refresh keeps what has not changed, restart keeps nothing: choose", field="restart"
        )
    where = read_destination(destination)
    chosen = choose_format(options.format, where.file_name)
    is_single = format_by_name(where.file_name) is not None
    if is_single and len(units) > 1:
        raise RequestValidationError(
            f"one file holds one brief, and {len(units)} are named; name a folder, where each has its own",
            field="briefs",
        )
    if chosen.name != "csv" and options.columns is not None:
        raise RequestValidationError(f"columns are for CSV; {chosen.name} holds all of each item", field="columns")
    if chosen.name != "csv" and options.bom:
        raise RequestValidationError(f"bom is for CSV; {chosen.name} has no byte order mark", field="bom")
    columns = check_columns(options.columns) if chosen.name == "csv" else ()
    return Job(
        kind=SKUS if units == (SKUS,) else "results",
        service=service_name(session.base_url),
        filters=filters,
        format=chosen,
        columns=marked(columns) if options.bom else columns,
        place=_place(where, chosen, options, is_single=is_single),
        units=units,
        shard=parse_shard(options.shard, is_single=is_single),
        refresh=options.refresh,
        restart=options.restart,
        strict=options.strict,
    )


def _place(where: Destination, chosen: Format, options: Options, *, is_single: bool) -> Place:
    if where.url is not None:
        state = _state_folder() if options.state is None else _given_folder(options.state)
        return Store(where.url, chosen, is_single=is_single, state=state, options=options.store_options)
    path = Path(where.text)
    return LocalFile(leads_to(path)) if is_single else LocalFolder(path, chosen)


def _given_folder(path: str | os.PathLike[str]) -> Path:
    refuse_tilde(os.fspath(path), field="state")
    return Path(path)


def _state_folder() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or ""
    try:
        return (Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state") / "aishoot-async"
    except RuntimeError:
        msg = "no home folder is known, where the journal of a job in an object store could be: set XDG_STATE_HOME"
    raise ConfigurationError(msg)


def paging_options(options: Options, *, alone: bool) -> dict[str, Any]:
    prefetch = options.prefetch or (_PREFETCH_ALONE if alone else _PREFETCH)
    # What a walk sees of a change is said by the report.
    paging: dict[str, Any] = {"prefetch": prefetch, "patience": options.patience, "on_drift": "ignore"}
    return {**paging, "strict": True} if options.strict else paging
