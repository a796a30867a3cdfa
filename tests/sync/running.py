"""Short ways to say what a sync is to do."""

from pathlib import Path
from typing import Any

from aishoot_async import SkuCreate
from aishoot_async.sync import CatalogItem, SyncPlan, SyncReport, apply_plan, plan_sync

SETTLE = 0.05


def item(key: str, name: str | None = None, image: str | None = None, **fields: Any) -> CatalogItem:
    return CatalogItem(key, SkuCreate(name=name or f"Item {key}", front_image=image or f"front-{key}", **fields))


def items(*keys: Any) -> list[CatalogItem]:
    return [item(str(key)) for key in keys]


class Syncing:
    """One state file, one session."""

    def __init__(self, session: Any, state: Path, settle: float = SETTLE) -> None:
        self.session, self.state, self.settle = session, state, settle

    async def plan(self, catalog: Any, **options: Any) -> SyncPlan:
        return await plan_sync(
            self.session, catalog, state=self.state, **{"settle": self.settle, "patience": 0, **options}
        )

    async def apply(self, plan: SyncPlan, **options: Any) -> SyncReport:
        return await apply_plan(self.session, plan, **{"settle": self.settle, "patience": 0, **options})

    async def run(self, catalog: Any, **options: Any) -> SyncReport:
        return await self.apply(await self.plan(catalog, **options))


def counts(given: SyncPlan | SyncReport) -> dict[str, int]:
    return {str(name): count for name, count in given.counts.items()}
