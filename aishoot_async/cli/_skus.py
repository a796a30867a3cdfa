"""``aishoot skus``."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Generator, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from aishoot_async import AIShootError, AIShootSession, NotFoundError, RequestValidationError, Sku, SkuCreate, SkuUpdate
from aishoot_async.export import ExportProgress, ExportReport, export_skus

from ._context import Context, ContextArg
from ._errors import DONE, FAILED, PARTLY, USAGE, report
from ._exports import ExportOptions, run_export
from ._files import read_ids
from ._options import Limit
from ._output import print_done, print_listing
from ._sku_fields import Fields, print_skus
from ._sync_options import SyncOptions

skus = App(name="skus")
Stdin = Annotated[bool, Parameter(name="-")]


@skus.command(name="list")
async def list_skus(
    *, project: str | None = None, id_filter: str | None = None, limit: Limit = None, context: ContextArg
) -> int:
    """List the organization's SKUs.

    Example: aishoot --sandbox skus list --limit 5

    Parameters
    ----------
    project
        Ask the service for the SKUs of this project only.
    id_filter
        Ask the service for the SKUs whose id fits this.
    limit
        Print so many at most.
    """
    async with context.session() as session:
        pager = session.skus.list(project_filter=project, sku_id_filter=id_filter)
        if context.json:
            await print_listing(pager, limit)
        else:
            print_skus(await pager.collect(limit), context)
    return DONE


@skus.command(name="export")
async def export(
    *, project: str | None = None, id_filter: str | None = None, options: ExportOptions, context: ContextArg
) -> int:
    """Write all SKUs to a file, a folder or an object store, each as the service sent it.

    The same command again goes on where it stood.

    Example: aishoot --sandbox skus export --to skus.jsonl

    Parameters
    ----------
    project
        Ask the service for the SKUs of this project only.
    id_filter
        Ask the service for the SKUs whose id fits this.
    """

    def run(session: AIShootSession, tell: Callable[[ExportProgress], object]) -> Awaitable[ExportReport]:
        return export_skus(
            session, options.to, project_filter=project, sku_id_filter=id_filter, on_progress=tell, **options.chosen()
        )

    return await run_export(context, options, "SKUs", run)


@skus.command(name="global")
async def list_global(*, context: ContextArg) -> int:
    """List the SKUs that are globally available to the organization.

    Example: aishoot --sandbox skus global
    """
    async with context.session() as session:
        print_skus(await session.skus.list_global(), context)
    return DONE


@skus.command
async def get(*ids: str, stdin: Stdin = False, context: ContextArg) -> int:
    """Print SKUs by their ids.

    Example: aishoot --sandbox skus get sku-0001-0dd6

    Parameters
    ----------
    ids
        The ids; behind -- also those that begin with a hyphen.
    stdin
        Read ids from stdin too, one a line.
    """
    named = read_ids(ids, stdin=stdin)
    found: list[Sku] = []
    async with context.session() as session:

        async def read(sku_id: str) -> None:
            found.append(await session.skus.get(sku_id))

        code = await _each(named, read, context)
    if found:
        print_skus(found, context)
    return code


@skus.command
async def create(*, fields: Fields = Fields(), context: ContextArg) -> int:  # noqa: B008  # frozen
    """Create a SKU and print it. A name and a front image are needed.

    Example: aishoot --sandbox skus create --name "Linen dress" --front-image 1f2e3d --category outfit

    Parameters
    ----------
    fields
        What to create.
    """
    wanted = _whole(SkuCreate, fields.named())
    async with context.session() as session:
        with _on_its_way("the create", context):
            made = await session.skus.create(wanted)
        return _print_changed(made, "created", context)


@skus.command
async def update(sku_id: str, /, *, replace: bool = False, fields: Fields = Fields(), context: ContextArg) -> int:  # noqa: B008
    """Change the named fields of a SKU, and print it as it is then.

    Example: aishoot --sandbox skus update sku-0001-0dd6 --name "Merino shirt" --not-in-wardrobe

    Parameters
    ----------
    sku_id
        The SKU's id.
    replace
        Replace it whole, as the API's PUT does: what is not named is reset.
    fields
        What to change.
    """
    named = fields.named()
    if not named:
        raise RequestValidationError("name at least one field to change", field="fields")
    whole = _whole(SkuUpdate, named) if replace else None
    async with context.session() as session:
        with _on_its_way("the update", context):
            changed = await (
                session.skus.edit(sku_id, **named) if whole is None else session.skus.update(sku_id, whole)
            )
        return _print_changed(changed, "updated", context)


@skus.command
async def delete(
    *ids: str,
    stdin: Stdin = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"])] = False,
    context: ContextArg,
) -> int:
    """Delete SKUs by their ids. Asks before it does.

    Example: aishoot --sandbox skus delete sku-0001-0dd6 --yes

    Example: aishoot --json skus list --project 3 | jq -r .id | aishoot skus delete - --yes

    Parameters
    ----------
    ids
        The ids; behind -- also those that begin with a hyphen.
    stdin
        Read ids from stdin too, one a line.
    yes
        Do not ask.
    """
    named = read_ids(ids, stdin=stdin)
    if not yes and not context.confirm(f"Delete {len(named)} SKU{'s' if len(named) != 1 else ''}?"):
        context.console.error("nothing was deleted", advice="Say --yes to delete without being asked.")
        return USAGE
    deleted: list[str] = []
    async with context.session() as session:

        async def remove(sku_id: str) -> None:
            with _on_its_way(f"the deletion of {sku_id}", context):
                await session.skus.delete(sku_id)
            deleted.append(sku_id)

        try:
            return await _each(named, remove, context)
        finally:
            context.console.note(f"deleted {len(deleted)} of {len(named)}", deleted=len(deleted), named=len(named))


@skus.command
async def sync(
    catalog: Path | None = None,
    /,
    *,
    options: SyncOptions = SyncOptions(),  # noqa: B008  # frozen
    context: ContextArg,
) -> int:
    """Keep the service's SKUs in step with a catalog; say what would be done.

    With --apply it is done. The same command again goes on where it stood, and
    ends in "nothing to do".

    The catalog is CSV, JSON Lines (.jsonl) or Parquet, with the columns key,
    name, frontImage and, if wanted, backImage, gender, isInWardrobe, projectIds,
    skuCategoryName. A key is your own name of an item, and never changes. An
    image is an identifier, or the path of a file. What a row leaves out is
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
    from ._sync_plan import run_plan, run_sync  # noqa: PLC0415  # what other commands do without

    if options.plan is not None:
        return await run_plan(options.plan, catalog, options, context)
    return await run_sync(catalog, options, context)


