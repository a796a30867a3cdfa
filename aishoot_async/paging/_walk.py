"""One pass over a listing, as its consumer sees it: items, or whole pages.

Classes with ``__anext__`` and not async generators: nothing may be suspended inside a cancel scope (PEP 789), and a
``break`` must end the prefetching at once.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import attrs

from ..errors import AIShootError, Cursor
from ..models import Page, PagingReport
from ._lending import BufferLease, detach
from ._listing import Listing, Sheet
from ._plan import BEGINNING, Plan
from ._source import Source

T = TypeVar("T")
P = TypeVar("P")


class Walk(AsyncIterator[T], Generic[T]):
    """One pass over a listing: an async iterator and an async context manager, for one consumer."""

    @property
    @abstractmethod
    def cursor(self) -> Cursor:
        """Just behind the last item handed out, whatever is fetched ahead: where a new walk must start."""

    @property
    @abstractmethod
    def report(self) -> PagingReport:
        """What the walk has seen so far: a snapshot."""

    @abstractmethod
    async def aclose(self) -> None:
        """End the walk, and wait until nothing of it is on its way; it gives no more items.

        Raises:
            WrongLoopError: it is under way on another event loop, and stays so.
        """

    async def __aenter__(self) -> Self:
        """Enter.

        Raises:
            WrongLoopError: its session belongs to another event loop.
        """
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the walk."""
        await self.aclose()

    def __aiter__(self) -> Self:
        """Go on where it stands."""
        return self


@attrs.define(kw_only=True, eq=False, repr=False)
class Progress:
    """Where a walk stands, and what it has seen. It outlives the walk, and holds nothing of it then.

    Attributes:
        start: the cursor to begin with, if there is one.
        page: the page in hand, or the one to begin with.
        left: the items of that page that are still to be handed out.
        until: how many of its items will have been handed out when none is left.
        skipped: how many of these by an earlier walk, whose cursor this one started from.
        asked: items a page, as they are asked for.
        seen: what the source of the pages reports.
        pages: pages handed out.
        given: items handed out of the pages before the one in hand.
    """

    start: Cursor | None
    page: int
    left: deque[Any] = attrs.field(factory=deque)
    until: int = 0
    skipped: int = 0
    asked: int
    seen: PagingReport
    pages: int = 0
    given: int = 0

    @property
    def at(self) -> int:
        """How many items of the page in hand have been handed out."""
        return self.until - len(self.left)

    @property
    def cursor(self) -> Cursor:
        """Just behind the last item handed out."""
        if self.start is not None and not self.pages:
            return self.start
        return Cursor(self.page, self.at, self.seen.page_size or self.asked)

    @property
    def handed_out(self) -> int:
        """How many items this walk has handed out."""
        return self.given + self.at - self.skipped

    @property
    def report(self) -> PagingReport:
        """A snapshot."""
        return attrs.evolve(self.seen, pages=self.pages, items=self.handed_out)

    def turn_to(self, page: int, skip: int) -> None:
        """Take the next page in hand, and pass over what an earlier walk has handed out of it."""
        self.given = self.handed_out
        self.page, self.skipped = page, skip
        self.left, self.until = deque(), skip
        self.pages += 1

    def hand_out(self, items: Sequence[Any]) -> None:
        """Begin to hand out the page's items, those that are not passed over."""
        self.left = deque(items)
        self.until = self.skipped + len(items)

    def stop(self) -> None:
        """Hand out no more of the page."""
        self.until, self.left = self.at, deque()


def _source_of(listing: Listing[P], plan: Plan) -> Source[P]:
    # Not before somebody walks: it would be a twelfth of what a session imports, and some Pythons have no sqlite.
    if plan.strict:
        from ._strict import StrictSweep  # noqa: PLC0415

        return StrictSweep(listing, plan)
    from ._sweep import Sweep  # noqa: PLC0415

    return Sweep(listing, plan)


