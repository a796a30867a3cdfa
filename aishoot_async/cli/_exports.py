"""What ``results export`` and ``skus export`` share: their options, their progress, and what is said of the outcome."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import attrs
from cyclopts import Group, Parameter

from aishoot_async import AIShootError, AIShootSession, RequestValidationError
from aishoot_async.export import BriefOutcome, ExportProgress, ExportReport
from aishoot_async.export.formats import FORMATS

from ._console import Console
from ._context import Context
from ._errors import DONE, FAILED, PARTLY
from ._files import check_outputs, is_stream, reason, write_json
from ._text import counted, in_flags

_MAX_NAMED: Final = 20
_SHARD: Final = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)
_GROUP: Final = Group("Export", sort_key=1)
if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[tuple(FORMATS)]


@Parameter(name="*", group=_GROUP)
@attrs.frozen(kw_only=True)
class ExportOptions:
    """How and where to write."""

    to: Annotated[str, Parameter(allow_leading_hyphen=True)]
    "The file, the folder, or the s3://, gs:// or az:// URL; a file's name says its format."
    format: FormatName | None = None
    "The format, where the name does not say it; jsonl for folders."
    columns: str | None = None
    "Of CSV, which shows a part of each item: paths into its JSON, such as id,status,model.name."
    bom: bool = False
    "Of CSV: begin each file with a byte order mark, by which Excel knows UTF-8."
    refresh: bool = False
    "Fetch everything again, and replace only what has changed."
    restart: bool = False
    "Remove what earlier runs have written there, and begin anew."
    strict: bool = False
    "Read everything until two passes agree."
    patience: Annotated[float, Parameter(show_default=True)] = 1800.0
    "Seconds for which an outage of the service is ridden out."
    report: Path | None = None
    "Write what became of each brief to this file, as JSON; it says complete: false until all is there."

    def chosen(self) -> dict[str, Any]:
        """Return the options of the library's own functions."""
        columns = None if self.columns is None else [column.strip() for column in self.columns.split(",")]
        return attrs.asdict(self, filter=attrs.filters.exclude("to", "report")) | {"columns": columns}


def read_shard(text: str | None) -> tuple[int, int] | None:
    """Read ``I/N``.

    Raises:
        RequestValidationError: it is something else.
    """
    if text is None:
        return None
    found = _SHARD.fullmatch(text)
    if found is None:
        msg = f"--shard takes I/N, such as 2/8, not {text[:40]}"
        raise RequestValidationError(msg, field="shard")
    return int(found[1]), int(found[2])


async def run_export(
    context: Context,
    options: ExportOptions,
    what: str,
    export: Callable[[AIShootSession, Callable[[ExportProgress], object]], Awaitable[ExportReport]],
    *,
    briefs_from: Path | None = None,
) -> int:
    """Run an export with progress; say what it came to, and give the exit code.

    Raises:
        RequestValidationError: the report cannot be written, or is another file of this command.
    """
    begun = time.monotonic()
    _check_destination(options.to)
    check_outputs({"--report": options.report}, {"--briefs-from": briefs_from}, options.to)
    if options.report is not None and not is_stream(options.report):
        # A file that cannot be written is refused before hours of work; and none speaks of an earlier run.
        begun_report = _unfinished(options, "it was not finished: it runs, or was ended from outside")
        if problem := _write_report(begun_report, options.report):
            raise RequestValidationError(problem, field="report")

    def end_report(whole: dict[str, Any]) -> int:
        problem = None if options.report is None else _write_report(whole, options.report)
        if problem is not None:
            context.console.error(problem)
        return DONE if problem is None else FAILED

    try:
        async with context.session() as session:
            with context.console.progress(what) as update:
                report = await export(session, lambda seen: update(seen.rows, seen.expected_rows, _details(seen)))
    except asyncio.CancelledError:
        context.console.note("what was read is kept: the same command goes on where it stood")
        raise
    except AIShootError as error:
        end_report(_unfinished(options, f"{type(error).__name__}: {error}"))
        raise
    code = end_report(_whole(report))
    _say(report, what, time.monotonic() - begun, context.console)
    if report.complete:
        return code
    return FAILED if len(report.failed) == len(report.outcomes) else PARTLY