def _whole(kind: type[Any], named: dict[str, Any]) -> Any:
    for field, option in (("name", "--name"), ("front_image", "--front-image")):
        if field not in named:
            raise RequestValidationError(f"{field} is needed ({option})", field=field)
    return kind(**named)


@contextlib.contextmanager
def _on_its_way(what: str, context: Context) -> Generator[None]:
    """Say what nobody can know when a write is interrupted."""
    try:
        yield
    except asyncio.CancelledError:
        context.console.warn(f"{what} was on its way, and may have happened: look with `aishoot skus list`")
        raise


async def _each(ids: Sequence[str], work: Callable[[str], Awaitable[None]], context: Context) -> int:
    """Do the work for each id; one that fails does not keep the others from it, unless it would fail them too."""
    codes: set[int] = set()
    for sku_id in ids:
        try:
            await work(sku_id)
        except (NotFoundError, RequestValidationError) as error:
            codes.add(report(error, context.console))
        except AIShootError as error:
            code = report(error, context.console)
            return PARTLY if DONE in codes else code
        else:
            codes.add(DONE)
    if len(codes) == 1:
        return codes.pop()
    return PARTLY if DONE in codes else FAILED


def _print_changed(sku: Sku, what: str, context: Context) -> int:
    shown = "its JSON" if context.json else "its row"
    return print_done(lambda: print_skus([sku], context), f"{what} SKU {sku.id}", shown, context.console)
