"""A catalog, taken in whole and checked before anything is done."""

from collections.abc import AsyncIterable, Iterable, Sequence
from pathlib import Path

import attrs

from ..errors import CatalogError, ConfigurationError
from ..session import AIShootSession
from ._fields import IMAGES, stated
from ._images import Picture, is_path, look
from ._item import CatalogItem
from ._keys import key_identity, twin_problem
from ._plan import PlannedPicture
from ._planner import Wish
from ._state import State
from ._structure import is_heading


async def collect(catalog: Iterable[CatalogItem] | AsyncIterable[CatalogItem]) -> Sequence[CatalogItem]:
    """Take in a catalog; what it raises passes on.

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
            problem = f"{_place(item)}this is a heading, and no item: {item.key!r}"
            problems.append(CatalogError(problem, line=item.line, key=item.key))
        elif (before := first.get(identity := key_identity(item.key))) is not None:
            where = "" if before.line is None else f" in line {before.line}"
            problem = f"{_place(item)}the {twin_problem(item.key, before.key, where)}"
            problems.append(CatalogError(problem, line=item.line, field="key", key=item.key))
        else:
            first[identity] = item
    if problems:
        raise CatalogError.of(problems)
    return items


async def wishes(session: AIShootSession, items: Sequence[CatalogItem], state: State) -> Sequence[Wish]:
    """Make items ready to be compared: pictures become identifiers.

    Raises:
        CatalogError: pictures cannot be used; all of them are named.
        ConfigurationError: there are pictures, but no organization that they would belong to.
    """
    found = [Wish(key=item.key, fields=stated(item.sku), line=item.line) for item in items]
    named = [place for wish in found for place in _paths(wish)]
    if not named:
        return found
    _ = session.images.organization
    pictures, problems = await look([path for _, _, path in named], state)
    await state.save_pictures()
    if problems:
        raise CatalogError.of([_bad(wish, field, problems[path]) for wish, field, path in named if path in problems])
    by_key: dict[str, dict[str, Picture]] = {}
    for wish, field, path in named:
        by_key.setdefault(wish.key, {})[field] = pictures[path]
    return [_pictured(wish, by_key[wish.key]) if wish.key in by_key else wish for wish in found]


def _paths(wish: Wish) -> Sequence[tuple[Wish, str, Path]]:
    given = ((field, wish.fields.get(field)) for field in IMAGES)
    return [
        (wish, field, Path(value).absolute()) for field, value in given if isinstance(value, str) and is_path(value)
    ]


def _pictured(wish: Wish, pictures: dict[str, Picture]) -> Wish:
    planned = {
        field: PlannedPicture(
            path=str(picture.path), size=picture.size, mtime_ns=picture.mtime_ns, identifier=picture.identifier
        )
        for field, picture in pictures.items()
    }
    identifiers = {field: picture.identifier for field, picture in pictures.items()}
    return attrs.evolve(wish, fields={**wish.fields, **identifiers}, pictures=planned)


def _bad(wish: Wish, field: str, problem: str) -> CatalogError:
    where = f"line {wish.line}: " if wish.line is not None else ""
    return CatalogError(f"{where}{field} of {wish.key!r}: {problem}", line=wish.line, field=field, key=wish.key)


def _place(item: CatalogItem) -> str:
    return "" if item.line is None else f"line {item.line}: "


def organization_of(session: AIShootSession) -> str | None:
    """Give the session's organization, where one is named."""
    try:
        return session.images.organization
    except ConfigurationError:
        return None
