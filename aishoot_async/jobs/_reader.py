"""One brief is walked to its end, from where an earlier run stood, and again if it changed meanwhile."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

import attrs

from ..errors import APIStatusError, Cursor, JobError, PagingError
from ..models import Page, PagingReport
from ..paging import Pager, Walk
from ..storage import DiskExecutor, wait_uncancellable
from ..volatile import rows_without_volatile
from ._units import Checkpoint, PartSet, State, Unit

logger: Final = logging.getLogger("aishoot_async.jobs")
MAX_PASSES: Final = 3
"""Walks of a brief that keeps changing, before what the last one brought is kept as unstable."""
_END_STATUSES: Final = frozenset((400, 404, 416, 422))
"""Statuses by which services refuse a page beyond the end."""


@attrs.frozen
class SizeLimit:
    """So much, in pages or in bytes of JSON, whichever comes first."""

    pages: int
    size: int

    def is_reached(self, pages: int, size: int) -> bool:
        """Return whether that is enough."""
        return pages >= self.pages or size >= self.size


class PageWriter(Protocol):
    """What a kind of job does with the pages of a brief. All of it blocks, and is called by one thread at a time.

    Attributes:
        parts: what has been written, as far as the journal may speak of it.
        block: when pages are handed over, at the first end of a page from here on.
        splittable: less than a block can be handed over, and nothing is different in the end.
    """

    @property
    def parts(self) -> PartSet: ...
    @property
    def block(self) -> SizeLimit: ...
    @property
    def splittable(self) -> bool: ...

    def begin(self, *, now: str, sweeps: int) -> None:
        """Begin at the first page; what was written before is dropped."""
        ...

    def resume(self) -> bool:
        """Go back to what the journal says; return False if the disk holds less than that."""
        ...

    def append(self, pages: Sequence[Page[bytes]], point: Checkpoint) -> None:
        """Write a block of pages; the checkpoint is the position behind it, without the page's fingerprint."""
        ...

    def checkpoint(self) -> None:
        """Bring what is written to the disk, then the journal that says so."""
        ...

    def end(self, point: Checkpoint, *, now: str, complete: bool, strict: bool) -> PartSet:
        """Finish every part, and return them."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


@attrs.frozen(kw_only=True)
class ReadProgress:
    """How far the reading of a brief is: pages and items of this walk, earlier runs included."""

    pages: int
    items: int
    total: int | None


class ListingChangedError(Exception):
    """The listing is not what an earlier run saw. It never leaves this file."""


class OrderedWriter:
    """Runs the writes of one brief in order; one is under way while the caller prepares the next."""

    def __init__(self, disk: DiskExecutor) -> None:
        """Have nothing under way."""
        self._disk = disk
        self._under_way: asyncio.Future[Any] | None = None

    async def put(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Begin a write when the one before is done.

        Raises:
            JobError: the one before has failed.
        """
        await self.drain()
        self._under_way = self._disk.start(work, *arguments)

    async def drain(self) -> None:
        """Wait for what is under way.

        Raises:
            JobError: it has failed.
        """
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            await wait_uncancellable(under_way)


