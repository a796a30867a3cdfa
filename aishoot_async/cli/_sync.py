"""``aishoot skus sync``."""

from pathlib import Path

from aishoot_async import RequestValidationError
from aishoot_async.sync import SyncPlan, plan_sync, read_catalog

from ._options import Given
from ._signals import ending
from ._sync_apply import apply
from ._sync_options import SyncOptions
from ._sync_plan import show_plan


async def sync(
    catalog: Path | None = None,
    /,
    *,
    options: SyncOptions = SyncOptions(),  # noqa: B008  # frozen
    context: Given,
) -> int:
    """Keep the service's SKUs in step with a catalog; say what would be done.

    With --apply it is done. The same command again goes on where it stood, and
    ends in "nothing to do".

    The catalog is CSV, JSON Lines (.jsonl) or Parquet, with the columns key,
    name, frontImage and, if wanted, backImage, gender, isInWardrobe, projectIds,
    skuCategoryName. A key is your own name of an item, and never changes. An
    image is an identifier, or the path of a picture. What a row leaves out is
    left as it is.

    With --sandbox the service is gone when the command has ended, and the state
    file is of no use then.

    Exit codes: 0 done, 1 failed, 2 a bad catalog, 3 some items failed, 5 there
    are conflicts or unknown outcomes.

    Example: aishoot skus sync catalog.csv --state catalog.state

    Example: aishoot skus sync catalog.csv --state catalog.state --apply

    Example: aishoot skus sync --plan plan.json --apply

    Parameters
    ----------
    catalog
        The catalog file.
    """
    options.check(catalog)
    if options.plan is not None:
        plan = SyncPlan.load(options.plan)
        if not options.apply:
            return show_plan(plan, options, context)
        async with context.session() as session:
            return await apply(session, plan, options, context)
    path = _needed("catalog", catalog, "name a catalog, or a plan with --plan")
    state = _needed("state", options.state, "a catalog needs its state: --state FILE; the first run makes it")
    with ending.blocking():
        items = read_catalog(path)
    async with context.session() as session:
        plan = await plan_sync(
            session,
            items,
            state=state,
            prune=options.prune,
            max_delete=options.max_delete,
            prefer=options.prefer,
            force=options.force,
            settle=options.settle,
            patience=options.patience,
        )
        if options.plan_out is not None:
            plan.save(options.plan_out)
            context.talk.note(f"{options.plan_out} has the plan: skus sync --plan {options.plan_out} --apply does it")
        if not options.apply:
            return show_plan(plan, options, context)
        return await apply(session, plan, options, context)


def _needed(field: str, path: Path | None, problem: str) -> Path:
    if path is None:
        raise RequestValidationError(problem, field=field)
    return path
