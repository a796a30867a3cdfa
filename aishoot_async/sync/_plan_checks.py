"""Pure: whether the parts of a plan's entry fit together. Of one that was edited by hand they may not."""

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from ..errors import RequestValidationError
from ..models import SkuCreate
from ._fields import request_fields, stated
from ._members import shorten
from ._plan import SyncAction, SyncEntry

_NEEDS_SKU: Final = frozenset({SyncAction.UPDATE, SyncAction.ADOPT, SyncAction.DELETE, SyncAction.RELEASE})
_OF_THE_CATALOG: Final = frozenset({SyncAction.CREATE, SyncAction.UPDATE, SyncAction.UNCHANGED, SyncAction.ADOPT})
_OF_WHAT_IT_LACKS: Final = frozenset({SyncAction.DELETE, SyncAction.RELEASE})


def entry_problem(entry: SyncEntry) -> str | None:
    """Say what of an entry does not fit the rest of it; ``None`` where all does."""
    return _wanted_problem(entry) or _sku_problem(entry) or _action_problem(entry) or _fields_problem(entry)


def _wanted_problem(entry: SyncEntry) -> str | None:
    """Say what of the fields that the catalog states could not be stated."""
    if not entry.wanted:
        return None
    missing = [field for field in ("name", "front_image") if field not in entry.wanted]
    if missing:
        return f"wanted lacks {missing[0]}"
    try:
        said = stated(SkuCreate(**request_fields(entry.wanted)))
    except RequestValidationError as error:
        return f"wanted: {error}"
    differing = [field for field, value in entry.wanted.items() if said.get(field) != value]
    return f"wanted: {differing[0]} cannot be {shorten(entry.wanted[differing[0]])}" if differing else None


def _sku_problem(entry: SyncEntry) -> str | None:
    """Say why an action cannot be the entry's, for the SKU that it names."""
    action = entry.action
    if action in _NEEDS_SKU and entry.sku_id is None:
        return f"{action} needs a sku_id"
    if action is SyncAction.CREATE and entry.sku_id is not None:
        return "create makes a SKU, and cannot have a sku_id"
    if entry.renamed_from is not None and action is not SyncAction.ADOPT:
        return f"{action} cannot have renamed_from"
    return None


def _action_problem(entry: SyncEntry) -> str | None:
    """Say why an action cannot be the entry's, for what the catalog states of it."""
    action = entry.action
    if action in _OF_THE_CATALOG and not entry.wanted:
        return f"{action} needs wanted: what the catalog states"
    if action in _OF_WHAT_IT_LACKS and entry.wanted:
        return f"{action} is for what the catalog does not have any more, and cannot have wanted"
    if action in {SyncAction.CREATE, SyncAction.UPDATE} and not entry.changes:
        return f"{action} needs changes"
    return None


def _fields_problem(entry: SyncEntry) -> str | None:
    """Say which fields do not fit together: what is shown would not be what is sent."""
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
