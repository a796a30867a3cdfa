"""A plan as it is shown: what would be done on stdout, and a summary on stderr."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aishoot_async.sync import SyncAction, SyncEntry, SyncPlan

from ._context import Context
from ._failures import DONE, TO_DO, UNKNOWN_OUTCOME
from ._sync_options import SyncOptions
from ._tables import print_data, print_rows
from ._talk import counted

_COLUMNS: Final = ("key", "action", "field", "from", "to", "sku", "reason")
_SAID: Final = {
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


def show_plan(plan: SyncPlan, options: SyncOptions, context: Context) -> int:
    """Show what a plan would do; give the exit code of a run that does not do it."""
    shown = [entry for entry in plan.entries if entry.action is not SyncAction.UNCHANGED]
    # Before anything is printed, of which a reader may have had enough.
    _name_open([entry for entry in shown if entry.action in _OPEN], context)
    if context.json:
        print_data(b"".join(json.dumps(_plain(entry), ensure_ascii=False).encode() + b"\n" for entry in shown))
    elif shown:
        print_rows([row for entry in shown for row in _rows(entry)], _COLUMNS)
    say_plan(plan, context)
    if not plan.is_empty:
        context.talk.note("nothing was done: --apply does it")
    if options.exit_code and not plan.is_empty:
        return TO_DO
    return UNKNOWN_OUTCOME if any(entry.action in _OPEN for entry in shown) else DONE


def say_plan(plan: SyncPlan, context: Context) -> None:
    """Say in a line what a plan holds."""
    fields = Counter(field for entry in plan.entries if entry.action is SyncAction.UPDATE for field in entry.changes)
    named = f" ({', '.join(field for field, _ in fields.most_common())})" if fields else ""
    found = plan.counts
    counts = {action: found[action] for action in _SAID if found[action]}
    parts = [
        f"{_SAID[action].format(f'{count:,}')}{named if action is SyncAction.UPDATE else ''}"
        for action, count in counts.items()
    ]
    is_open = any(action in counts for action in _OPEN)
    idle = "" if not plan.is_empty else "nothing to send: " if is_open else "nothing to do: "
    facts = {str(action): count for action, count in counts.items()}
    context.talk.note(f"{idle}{', '.join(parts) or 'the catalog is empty'}", **facts)
    if plan.left_alone:
        until = "--prune deletes them" if not plan.options.get("prune") else "they stay until the conflicts are decided"
        context.talk.note(
            f"{counted(len(plan.left_alone), 'SKUs are left alone')}, whose key the catalog no longer has; {until}",
            left_alone=len(plan.left_alone),
        )
    if any(entry.candidates for entry in plan.entries):
        context.talk.note(
            "--decide adopt, or --decide create, decides about all that may have a SKU already; --decide KEY=adopt, "
            "KEY=create or KEY=ID about one of them"
        )


def _name_open(entries: Sequence[SyncEntry], context: Context) -> None:
    """Name by its key whatever waits for somebody."""
    for entry in entries:
        kind = "is in conflict" if entry.action is SyncAction.CONFLICT else "is on hold"
        context.talk.warn(f"{entry.key} {kind}: {entry.reason}", key=entry.key, sku_id=entry.sku_id)


def _plain(entry: SyncEntry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "action": str(entry.action),
        "sku_id": entry.sku_id,
        "changes": {field: {"from": old, "to": new} for field, (old, new) in entry.changes.items()},
        "reason": entry.reason,
        "line": entry.line,
    }


def _rows(entry: SyncEntry) -> Iterator[dict[str, Any]]:
    """Give a line for each field that changes; of a SKU that comes or goes, one that says what it is."""
    row = {"key": entry.key, "action": str(entry.action), "reason": entry.reason, "sku": entry.sku_id}
    if entry.action in {SyncAction.UPDATE, SyncAction.CONFLICT} and entry.changes:
        for field, (old, new) in entry.changes.items():
            picture = entry.pictures.get(field)
            yield {**row, "field": field, "from": old, "to": new if picture is None else picture.path}
    else:
        yield {**row, "to": entry.wanted.get("name"), "from": entry.seen.get("name")}
