"""One brief: walked to its end, from where an earlier run stood, and again if it changed meanwhile."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import attrs

from ..errors import APIStatusError, Cursor, ExportError, PagingError
from ..models import Page, PagingReport
from ..paging import Pager, Walk
from ._disk import Disk, Strand
from ._life import Point, State, Unit
from ._stage import Shape, Stage, mark

logger: Final = logging.getLogger("aishoot_async.export")
SWEEPS: Final = 3
"""Walks of a brief that keeps changing, before what the last one brought is kept as unstable."""

Listing = Callable[[Cursor | None], Pager[bytes]]


class ListingChangedError(Exception):
    """The listing is not what an earlier run saw. It never leaves this file."""


@attrs.frozen(kw_only=True)
class Sight:
    """How far the reading of a brief is: pages and items of the walk in hand, earlier runs included."""

    pages: int
    items: int
    total: int | None


class Reading:
    """Reads one brief into its staging folder."""

    def __init__(
        self,
        stage: Stage,
        shape: Shape,
        disk: Disk,
        listing: Listing,
        see: Callable[[Sight], None],
        *,
        strict: bool = False,
    ) -> None:
        """Begin nothing yet; ``strict`` says that the listing's walks are."""
        self._stage = stage
        self._shape = shape
        self._disk = disk
        self._listing = listing
        self._see = see
        self._strict = strict
        self._strand = Strand(disk)
        self._block: list[Page[bytes]] = []
        self._block_size = 0
        self._pages = self._items = self._walks = 0
        self._start = Point()
        self._page: int | None = None
        self._report: PagingReport | None = None
        self._first_total: int | None = None
        self._holes = False
        self.resumed = False

    async def run(self) -> Unit:
        """Read until the brief is staged whole, or has changed too often.

        Raises:
            AIShootError: as a walk does; what is in hand is journalled.
            ExportError: the disk refuses.
        """
        try:
            start = await self._earlier_point()
            while True:
                if start is None:
                    self.resumed = False
                    await self._disk.run(partial(self._stage.begin, now=_now(), sweeps=self._walks + 1))
                try:
                    point, is_whole = await self._sweep(start)
                except ListingChangedError:
                    start = None
                    continue
                self._walks += 1
                if is_whole or self._walks == SWEEPS:
                    end = partial(self._stage.end, point, now=_now(), complete=is_whole, strict=self._strict)
                    await self._disk.run(end)
                    return self._stage.unit
                logger.warning("%s changed while it was read; it is read again", self._stage.unit.name)
                start = None
        finally:
            await self._disk.run(self._stage.close)

    async def _earlier_point(self) -> Point | None:
        unit = self._stage.unit
        if unit.state is not State.READING or unit.reading is None or unit.reading.point.cursor is None:
            return None
        if self._strict:
            # Of one half and another, read at two times, no two walks have agreed on the whole.
            return None
        if not await self._disk.run(self._stage.go_on):
            logger.warning("the disk holds less of %s than the journal says; it is read anew", unit.name)
            return None
        self.resumed = True
        return unit.reading.point

    async def _sweep(self, start: Point | None) -> tuple[Point, bool]:
        """Walk once, from the beginning or from a point; give where that ended, and whether all is there."""
        content = self._stage.content
        self._pages, self._items = content.pages, content.rows
        self._block, self._block_size = [], 0
        self._start = start or Point()
        cursor = None if self._start.cursor is None else Cursor.parse(self._start.cursor)
        self._page = None if cursor is None else cursor.page
        self._report, self._first_total, self._holes = None, self._start.first_total, self._start.holes
        async with self._listing(cursor).pages() as walk:
            try:
                if start is not None:
                    await self._compare(walk, start)
                async for page in walk:
                    self._note(page, walk.report)
                    if self._shape.format.block.is_reached(len(self._block), self._block_size):
                        await self._hand_over()
            except ListingChangedError:
                raise
            except BaseException:
                await self._save_what_is_there()
                raise
            report = walk.report
        if self._block:
            await self._hand_over()
        await self._strand.settle()
        point = self._point()
        last = report.expected_total
        first = last if point.cursor is None else point.first_total
        # Within one walk it is the walk that knows which totals and holes matter; of two, neither has seen all.
        is_patched = start is not None and (point.holes or (last is not None and not first == last == self._items))
        is_doubtful = point.doubtful or not report.complete or is_patched
        return attrs.evolve(point, first_total=first, last_total=last), not is_doubtful

    async def _compare(self, walk: Walk[Page[bytes]], start: Point) -> None:
        """See that the page that an earlier run read last is still what it was.

        Raises:
            ListingChangedError: it is not.
        """
        try:
            page = await anext(walk)
        except StopAsyncIteration:
            page = None
        except (APIStatusError, PagingError) as error:
            if isinstance(error, APIStatusError) and error.status not in {400, 404, 416, 422}:
                raise
            page = None
        if page is None or mark(page) != start.mark:
            logger.warning("%s has changed since the earlier run; it is read anew", self._stage.unit.name)
            raise ListingChangedError

    def _note(self, page: Page[bytes], report: PagingReport) -> None:
        """Take a page in hand; ``report`` is the walk's, behind it."""
        if self._page is None:
            self._first_total = report.expected_total
        # A walk goes on behind a page without rows, and speaks of it at its end: to which it may not come.
        if page.number != (report.page_base if self._page is None else self._page + 1):
            self._holes = True
        self._page, self._report = page.number, report
        self._block.append(page)
        self._block_size += sum(map(len, page.raw))
        self._pages += 1
        self._items += len(page.raw)
        self._see(Sight(pages=self._pages, items=self._items, total=report.expected_total))

    def _point(self) -> Point:
        """Give the place behind the pages that were taken in hand: within a walk, its report forgets nothing."""
        page, report = self._page, self._report
        if report is None:
            return self._start
        if page is None or report.page_size is None:
            raise AssertionError("a page was read that has no number, or no size")
        return Point(
            cursor=str(Cursor(page, 0, report.page_size)),
            first_total=self._first_total,
            last_total=report.expected_total,
            doubtful=self._start.doubtful or _is_doubtful(report),
            holes=self._holes,
        )

    async def _hand_over(self) -> None:
        pages, self._block, self._block_size = self._block, [], 0
        await self._strand.put(self._stage.append, pages, self._point())

    async def _save_what_is_there(self) -> None:
        """Bring what is in hand to the disk and the journal, whatever ends the walk."""
        try:
            if self._block and self._shape.format.seamless:
                await self._hand_over()
            await self._strand.settle()
            await self._disk.run(self._stage.checkpoint)
        except ExportError as error:
            # What ends the walk is said already; the journal stands where it stood.
            logger.warning("%s: %s", self._stage.unit.name, error)


def _is_doubtful(report: PagingReport) -> bool:
    return report.total_changed or report.duplicates > 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
