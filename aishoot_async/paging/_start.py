"""Where a list begins: page 1, as the API's samples have it, or page 0, which would be lost in silence.

Asked once for an endpoint and session. A row is given only when that is settled.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ..errors import APIStatusError, NotFoundError, ServerError
from ._listing import EndpointMemory, Sheet

Outcome = Sheet[Any] | APIStatusError
Fetch = Callable[[int], Awaitable[Sheet[Any]]]

_REFUSED: Final = frozenset({400, 404, 405, 416, 422})


async def find_start(fetch: Fetch, memory: EndpointMemory) -> tuple[int, list[Outcome]]:
    """Find the first page, with as few requests as can tell.

    Returns:
        The first page's number on the wire, and what has been read from there on, in order.

    Raises:
        AIShootError: as ``fetch`` does.
    """
    if memory.base is not None:
        return memory.base, [await fetch(memory.base)]
    one: Outcome
    try:
        one = await fetch(1)
    except NotFoundError as error:
        one = error  # a server that counts from 0 may say so of a list with one page
    read: list[Outcome] = [one]
    if isinstance(one, Sheet) and one.raws:
        if _says_first(one):
            memory.base = 1
            return 1, read
        if one.total == len(one.raws) and not one.last:
            # Everything seems to stand on this page. One page more shows the end, and whether the total is one.
            two = await _try(fetch, 2)
            read.append(two)
            if (
                isinstance(two, APIStatusError)
                or two.raws == one.raws
                or (not two.raws and two.total in {None, one.total})
            ):
                memory.base = 1
                return 1, read
    zero = await _try(fetch, 0)
    if isinstance(zero, Sheet) and zero.raws and not (isinstance(one, Sheet) and _overlap(zero, one)):
        memory.base = 0
        return 0, [zero, *read]
    if isinstance(one, APIStatusError):
        raise one
    if one.raws:
        memory.base = 1
    return 1, read


def _says_first(one: Sheet[Any]) -> bool:
    """Tell whether page 1 shows by itself that there is no page 0."""
    return one.number == 0 or (one.pages == 1 and one.total == len(one.raws))


async def _try(fetch: Fetch, number: int) -> Outcome:
    try:
        return await fetch(number)
    except APIStatusError as error:
        if error.status in _REFUSED or isinstance(error, ServerError):
            return error
        raise


def _overlap(zero: Sheet[Any], one: Sheet[Any]) -> bool:
    """Tell whether both are the same page: rows may have come or gone between the two requests."""
    common = len(set(zero.keys) & set(one.keys))
    return 2 * common >= min(len(zero.raws), len(one.raws)) > 0
