"""Where a walk begins, by its plan: at the first page, at a page by its number, or where a cursor stands."""

from collections.abc import Container
from functools import partial
from typing import Any

import attrs

from ..errors import BadRequestError, Cursor
from ._listing import REFUSED_BEYOND, EndpointMemory, Sheet
from ._place import FetchSized, Place, find_place, page_place
from ._plan import BEGINNING, DOCUMENTED_SIZE, USUAL_SIZE, Plan
from ._start import find_start, probe


async def begin(fetch: FetchSized, memory: EndpointMemory, plan: Plan) -> Place:
    """Read the page to begin with; where only page 0 can tell whether that is the first, `probed` asks for it.

    Raises:
        AIShootError: as ``fetch`` does.
        PagingError: the cursor's place cannot be found again.
    """
    start, size = plan.start, plan.first_size(memory)
    # A strict walk believes nothing that another walk has seen.
    sized = partial(_sized, fetch, memory, is_trusting=not plan.strict)
    if isinstance(start, Cursor) and start.page != BEGINNING:
        return await find_place(fetch, memory, start, named=plan.page_size is not None)
    number = start if isinstance(start, int) else None
    # A size that somebody has named is never changed.
    if plan.page_size is not None or size != USUAL_SIZE:
        return await sized(number, size)
    try:
        # Here, 400 is about the size first.
        return await sized(number, size, REFUSED_BEYOND - {400})
    except BadRequestError:
        place = await sized(number, DOCUMENTED_SIZE)
    # Unless page 1 is refused at any size, as past the end of a list with one page that counts from 0.
    memory.refusals_of_100 += not isinstance(place.read[0], BadRequestError)
    return place


async def probed(fetch: FetchSized, memory: EndpointMemory, place: Place) -> Place:
    """Read what has to be read to know which page is the first.

    Raises:
        AIShootError: as ``fetch`` does.
    """
    start = await probe(partial(_at, fetch, place.asked), memory, place.read)
    return attrs.evolve(place, page=start.page, read=start.read, is_known=True, doubt=start.doubt)


async def _sized(
    fetch: FetchSized,
    memory: EndpointMemory,
    number: int | None,
    size: int,
    beyond: Container[int] = REFUSED_BEYOND,
    *,
    is_trusting: bool,
) -> Place:
    if number is not None:
        return await page_place(fetch, memory, number, size)
    start = await find_start(partial(_at, fetch, size), memory, beyond=beyond, is_trusting=is_trusting)
    return Place(page=start.page, asked=size, read=start.read, is_known=start.is_known)


async def _at(fetch: FetchSized, size: int, number: int) -> Sheet[Any]:
    return await fetch(number, size)
