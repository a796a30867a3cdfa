"""One pass over the pages of a listing, in order, to its end: the machine that walks stand on."""

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Generic, Literal, TypeVar

import attrs

from ..errors import APIStatusError, BadRequestError, ConfigurationError, Cursor, DriftError, NotFoundError
from ..models import PagingReport
from ._ending import Ending, Verdict
from ._listing import Listing, Sheet
from ._lookahead import Lookahead
from ._start import Outcome, find_start

T = TypeVar("T")
logger: Final = logging.getLogger("aishoot_async.paging")

USUAL_SIZE: Final = 100
DOCUMENTED_SIZE: Final = 20
BEGINNING: Final = -1
"""The page of a cursor that was taken before the page base was known."""
OnDrift = Literal["warn", "raise", "ignore"]


@attrs.frozen(kw_only=True)
class Plan:
    """How a pager is walked; checked when it is made.

    Attributes:
        start: where to begin; ``None`` for the first page, whatever its number.
        page_size: items a page to ask for; ``None`` for 100, or 20 where the API refuses that.
        prefetch: pages in flight or ready at most.
        on_drift: what to do when the listing is seen to change.
    """

    start: Cursor | int | None
    page_size: int | None
    prefetch: int
    on_drift: OnDrift

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be walked.

        Raises:
            ConfigurationError: a value is out of range, or contradicts the cursor.
        """
        if self.page_size is not None:
            _whole("page_size", self.page_size, 1)
        _whole("prefetch", self.prefetch, 1)
        if self.on_drift not in {"warn", "raise", "ignore"}:
            msg = f'on_drift must be "warn", "raise" or "ignore", not {self.on_drift!r}'
            raise ConfigurationError(msg)
        if isinstance(self.start, Cursor):
            if self.page_size not in {None, self.start.page_size}:
                msg = f"page_size={self.page_size} contradicts the cursor, which counts {self.start.page_size} a page"
                raise ConfigurationError(msg)
        elif self.start is not None:
            _whole("start", self.start, 0)


def _whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        msg = f"{name} must be a whole number from {least}, not {value!r}"
        raise ConfigurationError(msg)


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
        self._ramp = 1
        self._last = False
        self._unsure = False
        self._told = False
        self._latest_rows: Sequence[bytes] = ()
        self._recent: deque[frozenset[str]] = deque(maxlen=2 * plan.prefetch)
        self._size = self._first_size()
        self.finished = False
        self.report = PagingReport()

    @property
    def page_size(self) -> int:
        """Items a page, as the server gives them; before that is known, as they are asked for."""
        return self._size if self._ending is None else self._ending.page_size

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
        if self.finished:
            return None
        try:
            sheet = await self._next()
        except Exception:
            await self.aclose()
            raise
        if sheet is None:
            await self.aclose()
            self.report.complete = not self._unsure
        return sheet

    async def aclose(self) -> None:
        """End the walk: cancel what is on its way, and wait until it has ended."""
        self.finished = True
        if self._ahead is not None:
            await self._ahead.stop()

    def abandon(self) -> None:
        """End the walk from wherever the garbage collector runs."""
        if self._ahead is not None and not self.finished:
            self._ahead.abandon()

    async def _next(self) -> Sheet[T] | None:
        if self._ending is None:
            self._ending = await self._begin()
        ending = self._ending
        while not self._last:
            outcome, verdict = await self._judged(ending)
            self.report.expected_total = ending.total
            self.report.page_size = ending.page_size
            if ending.total_changed and not self.report.total_changed:
                self.report.total_changed = True
                self.drifted("the service's total has changed")
            self._last = verdict in {Verdict.GIVE_LAST, Verdict.END}
            if isinstance(outcome, Sheet) and verdict in {Verdict.GIVE, Verdict.GIVE_LAST}:
                self._note_duplicates(outcome)
                return outcome
        return None

    async def _begin(self) -> Ending:
        """Read the first page, and what had to be read to know that it is the first."""
        memory = self._listing.memory
        start = self._plan.start.page if isinstance(self._plan.start, Cursor) else self._plan.start
        if start == BEGINNING:
            start = None
        try:
            first, read = await self._first_pages(start)
        except BadRequestError:
            if self._plan.page_size is not None or self._size != USUAL_SIZE or isinstance(self._plan.start, Cursor):
                raise
            self._size = DOCUMENTED_SIZE
            first, read = await self._first_pages(start)
            memory.refuses_100 = True
        self._read.extend(read)
        self._number = first
        self._ahead = Lookahead(self._listing.caller.lifetime, self._fetcher(), first + len(read))
        self.report.page_base = first if start is None else memory.base
        bases = (1, 0) if memory.base is None else (memory.base,)
        before = [0] if start is None else [max(0, first - base) * self._size for base in bases]
        return Ending(first=first, asked=self._size, longest=memory.longest.get(self._size, 0), before=before)

    async def _first_pages(self, start: int | None) -> tuple[int, list[Outcome]]:
        fetch = self._fetcher()
        if start is None:
            return await find_start(fetch, self._listing.memory)
        return start, [await fetch(start)]

    def _fetcher(self) -> Callable[[int], Coroutine[Any, Any, Sheet[T]]]:
        listing, size = self._listing, self._size  # not self: see Lookahead
        return lambda number: listing.fetch(number, size)

    async def _judged(self, ending: Ending) -> tuple[Outcome, Verdict]:
        # The head is dropped only once it is judged, so that a cancelled caller finds it again.
        if self._head is None:
            self._head = self._read.popleft() if self._read else await self._take(ending)
        head = self._head
        if isinstance(head, Sheet):
            verdict = ending.see(head)
            if verdict is Verdict.AGAIN:
                head = await self._fetcher()(self._number)
                verdict = ending.see(head, again=True)
            self._latest_rows = head.raws
        else:
            verdict = ending.refused(self._number, head)
            if verdict is Verdict.CHECK:
                verdict = ending.refused(self._number, head, unchanged=await self._latest_is_unchanged())
        self._head = None
        self._number += 1
        return head, verdict

    async def _take(self, ending: Ending) -> Outcome:
        if self._ahead is None:
            msg = "a page is taken before the first"
            raise AssertionError(msg)
        implied = ending.pages_ahead()
        if implied is None:
            # Without a total, ramp up: a brief of one page must not cost a whole window.
            self._ramp = min(2 * self._ramp, self._plan.prefetch)
        window = self._ramp if implied is None else min(implied, self._plan.prefetch)
        try:
            return await self._ahead.take(max(1, window))
        except APIStatusError as error:
            return error

    async def _latest_is_unchanged(self) -> bool:
        try:
            sheet = await self._fetcher()(self._number - 1)
        except NotFoundError:
            return False
        return sheet.raws == self._latest_rows

    def _note_duplicates(self, sheet: Sheet[T]) -> None:
        """Count rows that were given within the last 2 * prefetch pages: as far back as the window can have shifted."""
        ids = [key for key in sheet.ids if key is not None]
        here = frozenset(ids)
        twice = len(ids) - len(here) + len(here.intersection(frozenset().union(*self._recent)))
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
