"""One pass over a listing, as its consumer sees it: items, or whole pages.

Classes with ``__anext__`` and not async generators: nothing may be suspended inside a cancel scope (PEP 789), and a ``break``
must end the prefetching at once.
"""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

import attrs

from ..errors import AIShootError, Cursor
from ..models import Page, PagingReport
from ._listing import Listing, Sheet
from ._sweep import BEGINNING, Plan, Sweep

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
        """End the walk, and wait until nothing of it is on its way; it gives no more items."""

    async def __aenter__(self) -> Self:
        """Enter."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the walk."""
        await self.aclose()

    def __aiter__(self) -> Self:
        """Go on where it stands."""
        return self


class _SheetWalk(Walk[T], Generic[T, P]):
    """What both walks share: the page in hand, and the place in it."""

    def __init__(self, listing: Listing[P], plan: Plan) -> None:
        self._sweep = Sweep(listing, plan)
        start = plan.start
        # A first page that was partly handed out, in an earlier walk.
        self._offset = start.offset if isinstance(start, Cursor) and start.page != BEGINNING else 0
        self._page = start.page if isinstance(start, Cursor) else BEGINNING if start is None else start
        self._items: Sequence[P] = ()
        self._at = self._offset
        self._pages = 0
        self._given = 0
        self._consumer: asyncio.Task[object] | None = None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self._page, self._at, self._sweep.page_size)

    @property
    def report(self) -> PagingReport:
        return attrs.evolve(self._sweep.report, pages=self._pages, items=self._handed_out())

    def _handed_out(self) -> int:
        return self._given + (self._at - self._offset if self._pages else 0)

    async def aclose(self) -> None:
        self._items = ()
        await self._sweep.aclose()

    def __del__(self) -> None:
        sweep = getattr(self, "_sweep", None)
        if sweep is not None:
            sweep.abandon()

    async def _advance(self) -> Sheet[P]:
        """Take the next page in hand.

        Raises:
            StopAsyncIteration: there is none.
        """
        if self._consumer is not None:
            msg = "a walk has one consumer; make a walk for each"
            raise RuntimeError(msg)
        self._consumer = asyncio.current_task()
        failure: AIShootError
        try:
            sheet = await self._sweep.next()
            if sheet is None:
                raise StopAsyncIteration
            self._given = self._handed_out()
            self._page = sheet.asked
            self._offset = 0 if self._pages else self._offset
            self._at = self._offset
            self._pages += 1
            self._items = sheet.items
            if self._at > len(sheet.items):
                self._sweep.drifted(f"page {sheet.asked} is shorter than where the cursor stands in it")
            return sheet
        except AIShootError as error:
            failure = error
        finally:
            self._consumer = None
        failure.cursor = self.cursor
        raise failure


class ItemWalk(_SheetWalk[T, T]):
    """Items, in order."""

    async def __anext__(self) -> T:
        """Give the next item."""
        while self._at >= len(self._items):
            await self._advance()
        item = self._items[self._at]
        self._at += 1
        return item


class PageWalk(_SheetWalk[Page[P], P]):
    """Pages, in order; of a page that a cursor stands in, the rest."""

    async def __anext__(self) -> Page[P]:
        """Give the next page."""
        while True:
            sheet = await self._advance()
            begin, self._at = self._at, max(self._at, len(sheet.items))
            if begin < self._at:
                return Page(
                    number=sheet.asked,
                    items=tuple(sheet.items[begin:]),
                    total=sheet.total,
                    raw=tuple(sheet.raws[begin:]),
                )
