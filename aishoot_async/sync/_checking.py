"""Pure: whether a plan still fits what it was made for. A plan that does not is stale, and nothing of it is done."""

from collections.abc import Collection, Mapping

from ._fields import FIELDS, Fields, has_changed
from ._matching import Fit, Legibility, Shelf, named
from ._operations import Owned
from ._plan import SyncAction, SyncEntry, SyncPlan


def foreign(plan: SyncPlan, owned: Mapping[str, Owned], keys: Mapping[str, str], lost: Collection[str]) -> str | None:
    """Say what of a plan cannot have been planned from this state.

    Args:
        plan: the plan, perhaps from a file that was edited.
        owned: the items that have a SKU, by their keys.
        keys: those keys, by the SKUs' ids.
        lost: the keys of creates of unknown outcome.
    """
    met: set[str] = set()
    adopted: set[str] = set()
    taken_over = [entry.renamed_from for entry in plan.entries if entry.renamed_from is not None]
    for entry in plan.entries:
        if entry.key in met:
            return f"{entry.key!r} is there twice"
        met.add(entry.key)
        item = owned.get(entry.key)
        match entry.action:
            case SyncAction.UPDATE | SyncAction.DELETE | SyncAction.RELEASE:
                is_bad = item is None or item.sku_id != entry.sku_id
            case SyncAction.ADOPT:
                owner = keys.get(entry.sku_id or "")
                is_bad = entry.sku_id is None or owner != entry.renamed_from or entry.sku_id in adopted
                adopted.add(entry.sku_id or "")
            case SyncAction.CREATE:
                is_bad = entry.key in lost
            case _:
                is_bad = False
        if is_bad:
            return f"the state does not allow to {entry.action} {entry.key!r} as SKU {entry.sku_id}"
    for key in taken_over:
        if key in met:
            return f"the SKU of {key!r} would become another item's, and {key!r} is there"
    return None


def outrun(
    plan: SyncPlan,
    rows: Mapping[str, Fields],
    seen: Mapping[str, int],
    owned: Mapping[str, Owned],
    legibility: Legibility,
    *,
    volatile: Mapping[str, Collection[str]],
) -> str | None:
    """Say what has changed at the service, since a plan was made, of what the plan judged.

    Args:
        plan: the plan.
        rows: every SKU of the service, by its id.
        seen: the number of the listing that had a SKU first.
        owned: the items that have a SKU, by their keys.
        legibility: which fields the service shows so that they can be compared.
        volatile: the fields that a SKU shows otherwise in each answer, by its id.
    """
    for entry in plan.entries:
        if entry.action in {SyncAction.UPDATE, SyncAction.ADOPT, SyncAction.DELETE}:
            sku_id = entry.sku_id or ""
            problem = _changed(entry, rows.get(sku_id), volatile.get(sku_id, ()))
            if problem is not None:
                return problem
    taken = {item.sku_id for item in owned.values()}
    taken |= {entry.sku_id for entry in plan.entries if entry.action is SyncAction.ADOPT and entry.sku_id is not None}
    new = {sku_id: row for sku_id, row in rows.items() if seen[sku_id] > plan.listing and sku_id not in taken}
    shelf = Shelf(new, legibility)
    for entry in plan.entries:
        if entry.action is SyncAction.CREATE:
            item = owned.get(entry.key)
            if item is not None and item.sku_id in rows:
                return f"SKU {item.sku_id} of {entry.key!r}, which would be created anew, is there"
            fitting = [sku_id for sku_id, fit in shelf.fits(entry.wanted).items() if fit is Fit.WHOLE]
            if fitting:
                return f"{named(fitting)} is new, and fits {entry.key!r}, which would be created"
    return None


def _changed(entry: SyncEntry, row: Fields | None, volatile: Collection[str]) -> str | None:
    if row is None:
        if entry.action is SyncAction.DELETE:
            return None
        return f"SKU {entry.sku_id} of {entry.key!r} is not there any more"
    judged = FIELDS if entry.action is SyncAction.DELETE else tuple(entry.wanted)
    for field in judged:
        if has_changed(field, entry.seen, row, volatile=volatile):
            return f"{field} of SKU {entry.sku_id} ({entry.key!r}) has changed at the service"
    return None