def _check_destination(to: str) -> None:
    """Refuse what is an option to everybody but a disk.

    Raises:
        RequestValidationError: it begins with a hyphen.
    """
    if to.startswith("-") and to != "-":
        raise RequestValidationError(
            f"--to takes a file, a folder or a URL, not {to}; what is called so is written ./{to}", field="to"
        )


def _details(seen: ExportProgress) -> str:
    briefs = f"{seen.briefs_done:,} of {seen.briefs_total:,} briefs" if seen.briefs_total > 1 else ""
    repeated = f"{counted(seen.retries, 'requests')} repeated, {seen.limit} at once" if seen.retries else ""
    return ", ".join(part for part in (briefs, repeated) if part)


def _say(report: ExportReport, what: str, seconds: float, console: Console) -> None:
    facts = _facts(report)
    if not report.outcomes:
        console.note("none of the briefs is in this shard: there is nothing to do here", **facts)
        return
    if report.was_finished:
        console.note(
            f"{report.destination} is finished already, with {counted(report.items, 'items')}. --refresh fetches them "
            f"again and replaces what has changed; --restart begins anew",
            **facts,
        )
        return
    for outcome in report.unstable[:_MAX_NAMED]:
        console.warn(
            f"{_name(outcome)} changed in every one of {outcome.sweeps} passes while it was read: items may be missing "
            f"or twice there. Run it again.",
            brief_id=outcome.brief_id,
        )
    for outcome in report.failed[:_MAX_NAMED]:
        console.error(
            f"{_name(outcome)} failed: {in_flags(outcome.error or '')}",
            brief_id=outcome.brief_id,
            permanent=outcome.permanent,
        )
    unsaid = len(report.unstable[_MAX_NAMED:]) + len(report.failed[_MAX_NAMED:])
    if unsaid:
        console.error(f"so did {unsaid:,} more; --report FILE names all of them")
    if any(not outcome.permanent for outcome in report.failed):
        console.note("the same command goes on with those that failed")
    console.note(_summary(report, what, seconds, facts.get("refetched_pages")), **facts)


def _summary(report: ExportReport, what: str, seconds: float, again: int | None) -> str:
    kept = sum(outcome.how == "kept" for outcome in report.outcomes)
    parts = [
        f"{report.bytes_written / 1e6:.1f} MB, {counted(report.pages, 'pages')}, {seconds:.1f} s",
        *([counted(kept, "briefs were finished before")] if kept else []),
        *([counted(again, "pages were fetched again for workers that were lost")] if again else []),
    ]
    return f"{counted(report.items, what)} in {report.destination} ({'; '.join(parts)})"


def _name(outcome: BriefOutcome) -> str:
    return "the list of SKUs" if outcome.brief_id is None else f"brief {outcome.brief_id}"


def _facts(report: ExportReport) -> dict[str, Any]:
    again = getattr(report, "refetched_pages", None)  # of a cluster alone
    return {
        "destination": str(report.destination),
        "complete": report.complete,
        "items": report.items,
        "pages": report.pages,
        "bytes_written": report.bytes_written,
        "replaced": report.replaced,
        **({} if again is None else {"refetched_pages": again}),
    }


def _whole(report: ExportReport) -> dict[str, Any]:
    passing = [outcome.brief_id for outcome in report.failed if not outcome.permanent]
    permanent = [outcome.brief_id for outcome in report.failed if outcome.permanent]
    return {
        **_facts(report),
        "failed": {"passing": passing, "permanent": permanent},
        "unstable": [outcome.brief_id for outcome in report.unstable],
        "briefs": [attrs.asdict(outcome) for outcome in report.outcomes],
    }


def _unfinished(options: ExportOptions, error: str) -> dict[str, Any]:
    return {"destination": options.to, "complete": False, "error": error}


def _write_report(report: dict[str, Any], path: Path) -> str | None:
    """Write the report; return what is wrong where that fails. What was done before is neither undone nor hidden."""
    try:
        write_json(path, report)
    except (OSError, ValueError) as error:
        return f"the report cannot be written to {path}: {reason(error)}"
    return None