class BriefReader:
    """Walks one brief, and hands its pages to a writer.

    Attributes:
        resumed: whether it went on where an earlier run stood.
    """

    def __init__(
        self,
        unit: Unit,
        writer: PageWriter,
        disk: DiskExecutor,
        listing: Callable[[Cursor | None], Pager[bytes]],
        on_read: Callable[[ReadProgress], None],
        *,
        strict: bool = False,
    ) -> None:
        """Request nothing yet; ``strict`` says that the listing's walks are."""
        self._unit = unit
        self._writer = writer
        self._disk = disk
        self._listing = listing
        self._on_read = on_read
        self._strict = strict
        self._ordered = OrderedWriter(disk)
        self._block: list[Page[bytes]] = []
        self._block_size = 0
        self._pages = self._items = self._walks = 0
        self._start = Checkpoint()
        self._page: int | None = None
        self._report: PagingReport | None = None
        self._first_total: int | None = None
        self._holes = False
        self.resumed = False

    async def run(self) -> PartSet:
        """Read until the brief is written whole, or has changed too often.

        Raises:
            AIShootError: as a walk does; what is in hand is journalled.
            JobError: the disk refuses.
        """
        try:
            start = await self._earlier_checkpoint()
            while True:
                if start is None:
                    self.resumed = False
                    await self._disk.run(partial(self._writer.begin, now=_now(), sweeps=self._walks + 1))
                try:
                    point, is_whole = await self._walk(start)
                except ListingChangedError:
                    start = None
                    continue
                self._walks += 1
                if is_whole or self._walks == MAX_PASSES:
                    end = partial(self._writer.end, point, now=_now(), complete=is_whole, strict=self._strict)
                    return await self._disk.run(end)
                logger.warning("%s changed while it was read; it is read again", self._unit.name)
                start = None
        finally:
            await self._disk.run(self._writer.close)

    async def _earlier_checkpoint(self) -> Checkpoint | None:
        unit = self._unit
        if unit.state is not State.READING or unit.reading is None or unit.reading.point.cursor is None:
            return None
        if self._strict:
            # Of one half and another, read at two times, no two walks have agreed on the whole.
            return None
        if not await self._disk.run(self._writer.resume):
            logger.warning("the disk holds less of %s than the journal says; it is read anew", unit.name)
            return None
        self.resumed = True
        return unit.reading.point

    async def _walk(self, start: Checkpoint | None) -> tuple[Checkpoint, bool]:
        """Walk once, from the beginning or from a checkpoint; return where that ended, and whether all is there."""
        parts = self._writer.parts
        self._pages, self._items = parts.pages, parts.rows
        self._block, self._block_size = [], 0
        self._start = start or Checkpoint()
        cursor = None if self._start.cursor is None else Cursor.parse(self._start.cursor)
        self._page = None if cursor is None else cursor.page
        self._report, self._first_total, self._holes = None, self._start.first_total, self._start.holes
        async with self._listing(cursor).pages() as walk:
            try:
                if start is not None:
                    await self._compare(walk, start)
                async for page in walk:
                    self._take(page, walk.report)
                    if self._writer.block.is_reached(len(self._block), self._block_size):
                        await self._flush_block()
            except ListingChangedError:
                raise
            except BaseException:
                await self._save_progress()
                raise
            report = walk.report
        if self._block:
            await self._flush_block()
        await self._ordered.drain()
        point = self._checkpoint()
        last = report.expected_total
        first = last if point.cursor is None else point.first_total
        # Within one walk it is the walk that knows which totals and holes matter; of two, neither has seen all.
        is_patched = start is not None and (point.holes or (last is not None and not first == last == self._items))
        is_doubtful = point.doubtful or not report.complete or is_patched
        return attrs.evolve(point, first_total=first, last_total=last), not is_doubtful

    async def _compare(self, walk: Walk[Page[bytes]], start: Checkpoint) -> None:
        """Read the page that an earlier run read last once more, and compare it.

        Raises:
            ListingChangedError: it is not what it was.
        """
        try:
            page = await anext(walk)
        except StopAsyncIteration:
            page = None
        except (APIStatusError, PagingError) as error:
            if isinstance(error, APIStatusError) and error.status not in _END_STATUSES:
                raise
            page = None
        if page is None or page_fingerprint(page) != start.mark:
            logger.warning("%s has changed since the earlier run; it is read anew", self._unit.name)
            raise ListingChangedError

    def _take(self, page: Page[bytes], report: PagingReport) -> None:
        """Add a page to the block; ``report`` is the walk's, behind it."""
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
        self._on_read(ReadProgress(pages=self._pages, items=self._items, total=report.expected_total))

    def _checkpoint(self) -> Checkpoint:
        """Return the position behind the pages of the block: within a walk, its report forgets nothing."""
        page, report = self._page, self._report
        if report is None:
            return self._start
        if page is None or report.page_size is None:
            raise AssertionError("a page was read that has no number, or no size")
        return Checkpoint(
            cursor=str(Cursor(page, 0, report.page_size)),
            first_total=self._first_total,
            last_total=report.expected_total,
            doubtful=self._start.doubtful or _is_doubtful(report),
            holes=self._holes,
        )

    async def _flush_block(self) -> None:
        pages, self._block, self._block_size = self._block, [], 0
        await self._ordered.put(self._writer.append, pages, self._checkpoint())

    async def _save_progress(self) -> None:
        """Bring what was read to the disk and the journal, whatever ends the walk."""
        try:
            if self._block and self._writer.splittable:
                await self._flush_block()
            await self._ordered.drain()
            await self._disk.run(self._writer.checkpoint)
        except JobError as error:
            # What ends the walk is said already; the journal stands where it stood.
            logger.warning("%s: %s", self._unit.name, error)


def _is_doubtful(report: PagingReport) -> bool:
    return report.total_changed or report.duplicates > 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def page_fingerprint(page: Page[bytes]) -> str:
    """Return a hash that tells a page from one of other rows, whatever a service signs anew in each answer."""
    digest = hashlib.sha256()
    for row in rows_without_volatile(page.raw):
        digest.update(b"%d:" % len(row))
        digest.update(row)
    return digest.hexdigest()[:32]
