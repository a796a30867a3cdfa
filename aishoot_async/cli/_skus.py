"""``aishoot skus``."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from aishoot_async import AIShootError, NotFoundError, RequestValidationError, Sku, SkuCreate, SkuUpdate
from aishoot_async.export import lines

from ._bodies import WIRE_FIELDS, Fields
from ._context import Context
from ._failures import DONE, FAILED, PARTLY, USAGE, report
from ._tables import print_data, print_rows

skus = App(name="skus")
Given = Annotated[Context, Parameter(parse=False)]
Ids = Annotated[str, Parameter(allow_leading_hyphen=True)]
Limit = Annotated[int | None, Parameter(name=["--limit", "-n"])]
_COLUMNS: Final = ("id", "name", "gender", "category", "wardrobe", "projects", "front image", "back image")


@skus.command(name="list")
async def list_skus(
    *, project: str | None = None, id_filter: str | None = None, limit: Limit = None, context: Given
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
        if not context.json:
            _print(await pager.collect(limit), context)
            return DONE
        left = limit
        async with pager.pages() as walk:
            async for page in walk:
                print_data(lines(page.raw[:left]))
                left = None if left is None else max(0, left - len(page.raw))
                if left == 0:
                    break
    return DONE


@skus.command(name="global")
async def list_global(*, context: Given) -> int:
    """List the SKUs that are globally available to the organization.

    Example: aishoot --sandbox skus global
    """
    async with context.session() as session:
        _print(await session.skus.list_global(), context)
    return DONE


@skus.command
async def get(*ids: Ids, context: Given) -> int:
    """Print SKUs by their ids.

    Example: aishoot --sandbox skus get sku-0001-0dd6

    Parameters
    ----------
    ids
        The ids; - reads them from stdin, one a line.
    """
    async with context.session() as session:
        found: list[Sku] = []

        async def read(sku_id: str) -> None:
            found.append(await session.skus.get(sku_id))

        code = await _each(_ids(ids), read, context)
        _print(found, context)
    return code


@skus.command
async def create(*, fields: Fields = Fields(), context: Given) -> int:  # noqa: B008  # frozen
    """Create a SKU and print it. A name and a front image are needed.

    Example: aishoot --sandbox skus create --name "Linen dress" --front-image 1f2e3d --category outfit

    Parameters
    ----------
    fields
        What to create.
    """
    wanted = _whole(SkuCreate, fields.named())
    async with context.session() as session:
        _print([await session.skus.create(wanted)], context)
    return DONE


@skus.command
async def update(sku_id: str, /, *, replace: bool = False, fields: Fields = Fields(), context: Given) -> int:  # noqa: B008
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
        msg = "name at least one field to change"
        raise RequestValidationError(msg, field="fields")
    whole = _whole(SkuUpdate, named) if replace else None
    async with context.session() as session:
        changed = await (session.skus.edit(sku_id, **named) if whole is None else session.skus.update(sku_id, whole))
        _print([changed], context)
    return DONE


@skus.command
async def delete(*ids: Ids, yes: Annotated[bool, Parameter(name=["--yes", "-y"])] = False, context: Given) -> int:
    """Delete SKUs by their ids. Asks before it does.

    Example: aishoot --sandbox skus delete sku-0001-0dd6 --yes

    Parameters
    ----------
    ids
        The ids; - reads them from stdin, one a line.
    yes
        Do not ask.
    """
    named = _ids(ids)
    if not yes and not context.confirm(f"Delete {len(named)} SKU{'s' if len(named) != 1 else ''}?"):
        context.talk.error("nothing was deleted", advice="Say --yes to delete without being asked.")
        return USAGE
    async with context.session() as session:
        code = await _each(named, session.skus.delete, context)
    if code == DONE:
        context.talk.note(f"deleted {len(named)}", deleted=len(named))
    return code


def _whole(kind: type[Any], named: dict[str, Any]) -> Any:
    for field, option in (("name", "--name"), ("front_image", "--front-image")):
        if field not in named:
            msg = f"{field} is needed ({option})"
            raise RequestValidationError(msg, field=field)
    return kind(**named)


def _ids(given: Sequence[str]) -> list[str]:
    for name in given:
        if name.startswith("-") and name != "-":
            msg = f"there is no option {name}; ids that begin with a hyphen go through stdin, with - in their place"
            raise RequestValidationError(msg, field="ids")
    named = [line.strip("\r\n") for line in sys.stdin] if list(given) == ["-"] else list(given)
    named = [name for name in dict.fromkeys(named) if name]
    if not named:
        msg = "name at least one id"
        raise RequestValidationError(msg, field="ids")
    return named


async def _each(ids: Iterable[str], work: Any, context: Context) -> int:
    """Do the work for each id; one that fails does not keep the others from it."""
    codes: list[int] = []
    for sku_id in ids:
        try:
            await work(sku_id)
        except (NotFoundError, RequestValidationError) as error:
            codes.append(report(error, context.talk))
        except AIShootError as error:
            if DONE in codes:
                report(error, context.talk)
                return PARTLY
            raise
        else:
            codes.append(DONE)
    failed = [code for code in codes if code != DONE]
    if not failed:
        return DONE
    return PARTLY if len(failed) < len(codes) else failed[0] if len(set(failed)) == 1 else FAILED


def _print(found: Sequence[Sku], context: Context) -> None:
    if context.json:
        print_data(lines([sku.raw or _rendered(sku) for sku in found]))
    else:
        print_rows([_row(sku) for sku in found], _COLUMNS)


def _rendered(sku: Sku) -> bytes:
    """Write a SKU that the service did not send back: what was asked of it."""
    known = {"id": sku.id, **{wire: getattr(sku, field) for wire, field in WIRE_FIELDS.items()}}
    told = {wire: value for wire, value in known.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _row(sku: Sku) -> dict[str, Any]:
    return {
        "id": sku.id,
        "name": sku.name,
        "gender": sku.gender,
        "category": sku.sku_category_name,
        "wardrobe": sku.is_in_wardrobe,
        "projects": ";".join(map(str, sku.project_ids or ())),
        "front image": sku.front_image,
        "back image": sku.back_image,
    }
