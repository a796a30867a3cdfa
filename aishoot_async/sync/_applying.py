"""Applying a plan."""

import os
from collections.abc import Callable

from ..session import AIShootSession
from ._plan import SyncPlan
from ._report import SyncOutcome, SyncReport


async def apply_plan(
    session: AIShootSession,
    plan: SyncPlan,
    *,
    state: str | os.PathLike[str] | None = None,
    on_outcome: Callable[[SyncOutcome], object] | None = None,
    settle: float = 10.0,
    patience: float = 1800.0,
) -> SyncReport:
    """Do what the plan says. ``state``: where the state file lies now, should it have moved."""
    raise NotImplementedError
