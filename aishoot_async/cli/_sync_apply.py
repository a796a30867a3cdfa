"""A plan as it is applied: progress, what became of each item, and what is left for somebody to do."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from aishoot_async import AIShootError, AIShootSession, SkuCreate
from aishoot_async.sync import (
    CatalogItem,
    OutcomeKind,
    SyncAction,
    SyncEntry,
    SyncOutcome,
    SyncPlan,
    SyncReport,
    apply_plan,
    write_catalog,
)

from ._console import Console
from ._context import Context
from ._errors import DONE, FAILED, PARTLY, UNKNOWN_OUTCOME
from ._files import reason, write_json
from ._output import print_done, print_json, print_rows
from ._sync_options import SyncOptions
from ._text import counted

_COLUMNS: Final = ("key", "outcome", "sku", "error")
_MAX_NAMED: Final = 20
_DONE: Final = (
    OutcomeKind.CREATED,
    OutcomeKind.UPDATED,
    OutcomeKind.ADOPTED,
    OutcomeKind.DELETED,
    OutcomeKind.RELEASED,
)
_OPEN: Final = {
    OutcomeKind.CONFLICT: "is in conflict",
    OutcomeKind.UNKNOWN: "may or may not have been written",
}


async def apply(session: AIShootSession, plan: SyncPlan, options: SyncOptions, context: Context) -> int:
    """Apply a plan with progress; say what it came to, and return the exit code."""
    begun = time.monotonic()
    report = await _run(session, plan, options, context)
    code = _code(report)
    if not _write_files(plan, report, options, context.console):
        code = code or FAILED
    _name_open(report, context.console)
    counts = _counts(report)
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    changed = [outcome for outcome in report.outcomes if outcome.outcome is not OutcomeKind.UNCHANGED]
    unheard = _print_outcomes(changed, told, context)
    context.console.note(
        f"{told or 'nothing to do'} ({time.monotonic() - begun:.1f} s)", complete=report.complete, **counts
    )
    return code or unheard


async def _run(session: AIShootSession, plan: SyncPlan, options: SyncOptions, context: Context) -> SyncReport:
    seen: list[SyncOutcome] = []
    total = sum(entry.action is not SyncAction.UNCHANGED for entry in plan.entries)
    failed = 0
    try:
        with context.console.progress("SKUs") as update:

            def tell(outcome: SyncOutcome) -> None:
                nonlocal failed
                if outcome.outcome is not OutcomeKind.UNCHANGED:
                    seen.append(outcome)
                    failed += outcome.outcome is OutcomeKind.FAILED
                    update(len(seen), total, f"{failed} failed" if failed else "")

            return await apply_plan(
                session,
                plan,
                state=options.state,
                on_outcome=tell,
                settle=options.settle,
                patience=options.patience,
            )
    except (AIShootError, asyncio.CancelledError) as error:
        # What was done is worth knowing; the state has it. A plan that is refused has done nothing.
        if seen or isinstance(error, asyncio.CancelledError):
            _say_how_to_go_on(len(seen), options, context)
            _print_outcomes(seen, counted(len(seen), "items were done"), context)
        raise


def _code(report: SyncReport) -> int:
    counts = report.counts
    if any(counts[kind] for kind in _OPEN):
        return UNKNOWN_OUTCOME
    if not counts[OutcomeKind.FAILED]:
        return DONE
    return PARTLY if any(counts[kind] for kind in _DONE) else FAILED


def _print_outcomes(outcomes: Sequence[SyncOutcome], done: str, context: Context) -> int:
    what = "what became of each"
    return print_done(lambda: _print(outcomes, context), f"{done}, as the state knows", what, context.console)


def _print(outcomes: Sequence[SyncOutcome], context: Context) -> None:
    if context.json:
        print_json(*(one.to_plain() for one in outcomes))
    elif outcomes:
        rows = [
            {"key": one.key, "outcome": str(one.outcome), "sku": one.sku_id, "error": one.error} for one in outcomes
        ]
        print_rows(rows, _COLUMNS)


def _say_how_to_go_on(done: int, options: SyncOptions, context: Context) -> None:
    again = (
        "the same command goes on"
        if options.plan is None
        else "this plan is out of date now: make a new one from the catalog, which goes on"
    )
    context.console.note(f"{counted(done, 'items were done')}, and the state has all that was sent: {again}", done=done)


def _name_open(report: SyncReport, console: Console) -> None:
    """Name what waits for somebody by its key, before a reader of stdout may have had enough."""
    failed = [outcome for outcome in report.outcomes if outcome.outcome is OutcomeKind.FAILED]
    for outcome in failed[:_MAX_NAMED]:
        console.error(f"{outcome.key} failed: {outcome.error}", key=outcome.key, line=outcome.line)
    if unsaid := len(failed[_MAX_NAMED:]):
        console.error(f"so did {unsaid:,} more; --failures FILE takes all of them")
    for outcome in report.outcomes:
        if outcome.outcome in _OPEN:
            console.warn(f"{outcome.key} {_OPEN[outcome.outcome]}: {outcome.error}", key=outcome.key, line=outcome.line)
    if report.counts[OutcomeKind.UNKNOWN]:
        console.note(
            "the same command looks again, and never sends blindly. Where a SKU is named that may have come of it: "
            "delete that, or make it what the catalog wants"
        )


def _write_files(plan: SyncPlan, report: SyncReport, options: SyncOptions, console: Console) -> bool:
    """Write the files that were asked for; return whether that worked. What was done stays done, and is said."""
    failed = {outcome.key for outcome in report.outcomes if outcome.outcome is OutcomeKind.FAILED}
    # An item that was to be deleted stands in no catalog.
    entries = [entry for entry in plan.entries if entry.key in failed and entry.action is not SyncAction.DELETE]
    writers: tuple[tuple[Path | None, Callable[[Path], object]], ...] = (
        (options.report, lambda path: write_json(path, _whole(plan, report))),
        (options.failures, lambda path: write_catalog(path, [_item(entry) for entry in entries])),
    )
    has_worked = True
    for path, write in writers:
        try:
            if path is not None:
                write(path)
        except (OSError, AIShootError) as error:
            console.error(f"{path} cannot be written: {reason(error)}")
            has_worked = False
    return has_worked


def _whole(plan: SyncPlan, report: SyncReport) -> dict[str, Any]:
    return {
        "complete": report.complete,
        "counts": _counts(report),
        "service": plan.service,
        "organization": plan.organization,
        "state": str(plan.state),
        "outcomes": [outcome.to_plain() for outcome in report.outcomes],
    }


def _counts(report: SyncReport) -> dict[str, int]:
    return {str(kind): report.counts[kind] for kind in OutcomeKind}


def _item(entry: SyncEntry) -> CatalogItem:
    """Return the catalog's own item, with its images by their paths."""
    paths = {field: picture.path for field, picture in entry.pictures.items()}
    fields: dict[str, Any] = {**entry.wanted, **paths}
    return CatalogItem(entry.key, SkuCreate(**fields))
