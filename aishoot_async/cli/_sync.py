"""``aishoot skus sync``."""

from pathlib import Path

from ._options import Given
from ._sync_options import SyncOptions


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
    from ._sync_run import run_plan, run_sync  # noqa: PLC0415  # what other commands do without

    if options.plan is not None:
        return await run_plan(options.plan, catalog, options, context)
    return await run_sync(catalog, options, context)
