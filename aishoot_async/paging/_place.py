"""Where a walk goes on that does not start at the beginning: on a page whose number still means what it meant.

A page's number counts pages of one size. A service may cap sizes otherwise today, or refuse one that it took, and then
the same number names other rows. So a page that is not as long as the cursor says is looked into:

    it is the first                              it begins where it always did; but if the cursor stands behind its end,
                                                 the place is found again, as below
    shorter, and the page before it is full      the last page, as short as it likes; the page before need not be asked
                                                 for where a total says the same and nothing follows
    there is no such page, and the first one     pages have become longer: the place is found again, as below
    is longer
    the page before it is of another length,     the service cuts by that length, whatever it is asked for: the place is
    and the same page comes when that length     found again by counting rows from the beginning, and must prove right
    is asked for
    shorter, and another page comes then         rows were left out after the page was cut: its number is still right
    longer, and nothing of the above, or the     nobody can know: a `PagingError`
    place that was found does not prove right
    the size is refused with 400                 the documented one is asked for, and the place found again as above

A page that is as long as the cursor says is believed: without a total to contradict, until it proves to be the last.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import attrs

from ..errors import APIStatusError, BadRequestError, Cursor, NotFoundError, PagingError
from ._listing import REFUSED_BEYOND, EndpointMemory, Sheet
from ._plan import DOCUMENTED_SIZE, USUAL_SIZE
from ._start import Outcome, find_start, probe

FetchSized = Callable[[int, int], Awaitable[Sheet[Any]]]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Place:
    """Where a walk begins.

    Attributes:
        page: the wire number of the first page to judge.
        offset: how many of its rows an earlier walk has handed out.
        asked: the page size to ask for.
        given: the page size that the service gives then, where it is known.
        read: what has been read from there on, in order.
        before: the page that must be as long as the size given, should the first page be the last, too.
        is_known: whether the list begins there; else page 0 is still to be asked for.
        doubt: why it may begin at page 0 after all; see `Start`.
    """

    page: int
    offset: int = 0
    asked: int
    given: int | None = None
    read: Sequence[Outcome]
    before: int | None = None
    is_known: bool = True
    doubt: str | None = None


async def find_place(fetch: FetchSized, memory: EndpointMemory, start: Cursor, *, named: bool) -> Place:
    """Find where a cursor stands; ``named`` says that its size is the caller's own, and never to be changed.

    Raises:
        AIShootError: as ``fetch`` does.
        PagingError: the service gives another page size than the cursor counts, and the place cannot be found again.
    """
    search = _Search(fetch, memory, start.page_size)
    try:
        here = await search.page(start.page)
    except BadRequestError:
        if named or start.page_size <= DOCUMENTED_SIZE:
            raise
    except NotFoundError:
        given = await search.longer()
        if given is None:
            raise
        return await _found_again(search, start, given)
    else:
        return await _place_of(search, start, here)
    found = await _found_again(_Search(fetch, memory, DOCUMENTED_SIZE), start, DOCUMENTED_SIZE)
    memory.refusals_of_100 += start.page_size == USUAL_SIZE
    return found


async def page_place(fetch: FetchSized, memory: EndpointMemory, number: int, asked: int) -> Place:
    """Begin at a page of that number, and see what size the service gives: cursors and totals count by it.

    Raises:
        AIShootError: as ``fetch`` does.
    """
    search = _Search(fetch, memory, asked)
    here = await search.page(number)
    # Page 1 is taken for the first here: a start by number is no reason to ask for page 0.
    is_first = memory.base is None and number <= 1
    given = None if is_first else await search.size_given(here)
    return Place(page=number, asked=asked, given=given, read=search.read_from(number))


async def _place_of(search: "_Search", start: Cursor, here: Sheet[Any]) -> Place:
    length, asked = len(here.raws), start.page_size
    given = await search.size_given(here) if length > 0 else await search.longer()
    if given is not None and given != asked:
        return await _found_again(search, start, given)
    if given is None and 0 < length < start.offset:
        try:
            return await _found_again(search, start, length)
        except PagingError:
            pass  # the list itself has become shorter, then
        except APIStatusError as error:
            if error.status not in REFUSED_BEYOND:
                raise
    is_believed = length == asked and here.total in {None, length} and start.page > 0
    return Place(
        page=start.page,
        offset=start.offset,
        asked=asked,
        given=given,
        read=search.read_from(start.page),
        before=start.page - 1 if is_believed and start.page != search.memory.base else None,
    )


async def _found_again(search: "_Search", start: Cursor, given: int) -> Place:
    """Count the rows before the cursor, and find the page of the size given now that they end on."""
    first = await search.first()
    if first == 0 and start.page == 1 and given < start.page_size:
        # Page 1 may have been taken for the first when the cursor was made, and its size at its word.
        _give_up(start, given)
    rows = (start.page - first) * start.page_size + start.offset
    if rows < 0:
        # The cursor is from when the service counted from 0.
        _give_up(start, given)
    pages = max(0, rows - 1) // given  # behind a page's last row, a cursor stays on that page
    page, offset = first + pages, rows - pages * given
    there = await search.page(page)
    if len(there.raws) != given and pages > 0:
        before = await search.page(page - 1)
        if not offset <= len(there.raws) <= given == len(before.raws):
            _give_up(start, given)
    return Place(page=page, offset=offset, asked=search.asked, given=given, read=search.read_from(page))


def _give_up(start: Cursor, given: int) -> NoReturn:
    msg = (
        f"the cursor counts {start.page_size} items a page, and the service now gives {given}: "
        f"what stood on page {start.page} cannot be found again; start anew"
    )
    raise PagingError(msg)


class _Search:
    """Reads pages here and there, each of them once."""

    def __init__(self, fetch: FetchSized, memory: EndpointMemory, asked: int) -> None:
        self.memory = memory
        self.asked = asked
        self._fetch = fetch
        self._seen: dict[tuple[int, int], Outcome] = {}

    async def outcome(self, number: int, size: int | None = None) -> Outcome:
        key = (number, size or self.asked)
        if key not in self._seen:
            try:
                self._seen[key] = await self._fetch(*key)
            except APIStatusError as error:
                if error.status not in REFUSED_BEYOND:
                    raise  # it says nothing of the page
                self._seen[key] = error
        return self._seen[key]

    async def page(self, number: int, size: int | None = None) -> Sheet[Any]:
        found = await self.outcome(number, size)
        if isinstance(found, APIStatusError):
            raise found
        return found

    def read_from(self, number: int) -> list[Outcome]:
        """Give what has been read from that page on, without a gap."""
        read: list[Outcome] = []
        while (key := (number + len(read), self.asked)) in self._seen:
            read.append(self._seen[key])
        return read

    async def first(self) -> int:
        if self.memory.base is not None:
            return self.memory.base
        start = await find_start(self._page_or_zero, self.memory)
        if not start.is_known:
            start = await probe(self._page_or_zero, self.memory, start.read)
        if start.doubt is not None:
            raise PagingError(start.doubt)
        return start.page

    async def _page_or_zero(self, number: int) -> Sheet[Any]:
        """Read a page; page 0 anew where it had no rows, as it is asked for twice."""
        seen = self._seen.get((number, self.asked))
        if number == 0 and not (isinstance(seen, Sheet) and seen.raws):
            self._seen.pop((number, self.asked), None)
        return await self.page(number)

    async def longer(self) -> int | None:
        """Give the length of the first page, if it is longer than is asked for."""
        length = len((await self.page(await self.first())).raws)
        return length if length > self.asked else None

    async def size_given(self, here: Sheet[Any]) -> int | None:
        """Tell how many rows the service puts on a page; ``None`` where nothing shows it, and nothing depends on it."""
        length, number, asked = len(here.raws), here.asked, self.asked
        if length in {0, asked}:
            return length or None
        # It takes no requests to know, or one: only page 1 can be the first while the base is not known.
        if number == 0 or (number == 1 and await self.first() == 1) or number == self.memory.base:
            return None
        if length < asked and await self._ends(here):
            return asked
        # There is such a page, as there is one behind it: an error in its place proves nothing.
        before = await self.page(number - 1)
        if not before.raws:
            return None if length < asked else length
        given = len(before.raws)
        if given == asked or (await self.page(number, given)).fingerprint == here.fingerprint:
            return given
        return max(length, asked)

    async def _ends(self, here: Sheet[Any]) -> bool:
        """Tell whether all that a total promises stands before the end of this page, and nothing behind it."""
        base = self.memory.base
        if base is None or here.total != (here.asked - base) * self.asked + len(here.raws):
            return False
        after = await self.outcome(here.asked + 1)
        return not isinstance(after, Sheet) or not after.raws
