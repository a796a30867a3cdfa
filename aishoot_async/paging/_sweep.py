"""One pass over the pages of a listing, in order, to its end: the machine that walks stand on."""

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import attrs

from ..errors import (
    APIStatusError,
    BadRequestError,
    Cursor,
    DriftError,
    NotFoundError,
    PagingError,
    PagingLoopError,
    SessionClosedError,
    UnprocessableError,
    UnstableListingError,
)
from ._aside import Aside
from ._begin import begin, probed
from ._ending import Ending, Verdict, is_unclear
from ._growth import GrowthDetector
from ._listing import Listing, Sheet
from ._lookahead import Lookahead
from ._place import FetchSized, Place
from ._plan import BEGINNING, Plan
from ._recent import Recent
from ._source import Source
from ._start import UNCLEAR, Outcome, is_unclear_start, page_zero, pages_implied

T = TypeVar("T")
logger: Final = logging.getLogger("aishoot_async.paging")
_WINDOW_AT_LEAST: Final = 16
_FAR_BEYOND: Final = 1_000_000
"""Pages; small enough for the service to count the rows before them."""


class Sweep(Source[T]):
    """Gives the pages of a listing as they come."""

    def __init__(self, listing: Listing[T], plan: Plan) -> None:
        """Request nothing yet."""
        super().__init__(plan.first_size(listing.memory))
        self._listing = listing
        self._plan = plan
        self._fetch_sized = partial(listing.fetch, options=plan.call_options)
        self._aside = Aside(listing.caller.lifecycle)
        self._read: deque[Outcome] = deque()
        self._start_doubt: str | None = None
        self._size_is_known = False
        self._size_given: int | None = None
        self._head: Outcome | None = None
        self._ahead: Lookahead[Callable[[], Sheet[T]]] | None = None
        self._ending: Ending | None = None
        self._number = 0
        self._ramp = 2
        self._last = False
        self._offset = 0
        self._first = 0
        self._unproven: int | None = None
        self._told = False
        # Its number and what tells it from others; not the page itself, whose items are let go of one by one.
        self._latest: tuple[int, Hashable] | None = None
        # As far back as the window can have shifted.
        self._window_pages = max(2 * plan.prefetch, _WINDOW_AT_LEAST)
        self._recent = Recent(self._window_pages)
        self._growth = GrowthDetector()
        self.doubt: str | None = None
        """What speaks against all rows having been given."""

    def _is_sound(self) -> bool:
        return self.doubt is None

    @property
    def hole(self) -> Cursor | None:
        """See `Source.hole`."""
        ending = self._ending
        return None if ending is None or ending.hole is None else Cursor(ending.hole, 0, ending.page_size)

    async def _stop(self) -> None:
        await self._aside.stop()
        if self._ahead is not None:
            await self._ahead.stop()

    def abandon(self) -> None:
        """End the walk from wherever the garbage collector runs."""
        self._aside.abandon()
        if self._ahead is not None:
            self._ahead.abandon()

    async def _next(self) -> Sheet[T] | None:
        try:
            return await self._next_page()
        except PagingError:
            # What does not add up may be where the list was thought to begin.
            self._listing.memory.base = None
            raise

    async def _next_page(self) -> Sheet[T] | None:
        if self._ending is None:
            self._ending = await self._begin()
            self._aside.forget()
        ending = self._ending
        while not self._last and not self.finished:
            outcome, verdict = await self._judged(ending)
            self.report.expected_total = ending.total
            self.report.page_size = ending.page_size
            if ending.total_is_wrong:
                self._listing.memory.has_totals = False
            if ending.total_changed and not self.report.total_changed:
                self.report.total_changed = True
                self.drifted("the service's total has changed")
            self._last = verdict is Verdict.GIVE_LAST or verdict is Verdict.END
            if outcome is not None and (verdict is Verdict.GIVE or verdict is Verdict.GIVE_LAST):
                self._note_duplicates(outcome)
                self._check_growth(outcome, ending)
                if outcome.asked == self._first:
                    return attrs.evolve(outcome, skip=self._offset)
                self._unproven = None
                return outcome
        if not self.finished:
            await self._check_end(ending)
        return None

    async def _check_end(self, ending: Ending) -> None:
        """Look at what can be judged only now: where the list begins, and whether its pages were of one size.

        Raises:
            AIShootError: the page before the first one cannot be read.
            PagingError: it shows that items may be missing.
        """
        if self._unproven is not None:
            await self._prove(self._unproven)
        if self._start_doubt is not None:
            if ending.total_is_shown:
                self._listing.memory.base = self._first
            else:
                self._object(f"may lack rows: {self._start_doubt}", PagingError)
        if ending.doubt is not None:
            self._object(f"may lack rows: {ending.doubt}", PagingError)
        if ending.inconsistency is not None:
            self.drifted(ending.inconsistency)
        if ending.total_is_shown:
            self._listing.memory.has_totals = True

    async def _begin(self) -> Ending:
        """Read the first page, and what had to be read to know that it is the first."""
        memory, start = self._listing.memory, self._plan.start
        place = await self._found()
        from_the_beginning = start is None or (isinstance(start, Cursor) and start.page == BEGINNING)
        self._check_place(place)
        self.size, self._first, self._offset, self._unproven = place.asked, place.page, place.offset, place.before
        self._read.extend(place.read)
        self._number = place.page
        self._start_doubt, self._size_given = place.doubt, place.given
        self._ahead = self._ahead or self._behind(place)
        self.report.page_base = place.page if from_the_beginning else memory.base
        return Ending(
            first=place.page,
            asked=self.size,
            longest=memory.longest.get(self.size, 0),
            before=self._pages_before(place, from_the_beginning=from_the_beginning),
            size=place.given,
            has_totals=memory.has_totals,
        )

    async def _found(self) -> Place:
        memory, plan, fetch = self._listing.memory, self._plan, self._fetch_sized
        place: Place = await self._aside.run("begin", lambda: begin(fetch, memory, plan))
        return place if place.is_known else await self._probed(place)

    async def _probed(self, place: Place) -> Place:
        """Ask for page 0, and meanwhile for the pages that follow page 1 whether or not it is the first."""
        if self.finished:
            msg = "the walk was closed while its first page was on its way"
            raise SessionClosedError(msg)
        memory, fetch = self._listing.memory, self._fetch_sized
        # Pages 0 and 1 are in the window, too.
        ahead = min(pages_implied(place.read[0], place.asked), self._plan.prefetch - 2)
        if ahead > 0:
            self._ahead = self._ahead or self._behind(place)
            self._ahead.fill(ahead)
            fetch = partial(_fetch_or_take, fetch, self._ahead)
        return await self._aside.run("probe", lambda: probed(fetch, memory, place))

    def _behind(self, place: Place) -> Lookahead[Callable[[], Sheet[T]]]:
        return Lookahead(self._listing.caller.lifecycle, self._asker(place.asked), place.page + len(place.read))

    def _pages_before(self, place: Place, *, from_the_beginning: bool) -> Sequence[int]:
        """Return how many pages may stand before the first one read."""
        if from_the_beginning:
            return [0] if place.doubt is None else [0, 1]
        base = self._listing.memory.base
        return [max(0, place.page - each) for each in ((0, 1) if base is None else (base,))]

    def _check_place(self, place: Place) -> None:
        first = place.read[0]
        if isinstance(first, Sheet) and len(first.raws) < place.offset:
            self.drifted(f"page {place.page} is shorter than where the cursor stands in it")

    async def _prove(self, before: int) -> None:
        """See whether the page before the only one is as long as that, or this one was only the end of a longer page.

        Raises:
            APIStatusError: it cannot be read, which proves nothing.
            PagingError: it is not.
        """
        if before > 0:
            length = len((await self._fetch("prove", before)).raws)
        else:
            fetch, size = self._fetch_sized, self.size
            zero = await self._aside.run("prove", lambda: page_zero(lambda number: fetch(number, size)))
            if isinstance(zero, APIStatusError):
                if is_unclear_start(zero):
                    self._start_doubt = UNCLEAR
                return
            length = len(zero.raws)
        if length not in {0, self.size}:
            msg = f"the cursor counts {self.size} items a page, and page {before} has {length}: items may be missing"
            raise PagingError(msg)

    def _asker(self, size: int) -> Callable[[int], Coroutine[Any, Any, Callable[[], Sheet[T]]]]:
        ask, options = self._listing.ask, self._plan.call_options  # not self: see Lookahead
        return lambda number: ask(number, size, options)

    async def _judged(self, ending: Ending) -> tuple[Sheet[T] | None, Verdict]:
        outcome: Sheet[T] | None
        # The head is dropped only once it is judged, so that a cancelled caller finds it again.
        if self._head is None:
            self._head = self._read.popleft() if self._read else await self._take(ending)
        if isinstance(self._head, Sheet):
            outcome, verdict = await self._judged_sheet(ending, self._head)
        else:
            outcome, verdict = await self._judged_refusal(ending, self._head)
        if outcome is not None:
            self._latest = (outcome.asked, outcome.fingerprint)
        self._head = None
        if self._aside.tasks:
            self._aside.forget()
        self._number += 1
        return outcome, verdict

    async def _judged_sheet(self, ending: Ending, sheet: Sheet[T]) -> tuple[Sheet[T], Verdict]:
        if not self._size_is_known:
            await self._find_size(ending, sheet)
        verdict = ending.see(sheet)
        if verdict is Verdict.PEEK:
            if not self._read:
                # A window of 1: most lists end here, and no page more should be asked for.
                self._read.append(await self._take(ending, (1, 0)))
            after = self._read[0]
            is_usual = isinstance(after, APIStatusError) and await self._is_usual_beyond(after)
            verdict = ending.beyond(after, is_usual=is_usual)
        if verdict is Verdict.AGAIN:
            sheet = await self._fetch("again", self._number)
            await self._find_size(ending, sheet)
            verdict = ending.see(sheet, again=True)
        return sheet, verdict

    async def _find_size(self, ending: Ending, sheet: Sheet[T]) -> None:
        """Find out by which size pages are cut where the one before this is not as long as was asked for.

        A service may have a largest size, or leave rows out of a page after it has cut it. A cursor's page number means
        the same rows only with the size that pages are cut by.
        """
        length = ending.latest_length
        if self._size_is_known or not sheet.raws:
            return
        if self._latest is None or not length or sheet.fingerprint == self._latest[1]:
            return  # it is the first, or the last one again
        if length not in {self.size, self._size_given}:
            if self._ahead is not None:
                await self._ahead.rest()
            # Asked twice, as one odd answer would put a cursor on other rows.
            differs = await self._is_cut_otherwise("size", sheet, length)
            ending.hides_rows = differs and await self._is_cut_otherwise("size again", sheet, length)
        self._size_is_known = True

    async def _is_cut_otherwise(self, name: str, sheet: Sheet[T], length: int) -> bool:
        """Tell whether another page comes, or none, when pages of that length are asked for."""
        fetch, number = self._fetch_sized, sheet.asked
        try:
            same = await self._aside.run(name, lambda: fetch(number, length))
        except (BadRequestError, UnprocessableError):
            return True  # as far as can be known
        return same.fingerprint != sheet.fingerprint

    async def _judged_refusal(self, ending: Ending, error: APIStatusError) -> tuple[Sheet[T] | None, Verdict]:
        verdict = ending.refused(self._number, error)
        if verdict is Verdict.CHECK:
            unchanged = (
                not is_unclear(error) or await self._is_usual_beyond(error)
            ) and await self._latest_is_unchanged()
            verdict = ending.refused(self._number, error, unchanged=unchanged)
        if verdict is not Verdict.AGAIN:
            return None, verdict
        try:
            sheet = await self._fetch("again", self._number)
        except APIStatusError as same:
            return None, ending.refused(self._number, same, unchanged=same.status == error.status, again=True)
        await self._find_size(ending, sheet)
        return sheet, ending.see(sheet, again=True)

    async def _fetch(self, name: str, number: int) -> Sheet[T]:
        fetch, size = self._fetch_sized, self.size
        return await self._aside.run(name, lambda: fetch(number, size))

    async def _take(self, ending: Ending, windows: tuple[int, int] | None = None) -> Outcome:
        if self._ahead is None:
            msg = "a page is taken before the first"
            raise AssertionError(msg)
        try:
            unread = await self._ahead.take(*(windows or self._windows(ending)))
        except APIStatusError as error:
            return error
        self._ramp = min(2 * self._ramp, self._plan.prefetch)
        return unread()

    def _windows(self, ending: Ending) -> tuple[int, int]:
        """Give how many pages are to be in flight or ready now, and how many once the next has been handed on."""
        implied, most = ending.pages_ahead(), self._plan.prefetch
        if implied is None:
            # Without a total, ramp up: a brief of one page must not cost a whole window.
            return min(self._ramp, most), 0
        # Strictly one after the other, where that is wanted.
        return max(1, min(implied, most)), 0 if most == 1 else min(implied - 1, most)

    async def _is_usual_beyond(self, error: APIStatusError) -> bool:
        """Tell whether the service refuses every page beyond the end like this: also one that no list has."""
        fetch, number, size = self._fetch_sized, self._number + _FAR_BEYOND, self.size
        if not is_unclear(error):
            return False
        try:
            await self._aside.run("far", lambda: fetch(number, size))
        except APIStatusError as far:
            return far.status == error.status
        return False

    async def _latest_is_unchanged(self) -> bool:
        if self._latest is None:
            return False
        asked, mark = self._latest
        try:
            sheet = await self._fetch("check", asked)
        except NotFoundError:
            return False
        return sheet.fingerprint == mark

    def _note_duplicates(self, sheet: Sheet[T]) -> None:
        twice = self._recent.note(sheet.ids)
        if self._recent.stale > self._window_pages:
            msg = f"the {self._recent.stale} pages up to page {sheet.asked} have held nothing but rows given before"
            raise PagingLoopError(msg)
        if twice:
            self.report.duplicates += twice
            self.drifted(f"{twice} items of page {sheet.asked} have been given before")

    def _check_growth(self, sheet: Sheet[T], ending: Ending) -> None:
        problem = self._growth.on_page(len(sheet.raws), ending.rows_left)
        if problem is not None:
            msg = f"{problem}. A walk from the error's cursor goes on behind what was read"
            raise UnstableListingError(msg)

    def drifted(self, what: str) -> None:
        """Take note that the listing changed under the walk: say so as the plan wants it.

        Raises:
            DriftError: the plan wants that.
        """
        self._object(f"changed while it was walked ({what})", DriftError)

    def _object(self, what: str, error: type[PagingError]) -> None:
        """Take note of what speaks against all rows having been given: say so as the plan wants it.

        Raises:
            PagingError: the plan wants that; of the type that is given.
        """
        self.doubt = self.doubt or what
        if self._plan.on_drift == "raise":
            msg = f"the listing {what}"
            raise error(msg)
        if self._plan.on_drift == "warn" and not self._told:
            self._told = True
            logger.warning("%s %s; rows may be missing", self._listing.path, what)


async def _fetch_or_take(
    fetch: FetchSized, ahead: Lookahead[Callable[[], Sheet[Any]]], number: int, size: int
) -> Sheet[Any]:
    """Fetch a page, but for the one behind page 1, which is on its way."""
    return (await ahead.take(1, 0))() if number > 1 else await fetch(number, size)
