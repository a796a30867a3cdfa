"""The items of a catalog: what somebody wants the service to have."""

from collections.abc import AsyncIterable, Iterable, Sequence

import attrs

from ..errors import CatalogError
from ..models import SkuCreate
from ._keys import clean_key, key_identity, twin_problem
from ._structure import is_heading


def _key(value: object) -> str:
    key = clean_key(value) if isinstance(value, str) else ""
    if not key:
        problem = f"key must be a string that shows something, not {value!r}"
    elif "\0" in key or any("\ud800" <= character <= "\udfff" for character in key):
        problem = f"key must be text without NUL and lone surrogates, not {value!r}"
    else:
        return key
    raise CatalogError(problem, field="key")


def _sku(_item: object, _field: "attrs.Attribute[SkuCreate]", value: object) -> None:
    if not isinstance(value, SkuCreate):
        raise CatalogError(f"sku must be a SkuCreate, not a {type(value).__name__}", field="sku")


@attrs.frozen
class CatalogItem:
    """What the service should have under a key.

    Attributes:
        key: your own stable name of the item; it never changes, whatever else does. White space and characters that
            show nothing are taken off its ends.
        sku: the SKU's fields. What is left out (`UNSET`) is not the catalog's business: it is never changed. The
            images are identifiers, or paths of pictures.
        line: where a file has it, from 1; ``None`` where there is no file.

    Raises:
        CatalogError: the key or the SKU cannot be one.
    """

    key: str = attrs.field(converter=_key)
    sku: SkuCreate = attrs.field(validator=_sku)
    line: int | None = attrs.field(default=None, kw_only=True)


async def collect(catalog: Iterable[CatalogItem] | AsyncIterable[CatalogItem]) -> Sequence[CatalogItem]:
    """Read a catalog to its end and check it; errors of its iterator pass on.

    Raises:
        CatalogError: it holds something else, a heading, or a key twice.
    """
    items: list[CatalogItem] = []
    if isinstance(catalog, AsyncIterable):
        items = [item async for item in catalog]
    elif isinstance(catalog, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        items.extend(catalog)
    else:
        msg = f"a catalog is an iterable, or an async iterable, of CatalogItem, not a {type(catalog).__name__}"
        raise CatalogError(msg)
    problems: list[CatalogError] = []
    first: dict[str, CatalogItem] = {}
    for number, item in enumerate(items, 1):
        if not isinstance(item, CatalogItem):  # pyright: ignore[reportUnnecessaryIsInstance]
            problems.append(CatalogError(f"item {number} is no CatalogItem, but a {type(item).__name__}"))
        elif is_heading({"key": item.key, "name": item.sku.name, "front_image": item.sku.front_image}):
            problems.append(_problem(item, f"this is a heading, and no item: {item.key!r}"))
        elif (before := first.get(identity := key_identity(item.key))) is not None:
            where = "" if before.line is None else f" in line {before.line}"
            problems.append(_problem(item, f"the {twin_problem(item.key, before.key, where)}", field="key"))
        else:
            first[identity] = item
    if problems:
        raise CatalogError.of(problems)
    return items


def _problem(item: CatalogItem, problem: str, field: str | None = None) -> CatalogError:
    where = "" if item.line is None else f"line {item.line}: "
    return CatalogError(f"{where}{problem}", line=item.line, field=field, key=item.key)
