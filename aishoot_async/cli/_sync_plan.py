"""Making a sync's plan, and showing it: what would be done on stdout, and a summary on stderr."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from aishoot_async import RequestValidationError
from aishoot_async.sync import CatalogItem, SyncAction, SyncEntry, SyncPlan, plan_sync, read_catalog

from ._context import Context
from ._errors import DONE, TO_DO, UNKNOWN_OUTCOME
from ._files import check_images
from ._output import print_json, print_rows
from ._signals import signals
from ._sync_apply import apply
from ._sync_options import SyncOptions
from ._text import counted

_COLUMNS: Final = ("key", "action", "field", "from", "to", "sku", "reason")
_COUNT_TEXTS: Final = {
    SyncAction.CREATE: "{} to create",
    SyncAction.UPDATE: "{} to update",
    SyncAction.ADOPT: "{} to adopt",
    SyncAction.DELETE: "{} to delete",
    SyncAction.RELEASE: "{} to let go of",
    SyncAction.CONFLICT: "{} in conflict",
    SyncAction.HOLD: "{} on hold",
    SyncAction.UNCHANGED: "{} unchanged",
}
_OPEN: Final = (SyncAction.CONFLICT, SyncAction.HOLD)


async def run_plan(path: Path, catalog: Path | None, options: SyncOptions, context: Context) -> int:
    """Show or apply a plan that was made before."""
    plan = SyncPlan.load(path)
    check_images(options.outputs, [image.path for entry in plan.entries for image in entry.pictures.values()])
    if catalog is not None:
        with signals.interruptible():
            plan.check_catalog(read_catalog(catalog))
    if not options.apply:
        return show_plan(plan, options, context)
    async with context.session() as session:
        say_plan(plan, context)
        return await apply(session, plan, options, context)


async def run_sync(catalog: Path | None, options: SyncOptions, context: Context) -> int:
    """Make a plan, and show or apply it."""
    path = _needed("catalog", catalog, "name a catalog, or a plan with --plan")
    state = _needed("state", options.state, "a catalog needs its state: --state FILE; the first run makes it")
    with signals.interruptible():
        items = read_catalog(path)
    check_images(options.outputs, [image for item in items for image in _images(item)])
    async with context.session() as session:
        plan = await plan_sync(
            session,
            items,
            state=state,
            prune=options.prune,
            max_delete=options.max_delete,
            prefer=options.prefer,
            force=options.force,
            decide=options.decisions(),
            settle=options.settle,
            patience=options.patience,
        )
        if options.plan_out is not None:
            plan.save(options.plan_out)
            context.console.note(
                f"{options.plan_out} has the plan: skus sync --plan {options.plan_out} --apply does it"
            )
        if not options.apply:
            return show_plan(plan, options, context)
        say_plan(plan, context)
        return await apply(session, plan, options, context)


def _images(item: CatalogItem) -> Iterator[str]:
    """Yield what may be the path of an image."""
    for image in (item.sku.front_image, item.sku.back_image):
        if isinstance(image, str):
            yield image


def _needed(field: str, path: Path | None, problem: str) -> Path:
    if path is None:
        raise RequestValidationError(problem, field=field)
    return path


def show_plan(plan: SyncPlan, options: SyncOptions, context: Context) -> int:
    """Show what a plan would do; return the exit code of a run that does not do it."""
    shown = [entry for entry in plan.entries if entry.action is not SyncAction.UNCHANGED]
    # Before anything is printed, of which a reader may have had enough.
    _name_open([entry for entry in shown if entry.action in _OPEN], context)
    if context.json:
        print_json(*map(_to_plain, shown))
    elif shown:
        print_rows([row for entry in shown for row in _rows(entry)], _COLUMNS)
    say_plan(plan, context)
    if not plan.is_empty:
        context.console.note("nothing was done: --apply does it")
    if options.exit_code and not plan.is_empty:
        return TO_DO
    return UNKNOWN_OUTCOME if any(entry.action in _OPEN for entry in shown) else DONE


def say_plan(plan: SyncPlan, context: Context) -> None:
    """Say in a line what a plan holds."""
    fields = Counter(field for entry in plan.entries if entry.action is SyncAction.UPDATE for field in entry.changes)
    named = f" ({', '.join(field for field, _ in fields.most_common())})" if fields else ""
    found = plan.counts
    counts = {action: found[action] for action in _COUNT_TEXTS if found[action]}
    parts = [
        f"{_COUNT_TEXTS[action].format(f'{count:,}')}{named if action is SyncAction.UPDATE else ''}"
        for action, count in counts.items()
    ]
    is_open = any(action in counts for action in _OPEN)
    idle = "" if not plan.is_empty else "nothing to send: " if is_open else "nothing to do: "
    facts = {str(action): count for action, count in counts.items()}
    context.console.note(f"{idle}{', '.join(parts) or 'the catalog is empty'}", **facts)
    if plan.left_alone:
        until = "--prune deletes them" if not plan.options.get("prune") else "they stay until the conflicts are decided"
        context.console.note(
            f"{counted(len(plan.left_alone), 'SKUs are left alone')}, whose key the catalog no longer has; {until}",
            left_alone=len(plan.left_alone),
        )
    if any(entry.candidates for entry in plan.entries):
        context.console.note(
            "--decide adopt, or --decide create, decides about all that may have a SKU already; --decide KEY=adopt, "
            "KEY=create or KEY=ID about one of them"
        )


def _name_open(entries: Sequence[SyncEntry], context: Context) -> None:
    """Name by its key whatever waits for somebody."""
    for entry in entries:
        kind = "is in conflict" if entry.action is SyncAction.CONFLICT else "is on hold"
        context.console.warn(f"{entry.key} {kind}: {entry.reason}", key=entry.key, sku_id=entry.sku_id)


def _to_plain(entry: SyncEntry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "action": str(entry.action),
        "sku_id": entry.sku_id,
        "changes": {field: {"from": old, "to": new} for field, (old, new) in entry.changes.items()},
        "reason": entry.reason,
        "line": entry.line,
    }


def _rows(entry: SyncEntry) -> Iterator[dict[str, Any]]:
    """Yield a row for each field that changes; for a SKU that comes or goes, one that says what it is."""
    row = {"key": entry.key, "action": str(entry.action), "reason": entry.reason, "sku": entry.sku_id}
    if entry.action in {SyncAction.UPDATE, SyncAction.CONFLICT} and entry.changes:
        for field, (old, new) in entry.changes.items():
            image = entry.pictures.get(field)
            yield {**row, "field": field, "from": old, "to": new if image is None else image.path}
    else:
        yield {**row, "to": entry.wanted.get("name"), "from": entry.seen.get("name")}