class _SheetWalk(Walk[T], Generic[T, P]):
    """What both walks share: the page in hand, and the place in it."""

    def __init__(self, listing: Listing[P], plan: Plan) -> None:
        self._source = _source_of(listing, plan)
        self._lifetime = listing.caller.lifecycle
        start = plan.start
        self.progress = Progress(
            start=start if isinstance(start, Cursor) else None,
            page=start if isinstance(start, int) else BEGINNING,
            asked=self._source.size,
            seen=self._source.report,
        )
        self._is_taken = False

    @property
    def cursor(self) -> Cursor:
        return self.progress.cursor

    @property
    def report(self) -> PagingReport:
        return self.progress.report

    async def __aenter__(self) -> Self:
        self._check_loop()
        return self

    def __aiter__(self) -> Self:
        if not self._lifetime.is_stranded:  # else what is left of the page in hand is nobody else's
            self._check_loop()
        return self

    async def aclose(self) -> None:
        if self._lifetime.is_elsewhere():
            if not self._lifetime.closed and not self._is_over():
                self._lifetime.check()
            return
        self._end()
        await self._source.aclose()

    def _is_over(self) -> bool:
        return self._source.finished and not self.progress.left

    def _check_loop(self) -> None:
        """See that this is the session's own event loop, before anything is touched that another loop waits for.

        Raises:
            SessionClosedError: it is not, and the session is closed.
            WrongLoopError: it is not.
        """
        if self._lifetime.is_elsewhere():
            self._lifetime.check()

    def _end(self) -> None:
        """Hand out no more."""

    def __del__(self) -> None:
        source = getattr(self, "_source", None)
        if source is not None:
            source.abandon()

    async def _advance(self) -> Sheet[P]:
        """Take the next page in hand.

        Raises:
            StopAsyncIteration: there is none.
        """
        if self._is_taken:
            msg = "a walk has one consumer; make a walk for each"
            raise RuntimeError(msg)
        self._is_taken = True
        try:
            sheet = await self._source.next()
        except AIShootError as error:
            # Rather some rows once more than a page lost that was empty for a while.
            error.cursor = self._source.hole or self.cursor
            raise
        finally:
            self._is_taken = False
        if sheet is None:
            raise StopAsyncIteration
        self.progress.turn_to(sheet.asked, sheet.skip)
        return sheet


class ItemWalk(_SheetWalk[T, T]):
    """Items, in order."""

    def __init__(self, listing: Listing[T], plan: Plan) -> None:
        self._lease = BufferLease()
        super().__init__(listing, plan)

    async def __anext__(self) -> T:
        """Give the next item."""
        while True:
            left = self.progress.left
            if left:
                return left.popleft()  # type: ignore[no-any-return]
            self._check_loop()
            # Before the next page is read, so that this one's memory can be used again.
            self._lease.detach(but_the_last=True)
            try:
                sheet = await self._advance()
            except Exception:  # the end, or an error: nothing more is borrowed
                self._end()
                raise
            items = sheet.items[sheet.skip :]
            self._lease.track(items, sheet.raws)
            self.progress.hand_out(items)
            del sheet, items

    def __del__(self) -> None:
        if hasattr(self, "progress"):  # else what it has its pages from could not be made
            self._end()
        super().__del__()

    def _end(self) -> None:
        self.progress.stop()
        self._lease.detach(but_the_last=False)


class PageWalk(_SheetWalk[Page[P], P]):
    """Pages, in order; of a page that a cursor stands in, the rest."""

    async def __anext__(self) -> Page[P]:
        """Give the next page."""
        self._check_loop()
        while True:
            sheet = await self._advance()
            if sheet.skip < len(sheet.items):
                self.progress.until = len(sheet.items)
                detach(sheet.items, sheet.raws)
                return Page(
                    number=sheet.asked,
                    items=tuple(sheet.items[sheet.skip :]),
                    total=sheet.total,
                    raw=tuple(sheet.raws[sheet.skip :]),
                )
