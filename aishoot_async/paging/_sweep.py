"""One pass over the pages of a listing, in order, to its end: the machine that walks stand on."""

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Generic, TypeVar

from ..errors import APIStatusError, BadRequestError, Cursor, DriftError, NotFoundError
from ..models import PagingReport
from ._ending import Ending, Verdict
from ._listing import Listing, Sheet
from ._lookahead import Lookahead
from ._plan import BEGINNING, DOCUMENTED_SIZE, USUAL_SIZE, Plan
from ._start import Outcome, find_start

T = TypeVar("T")
logger: Final = logging.getLogger("aishoot_async.paging")


class Sweep(Generic[T]):
    """Gives the pages of a listing one by one, until its end or an error; then nothing more."""

    def __init__(self, listing: Listing[T], plan: Plan) -> None:
        """Request nothing yet."""
        self._listing = listing
        self._plan = plan
        self._read: deque[Outcome] = deque()
        self._head: Outcome | None = None
        self._ahead: Lookahead[Sheet[T]] | None = None
        self._ending: Ending | None = None
        self._number = 0
        self._ramp = 2
        self._last = False
        self._unsure = False
        self._told = False
        self._latest_rows: Sequence[bytes] = ()
        self._latest_number = 0
        self._recent: deque[frozenset[str]] = deque(maxlen=2 * plan.prefetch)
        self._failure: Exception | None = None
        self.size = self._first_size()
        self.finished = False
        self.report = PagingReport()

    def _first_size(self) -> int:
        if isinstance(self._plan.start, Cursor):
            return self._plan.start.page_size
        if self._plan.page_size is not None:
            return self._plan.page_size
        return DOCUMENTED_SIZE if self._listing.memory.refuses_100 else USUAL_SIZE

    async def next(self) -> Sheet[T] | None:
        """Give the next page that has something on it; ``None`` at the end.

        A caller that is cancelled here loses nothing: the next call gives the same page.

        Raises:
            AIShootError: the walk cannot go on; it has ended.
        """
        if not self.finished:
            try:
                sheet = await self._next()
            except Exception as error:  # noqa: BLE001  # raised below
                self._end(failure=error)
            else:
                if sheet is not None and not self.finished:
                    return sheet
                self._end()
        await self.aclose()
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback holds this frame
        return None

    def _end(self, failure: Exception | None = None) -> None:
        # Noted before anything is waited for: a caller that is cancelled there finds the same end in its next call.
        if not self.finished:  # else `aclose` was called by another task, which knows that there is more
            self.finished = True
            self._failure = failure
            self.report.complete = failure is None and not self._unsure

    async def aclose(self) -> None:
        """End the walk: cancel what is on its way, and wait until it has ended."""
        self.finished = True
        if self._ahead is not None:
            await self._ahead.stop()

    def abandon(self) -> None:
        """End the walk from wherever the garbage collector runs."""
        if self._ahead is not None:
            self._ahead.abandon()

    async def _next(self) -> Sheet[T] | None:
        if self._ending is None:
            self._ending = await self._begin()
        ending = self._ending
        while not self._last and not self.finished:
            outcome, verdict = await self._judged(ending)
            self.report.expected_total = ending.total
            self.report.page_size = ending.page_size
            if ending.total_changed and not self.report.total_changed:
                self.report.total_changed = True
                self.drifted("the service's total has changed")
            self._last = verdict in {Verdict.GIVE_LAST, Verdict.END}
            if outcome is not None and verdict in {Verdict.GIVE, Verdict.GIVE_LAST}:
                self._note_duplicates(outcome)
                return outcome
        return None

    async def _begin(self) -> Ending:
        """Read the first page, and what had to be read to know that it is the first."""
        memory, start = self._listing.memory, self._plan.start
        number = start.page if isinstance(start, Cursor) else start
        if number == BEGINNING:
            number = None
        try:
            first, read = await self._first_pages(number, self.size)
        except BadRequestError:
            # A size that somebody has named, or that a place is counted in, is never changed.
            is_named = self._plan.page_size is not None or (isinstance(start, Cursor) and number is not None)
            if is_named or self.size != USUAL_SIZE:
                raise
            first, read = await self._first_pages(number, DOCUMENTED_SIZE)
            self.size = DOCUMENTED_SIZE
            memory.refuses_100 = True
        if isinstance(start, Cursor) and number is not None and isinstance(read[0], Sheet):
            self._check_place(start, read[0])
        self._read.extend(read)
        self._number = first
        self._ahead = Lookahead(self._listing.caller.lifetime, self._fetcher(self.size), first + len(read))
        self.report.page_base = first if number is None else memory.base
        return Ending(
            first=first,
            asked=self.size,
            longest=memory.longest.get(self.size, 0),
            before=[0] if number is None else [max(0, first - base) for base in self._bases()],
        )

    def _bases(self) -> Sequence[int]:
        base = self._listing.memory.base
        return (0, 1) if base is None else (base,)

    def _check_place(self, start: Cursor, sheet: Sheet[T]) -> None:
        if len(sheet.raws) < start.offset:
            self.drifted(f"page {sheet.asked} is shorter than where the cursor stands in it")

    async def _first_pages(self, number: int | None, size: int) -> tuple[int, list[Outcome]]:
        fetch = self._fetcher(size)
        if number is None:
            return await find_start(fetch, self._listing.memory)
        return number, [await fetch(number)]

    def _fetcher(self, size: int) -> Callable[[int], Coroutine[Any, Any, Sheet[T]]]:
        listing, options = self._listing, self._plan.call_options  # not self: see Lookahead
        return lambda number: listing.fetch(number, size, options)

    async def _judged(self, ending: Ending) -> tuple[Sheet[T] | None, Verdict]:
        outcome: Sheet[T] | None
        # The head is dropped only once it is judged, so that a cancelled caller finds it again.
        if self._head is None:
            self._head = self._read.popleft() if self._read else await self._take(ending)
        if isinstance(self._head, Sheet):
            outcome, verdict = await self._judged_sheet(ending, self._head)
            self._latest_rows, self._latest_number = outcome.raws, self._number
        else:
            outcome, verdict = None, await self._judged_refusal(ending, self._head)
        self._head = None
        self._number += 1
        return outcome, verdict

    async def _judged_sheet(self, ending: Ending, sheet: Sheet[T]) -> tuple[Sheet[T], Verdict]:
        verdict = ending.see(sheet)
        if verdict is Verdict.PEEK:
            if not self._read:
                # A window of 1: most lists end here, and no page more should be asked for.
                self._read.append(await self._take(ending, 1))
            verdict = ending.beyond(self._read[0])
        if verdict is Verdict.AGAIN:
            sheet = await self._fetch(self._number)
            verdict = ending.see(sheet, again=True)
        return sheet, verdict

    async def _judged_refusal(self, ending: Ending, error: APIStatusError) -> Verdict:
        verdict = ending.refused(self._number, error)
        if verdict is Verdict.CHECK:
            verdict = ending.refused(self._number, error, unchanged=await self._latest_is_unchanged())
        return verdict

    async def _fetch(self, number: int) -> Sheet[T]:
        return await self._fetcher(self.size)(number)

    async def _take(self, ending: Ending, window: int | None = None) -> Outcome:
        if self._ahead is None:
            msg = "a page is taken before the first"
            raise AssertionError(msg)
        try:
            sheet = await self._ahead.take(window or self._window(ending))
        except APIStatusError as error:
            return error
        self._ramp = min(2 * self._ramp, self._plan.prefetch)
        return sheet

    def _window(self, ending: Ending) -> int:
        implied = ending.pages_ahead()
        # Without a total, ramp up: a brief of one page must not cost a whole window.
        wanted = self._ramp if implied is None else implied
        return max(1, min(wanted, self._plan.prefetch))

    async def _latest_is_unchanged(self) -> bool:
        try:
            sheet = await self._fetch(self._latest_number)
        except NotFoundError:
            return False
        return sheet.raws == self._latest_rows

    def _note_duplicates(self, sheet: Sheet[T]) -> None:
        """Count rows that were given within the last 2 * prefetch pages: as far back as the window can have shifted."""
        ids = [key for key in sheet.ids if key is not None]
        here = frozenset(ids)
        twice = len(ids) - len(here) + len(here.intersection(frozenset[str]().union(*self._recent)))
        self._recent.append(here)
        if twice:
            self.report.duplicates += twice
            self.drifted(f"{twice} items of page {sheet.asked} have been given before")

    def drifted(self, what: str) -> None:
        """Take note that the listing changed under the walk: say so as the plan wants it.

        Raises:
            DriftError: the plan wants that.
        """
        self._unsure = True
        if self._plan.on_drift == "raise":
            msg = f"the listing changed while it was walked: {what}"
            raise DriftError(msg)
        if self._plan.on_drift == "warn" and not self._told:
            self._told = True
            logger.warning("%s changed while it was walked (%s); rows may be missing", self._listing.path, what)
