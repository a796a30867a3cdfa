"""A plan as it is applied: progress, what became of each item, and what is left for somebody to do."""

import asyncio
import json
import time
from collections.abc import Callable, Container, Sequence
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

from ._context import Context
from ._done import print_done
from ._failures import DONE, FAILED, PARTLY, UNKNOWN_OUTCOME
from ._outputs import write_whole
from ._sync_options import SyncOptions
from ._sync_plan import say_plan
from ._tables import print_data, print_rows
from ._talk import counted

_COLUMNS: Final = ("key", "outcome", "sku", "error")
_SAID_AT_MOST: Final = 20
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
    """Apply a plan with progress; say what it came to, and give the exit code."""
    begun = time.monotonic()
    say_plan(plan, context)
    report = await _run(session, plan, options, context)
    code = _code(report)
    if not _written(plan, report, options, context):
        code = code or FAILED
    _name_open(report, context)
    counts = _counted(report)
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    changed = [outcome for outcome in report.outcomes if outcome.outcome is not OutcomeKind.UNCHANGED]
    unheard = _print_outcomes(changed, told, context)
    context.talk.note(
        f"{told or 'nothing to do'} ({time.monotonic() - begun:.1f} s)", complete=report.complete, **counts
    )
    return code or unheard


async def _run(session: AIShootSession, plan: SyncPlan, options: SyncOptions, context: Context) -> SyncReport:
    seen: list[SyncOutcome] = []
    total = sum(entry.action is not SyncAction.UNCHANGED for entry in plan.entries)
    failed = 0
    try:
        with context.talk.progress("SKUs") as update:

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
    return print_done(lambda: _print(outcomes, context), f"{done}, as the state knows", what, context.talk)


def _print(outcomes: Sequence[SyncOutcome], context: Context) -> None:
    if context.json:
        print_data(b"".join(json.dumps(one.to_plain(), ensure_ascii=False).encode() + b"\n" for one in outcomes))
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
    context.talk.note(f"{counted(done, 'items were done')}, and the state has all that was sent: {again}", done=done)


def _name_open(report: SyncReport, context: Context) -> None:
    """Name what waits for somebody by its key, before a reader of stdout may have had enough."""
    talk = context.talk
    failed = [outcome for outcome in report.outcomes if outcome.outcome is OutcomeKind.FAILED]
    for outcome in failed[:_SAID_AT_MOST]:
        talk.error(f"{outcome.key} failed: {outcome.error}", key=outcome.key, line=outcome.line)
    if unsaid := len(failed[_SAID_AT_MOST:]):
        talk.error(f"so did {unsaid:,} more; --failures FILE takes all of them")
    for outcome in report.outcomes:
        if outcome.outcome in _OPEN:
            talk.warn(f"{outcome.key} {_OPEN[outcome.outcome]}: {outcome.error}", key=outcome.key, line=outcome.line)
    if report.counts[OutcomeKind.UNKNOWN]:
        talk.note(
            "the same command looks again, and never sends blindly. Where a SKU is named that may have come of it: "
            "delete that, or make it what the catalog wants"
        )


def _counted(report: SyncReport) -> dict[str, int]:
    counts = report.counts
    return {str(kind): counts[kind] for kind in OutcomeKind}


def _written(plan: SyncPlan, report: SyncReport, options: SyncOptions, context: Context) -> bool:
    """Write the files that were asked for; say whether that worked."""
    failed = {outcome.key for outcome in report.outcomes if outcome.outcome is OutcomeKind.FAILED}
    items = [_item(entry) for entry in plan.entries if _comes_back(entry, failed)]
    reported = _try(options.report, lambda path: write_whole(path, _rendered(plan, report)), context)
    return _try(options.failures, lambda path: write_catalog(path, items), context) and reported


def _try(path: Path | None, write: Callable[[Path], object], context: Context) -> bool:
    try:
        if path is not None:
            write(path)
    except (OSError, AIShootError) as error:
        # What was done stays done, and is told all the same.
        context.talk.error(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}")
        return False
    return True


def _rendered(plan: SyncPlan, report: SyncReport) -> str:
    whole = {
        "complete": report.complete,
        "counts": _counted(report),
        "service": plan.service,
        "organization": plan.organization,
        "state": str(plan.state),
        "outcomes": [outcome.to_plain() for outcome in report.outcomes],
    }
    return json.dumps(whole, indent=1) + "\n"


def _comes_back(entry: SyncEntry, failed: Container[str]) -> bool:
    """Tell whether a catalog has the item: what was to be deleted stands in none."""
    return entry.key in failed and entry.action is not SyncAction.DELETE


def _item(entry: SyncEntry) -> CatalogItem:
    """Make the catalog's own item again, with its pictures by their paths."""
    paths = {field: picture.path for field, picture in entry.pictures.items()}
    fields: dict[str, Any] = {**entry.wanted, **paths}
    return CatalogItem(entry.key, SkuCreate(**fields))
