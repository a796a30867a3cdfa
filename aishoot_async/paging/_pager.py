"""A listing as its user holds it: a description that requests nothing until it is used."""

from collections.abc import AsyncIterable, Generator
from typing import Any, Generic, TypeVar

from ..errors import Cursor
from ..models import Page, PagingReport
from ..validation import check_int
from ._listing import Listing
from ._plan import Plan
from ._walk import ItemWalk, PageWalk, Progress, Walk

T = TypeVar("T")
W = TypeVar("W", ItemWalk[Any], PageWalk[Any])


class Pager(AsyncIterable[T], Generic[T]):
    """A listing. Iterate over it, walk its pages, await its first page, or collect it; as often as you like."""

    def __init__(self, listing: Listing[T], plan: Plan) -> None:
        """Describe; request nothing."""
        self._listing = listing
        self._plan = plan
        # Not the walk itself: nothing may hold that, or a bare break would not end it.
        self._latest: Progress | None = None

    def __aiter__(self) -> Walk[T]:
        """Walk the items, in order."""
        return self.walk()

    def walk(self) -> Walk[T]:
        """Walk the items, in order: ``async with pager.walk() as walk``."""
        return self._remember(ItemWalk(self._listing, self._plan))

    def pages(self) -> Walk[Page[T]]:
        """Walk the pages, in order."""
        return self._remember(PageWalk(self._listing, self._plan))

    def __await__(self) -> Generator[Any, None, Page[T]]:
        """Give the first page only; an empty one for an empty listing. A strict pager reads all pages for that."""
        return self._first().__await__()

    async def _first(self) -> Page[T]:
        walk = self._remember(PageWalk(self._listing, self._plan.up_to(1, self._listing.memory)))
        async with walk:
            async for page in walk:
                return page
        report = walk.report
        return Page(number=1 if report.page_base is None else report.page_base, items=(), total=report.expected_total)

    async def collect(self, limit: int | None = None) -> list[T]:
        """Walk, and give the items as a list: all of them, or the first ``limit``.

        Raises:
            AIShootError: as a walk does; the items before it are lost with the list, so stream what is large.
            ConfigurationError: ``limit`` is no whole number from 0.
        """
        plan, items = self._plan, list[T]()
        if limit is not None:
            check_int("limit", limit, 0)
            if limit == 0:
                return items
            plan = plan.up_to(limit, self._listing.memory)
        async with self._remember(ItemWalk(self._listing, plan)) as walk:
            async for item in walk:
                items.append(item)
                if len(items) == limit:
                    break
        return items

    @property
    def cursor(self) -> Cursor:
        """Where the latest walk stands; before any, where it would begin."""
        return (ItemWalk(self._listing, self._plan).progress if self._latest is None else self._latest).cursor

    @property
    def report(self) -> PagingReport:
        """What the latest walk has seen so far: a snapshot."""
        return PagingReport() if self._latest is None else self._latest.report

    def _remember(self, walk: W) -> W:
        self._latest = walk.progress
        return walk
