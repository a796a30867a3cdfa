"""Pure: whether a plan can be applied: its entries fit together, it fits the state, and the service has not changed."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

from ..errors import RequestValidationError
from ..models import SkuCreate
from ._fields import FIELDS, Fields, desired_fields, has_changed, request_fields
from ._matching import CandidateIndex, FieldVisibility, name_skus
from ._members import shorten
from ._operations import TrackedSku
from ._plan import SyncAction, SyncEntry, SyncPlan

_NEEDS_SKU: Final = frozenset({SyncAction.UPDATE, SyncAction.ADOPT, SyncAction.DELETE, SyncAction.RELEASE})
_OF_THE_CATALOG: Final = frozenset({SyncAction.CREATE, SyncAction.UPDATE, SyncAction.UNCHANGED, SyncAction.ADOPT})
_OF_WHAT_IT_LACKS: Final = frozenset({SyncAction.DELETE, SyncAction.RELEASE})


def entry_problem(entry: SyncEntry) -> str | None:
    """Return what of an entry, which may have been edited by hand, does not fit the rest of it."""
    return _wanted_problem(entry) or _sku_problem(entry) or _action_problem(entry) or _fields_problem(entry)


def _wanted_problem(entry: SyncEntry) -> str | None:
    if not entry.wanted:
        return None
    missing = [field for field in ("name", "front_image") if field not in entry.wanted]
    if missing:
        return f"wanted lacks {missing[0]}"
    try:
        said = desired_fields(SkuCreate(**request_fields(entry.wanted)))
    except RequestValidationError as error:
        return f"wanted: {error}"
    differing = [field for field, value in entry.wanted.items() if said.get(field) != value]
    return f"wanted: {differing[0]} cannot be {shorten(entry.wanted[differing[0]])}" if differing else None


def _sku_problem(entry: SyncEntry) -> str | None:
    action = entry.action
    if action in _NEEDS_SKU and entry.sku_id is None:
        return f"{action} needs a sku_id"
    if action is SyncAction.CREATE and entry.sku_id is not None:
        return "create makes a SKU, and cannot have a sku_id"
    if entry.renamed_from is not None and action is not SyncAction.ADOPT:
        return f"{action} cannot have renamed_from"
    return None


def _action_problem(entry: SyncEntry) -> str | None:
    action = entry.action
    if action in _OF_THE_CATALOG and not entry.wanted:
        return f"{action} needs wanted: what the catalog states"
    if action in _OF_WHAT_IT_LACKS and entry.wanted:
        return f"{action} is for what the catalog does not have any more, and cannot have wanted"
    if action in {SyncAction.CREATE, SyncAction.UPDATE} and not entry.changes:
        return f"{action} needs changes"
    return None


def _fields_problem(entry: SyncEntry) -> str | None:
    for name, fields in (("left", entry.left), ("settled", entry.settled), ("changes", entry.changes)):
        foreign = [field for field in cast("Sequence[str]", fields) if field not in entry.wanted]
        if foreign:
            return f"{name} names {shorten(foreign[0])}, which wanted does not state"
    for field, (_, to) in entry.changes.items():
        if not _is_same(to, entry.wanted[field]):
            return f"the change of {field} says {shorten(to)}, and wanted {shorten(entry.wanted[field])}"
    if entry.action is SyncAction.CREATE and entry.changes.keys() != entry.wanted.keys():
        return "the changes of a create are all that is wanted"
    for field, picture in entry.pictures.items():
        if entry.wanted.get(field) != picture.identifier:
            return f"the picture of {field} is not the one that wanted names"
    return None


def _is_same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # true is no 1


def plan_mismatch(
    plan: SyncPlan, owned: Mapping[str, TrackedSku], keys: Mapping[str, str], lost: Collection[str]
) -> str | None:
    """Return what of a plan cannot have been planned from this state; ``None`` if all can.

    Args:
        plan: the plan, perhaps from a file that was edited.
        owned: the items that have a SKU, by key.
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


def plan_outdated(
    plan: SyncPlan,
    rows: Mapping[str, Fields],
    seen: Mapping[str, int],
    owned: Mapping[str, TrackedSku],
    visibility: FieldVisibility,
    *,
    volatile: Mapping[str, Collection[str]],
) -> str | None:
    """Return what has changed at the service since a plan was made, of what the plan judged; ``None`` if nothing has.

    Args:
        plan: the plan.
        rows: every SKU of the service, by its id.
        seen: the number of the listing that had a SKU first.
        owned: the items that have a SKU, by key.
        visibility: which fields the service shows in a form that can be compared.
        volatile: the fields that a SKU shows differently in each answer, by its id.
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
    candidates = CandidateIndex(new, visibility)
    for entry in plan.entries:
        if entry.action is SyncAction.CREATE:
            item = owned.get(entry.key)
            if item is not None and item.sku_id in rows:
                return f"SKU {item.sku_id} of {entry.key!r}, which would be created anew, is there"
            fitting = candidates.full_matches(entry.wanted)
            if fitting:
                return f"{name_skus(fitting)} is new, and fits {entry.key!r}, which would be created"
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
