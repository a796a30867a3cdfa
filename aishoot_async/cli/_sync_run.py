"""What ``skus sync`` does: read, compare, and show or apply."""

from collections.abc import Iterator
from pathlib import Path

from aishoot_async import RequestValidationError
from aishoot_async.sync import CatalogItem, SyncPlan, plan_sync, read_catalog

from ._context import Context
from ._outputs import check_pictures
from ._signals import ending
from ._sync_apply import apply
from ._sync_options import SyncOptions
from ._sync_plan import show_plan


async def run_plan(path: Path, catalog: Path | None, options: SyncOptions, context: Context) -> int:
    """Show or apply a plan that was made before."""
    plan = SyncPlan.load(path)
    pictures = [picture.path for entry in plan.entries for picture in entry.pictures.values()]
    check_pictures(options.outputs, pictures)
    if catalog is not None:
        with ending.blocking():
            plan.check_catalog(read_catalog(catalog))
    if not options.apply:
        return show_plan(plan, options, context)
    async with context.session() as session:
        return await apply(session, plan, options, context)


async def run_sync(catalog: Path | None, options: SyncOptions, context: Context) -> int:
    """Make a plan, and show or apply it."""
    path = _needed("catalog", catalog, "name a catalog, or a plan with --plan")
    state = _needed("state", options.state, "a catalog needs its state: --state FILE; the first run makes it")
    with ending.blocking():
        items = read_catalog(path)
    check_pictures(options.outputs, [image for item in items for image in _images(item)])
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
            context.talk.note(f"{options.plan_out} has the plan: skus sync --plan {options.plan_out} --apply does it")
        if not options.apply:
            return show_plan(plan, options, context)
        return await apply(session, plan, options, context)


def _images(item: CatalogItem) -> Iterator[str]:
    """Give what may be the path of a picture."""
    for image in (item.sku.front_image, item.sku.back_image):
        if isinstance(image, str):
            yield image


def _needed(field: str, path: Path | None, problem: str) -> Path:
    if path is None:
        raise RequestValidationError(problem, field=field)
    return path
