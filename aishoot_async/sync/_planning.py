"""Making a plan."""

import os
from collections.abc import AsyncIterable, Iterable

from ..session import AIShootSession
from ._item import CatalogItem
from ._plan import Prefer, SyncPlan


async def plan_sync(
    session: AIShootSession,
    catalog: Iterable[CatalogItem] | AsyncIterable[CatalogItem],
    *,
    state: str | os.PathLike[str],
    prune: bool = False,
    max_delete: int | str | None = None,
    prefer: Prefer | None = None,
    force: bool = False,
    settle: float = 10.0,
    patience: float = 1800.0,
) -> SyncPlan:
    """Work out what has to be done."""
    raise NotImplementedError
