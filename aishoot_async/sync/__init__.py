"""A catalog kept in step with the service: plan, apply, never a duplicate, never a loss."""

from ._applying import apply_plan
from ._catalog import CatalogItem
from ._decisions import Decide
from ._images import PlannedPicture
from ._plan import Prefer, SyncAction, SyncEntry, SyncPlan
from ._planning import plan_sync
from ._reading import read_catalog
from ._report import OutcomeKind, SyncOutcome, SyncReport
from ._writing import write_catalog

__all__ = [
    "CatalogItem",
    "Decide",
    "OutcomeKind",
    "PlannedPicture",
    "Prefer",
    "SyncAction",
    "SyncEntry",
    "SyncOutcome",
    "SyncPlan",
    "SyncReport",
    "apply_plan",
    "plan_sync",
    "read_catalog",
    "write_catalog",
]
