"""Where a walk goes on that does not start at the beginning: on a page whose number still means what it meant.

A page's number counts pages of one size. A service may cap sizes otherwise today, or refuse one that it took, and then
the same number names other rows. So a page that is not as long as the cursor says is looked into:

    shorter, and the page before it is full      the last page, as short as it likes
    shorter, where the total says that it ends   the same, without asking
    the page before it is of another length,     the service cuts by that length, whatever it is asked for: the place is
    and the same page comes when that length     found again by counting rows from the beginning, and must prove right
    is asked for
    shorter, and another page comes then         rows were left out after the page was cut: its number is still right
    longer, and nothing of the above, or the     nobody can know: a `PagingError`
    place that was found does not prove right
    the size is refused with 400                 the documented one is asked for, and the place found again as above

Page 1 is taken for the first, which begins where it always did, as long as it is not known that pages count from 0.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn

import attrs

from ..errors import APIStatusError, BadRequestError, Cursor, PagingError
from ._listing import EndpointMemory, Sheet
from ._plan import DOCUMENTED_SIZE, USUAL_SIZE
from ._start import Outcome, find_start

FetchSized = Callable[[int, int], Awaitable[Sheet[Any]]]


@attrs.frozen(kw_only=True)
class Place:
    """Where a walk begins.

    Attributes:
        page: the wire number of the first page to judge.
        offset: how many of its rows an earlier walk has handed out.
        asked: the page size to ask for.
        given: the page size that the service gives then, where it is known.
        read: what has been read from there on, in order.
    """

    page: int
    offset: int = 0
    asked: int
    given: int | None = None
    read: Sequence[Outcome]


async def find_place(fetch: FetchSized, memory: EndpointMemory, start: Cursor, *, named: bool) -> Place:
    """Find where a cursor stands; ``named`` says that its size is the caller's own, and never to be changed.

    Raises:
        AIShootError: as ``fetch`` does.
        PagingError: the service gives another page size than the cursor counts, and the place cannot be found again.
    """
    asked = start.page_size
    try:
        here = await fetch(start.page, asked)
    except BadRequestError:
        if named or asked <= DOCUMENTED_SIZE:
            raise
    else:
        given = await _size_given(fetch, memory, here, asked)
        if given is None or given == asked:
            return Place(page=start.page, offset=start.offset, asked=asked, given=given, read=[here])
        return await _found_again(fetch, memory, start, asked, given)
    found = await _found_again(fetch, memory, start, DOCUMENTED_SIZE, DOCUMENTED_SIZE)
    memory.refuses_100 = memory.refuses_100 or asked == USUAL_SIZE
    return found


async def page_place(fetch: FetchSized, memory: EndpointMemory, number: int, asked: int) -> Place:
    """Begin at a page of that number, and see what size the service gives: cursors and totals count by it.

    Raises:
        AIShootError: as ``fetch`` does.
    """
    here = await fetch(number, asked)
    given = await _size_given(fetch, memory, here, asked)
    return Place(page=number, asked=asked, given=given, read=[here])


async def _size_given(fetch: FetchSized, memory: EndpointMemory, here: Sheet[Any], asked: int) -> int | None:
    """Tell how many rows the service puts on a page; ``None`` where nothing shows it, and nothing depends on it."""
    length = len(here.raws)
    if length in {0, asked} or here.asked == memory.base:
        return asked if length == asked else None
    if length < asked:
        if _ends_by_its_total(memory, here, asked):
            return asked
        if memory.base is None and here.asked <= 1:
            return None
    before = await _page_or_none(fetch, here.asked - 1, asked)
    if before is None or not before.raws:
        return None if length < asked else length
    given = len(before.raws)
    if given == asked or (await fetch(here.asked, given)).fingerprint == here.fingerprint:
        return given
    return max(length, asked)


def _ends_by_its_total(memory: EndpointMemory, here: Sheet[Any], size: int) -> bool:
    bases = (0, 1) if memory.base is None else (memory.base,)
    return here.total in {(here.asked - base) * size + len(here.raws) for base in bases if base < here.asked}


async def _found_again(fetch: FetchSized, memory: EndpointMemory, start: Cursor, asked: int, given: int) -> Place:
    """Count the rows before the cursor, and find the page of the size given now that they end on."""
    first, _ = await find_start(partial(_swapped, fetch, asked), memory)
    if first == 0 and start.page == 1 and given < start.page_size:
        # Page 1 may have been taken for the first when the cursor was made, and its size at its word.
        _give_up(start, given)
    rows = (start.page - first) * start.page_size + start.offset
    pages = max(0, rows - 1) // given  # behind a page's last row, a cursor stays on that page
    there = await fetch(first + pages, asked)
    if len(there.raws) != given and pages > 0:
        before = await fetch(first + pages - 1, asked)
        if len(there.raws) > given or len(before.raws) != given:
            _give_up(start, given)
    return Place(page=first + pages, offset=rows - pages * given, asked=asked, given=given, read=[there])


def _give_up(start: Cursor, given: int) -> NoReturn:
    msg = (
        f"the cursor counts {start.page_size} items a page, and the service now gives {given}: "
        f"what stood on page {start.page} cannot be found again; start anew"
    )
    raise PagingError(msg)


async def _swapped(fetch: FetchSized, size: int, number: int) -> Sheet[Any]:
    return await fetch(number, size)


async def _page_or_none(fetch: FetchSized, number: int, size: int) -> Sheet[Any] | None:
    try:
        return await fetch(number, size)
    except APIStatusError:
        return None
