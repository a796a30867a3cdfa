"""Strict walks: nothing is given before two passes running, with nothing to be said against either, gave the same rows.

The passes are made by one task of the session's own, so that a consumer may be cancelled and come back. It knows
nothing of the walk, which can be collected meanwhile.
"""

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any, Final, TypeVar

import attrs
from anyio import to_thread

from ..concurrency import shared_result, wait_done
from ..errors import DriftError, PagingError, SessionClosedError, UnstableListingError
from ..models import PagingReport
from ._listing import Listing, Sheet
from ._plan import Plan
from ._source import Source
from ._spool import BYTES_AT_ONCE, Kept, Spool
from ._sweep import Sweep

T = TypeVar("T")
logger: Final = logging.getLogger("aishoot_async.paging")
PASSES_AT_MOST: Final = 5
"""How often a listing is walked through before it counts as unstable."""


class StrictSweep(Source[T]):
    """Gives the pages of a listing once two passes have agreed: those of the latter."""

    def __init__(self, listing: Listing[T], plan: Plan) -> None:
        """Request nothing yet."""
        super().__init__(plan.first_size(listing.memory))
        self._listing = listing
        self._plan = plan
        self._settling: asyncio.Task[Spool] | None = None
        self._at = 0
        self._kept: deque[Kept] = deque()

    def _is_sound(self) -> bool:
        return True  # or nothing would have been given

    async def _next(self) -> Sheet[T] | None:
        lifetime = self._listing.caller.lifecycle
        lifetime.check()
        if self._settling is None:
            self._settling = lifetime.spawn(_settle(self._listing, self._plan, self.report))
        spool = await shared_result(self._settling, _closed)
        if not self._kept:
            self._kept.extend(await to_thread.run_sync(spool.read, self._at))
            self._at += len(self._kept)
        if not self._kept:
            return None
        kept = self._kept.popleft()
        return Sheet(
            asked=kept.asked,
            skip=kept.skip,
            items=[self._listing.decode(raw) for raw in kept.raws],
            raws=kept.raws,
            ids=(),
            total=kept.total,
            last=None,
            number=None,
        )

    async def _stop(self) -> None:
        settling = self._settling
        if settling is None:
            return
        if settling.cancel():
            await wait_done(settling)
        if not settling.cancelled() and settling.exception() is None:
            await to_thread.run_sync(settling.result().close)

    def abandon(self) -> None:
        """End the walk from wherever the garbage collector runs."""
        if self._settling is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the spool closes itself
                self._settling.get_loop().call_soon_threadsafe(_let_go, self._settling)


def _closed() -> SessionClosedError:
    return SessionClosedError("the session was closed during a strict walk")


def _let_go(settling: "asyncio.Task[Spool]") -> None:
    if not settling.cancel() and not settling.cancelled() and settling.exception() is None:
        # A large file takes a while to go.
        settling.get_loop().run_in_executor(None, settling.result().close)


async def _settle(listing: Listing[Any], plan: Plan, report: PagingReport) -> Spool:
    """Pass over the listing until two passes agree, and give the spool that holds the latter.

    Raises:
        AIShootError: as a walk does.
        DriftError: the listing changed, and the plan wants that.
        UnstableListingError: no two passes running have agreed.
    """
    spool = Spool()
    try:
        await _agree(listing, plan, report, spool)
    except BaseException:
        await to_thread.run_sync(spool.close)
        raise
    return spool


async def _agree(listing: Listing[Any], plan: Plan, report: PagingReport, spool: Spool) -> None:
    was_clean = told = False
    doubt = difference = None
    for number in range(1, PASSES_AT_MOST + 1):
        report.passes = number
        await to_thread.run_sync(spool.begin)
        doubt = await _pass(listing, plan, report, spool)
        found = await to_thread.run_sync(spool.compare)
        report.duplicates = found.twice
        if doubt is None and found.twice:
            doubt = f"rows that came twice: {found.twice}"
        if number > 1:
            difference = f"rows that came: {found.came}, that went: {found.gone}" if found.came or found.gone else None
        if doubt is None and was_clean and difference is None:
            return
        was_clean = doubt is None
        problem = doubt or difference
        if problem is not None and not told:
            told = True
            _drifted(listing, plan, problem)
    msg = (
        f"the listing was walked {PASSES_AT_MOST} times, and never gave the same rows twice running with nothing "
        f"amiss; between the last two, {difference or 'no row came or went'}; in the last, {doubt or 'nothing amiss'}"
    )
    raise UnstableListingError(msg)


async def _pass(listing: Listing[Any], plan: Plan, report: PagingReport, spool: Spool) -> str | None:
    """Walk once into the spool; give what speaks against all rows having been given."""
    sweep = Sweep(listing, attrs.evolve(plan, on_drift="ignore"))
    pending: list[Sheet[Any]] = []
    size = 0
    try:
        while True:
            try:
                sheet = await sweep.next()
            except UnstableListingError:
                raise  # it has no end, whoever walks it again
            except PagingError as error:
                return str(error)
            finally:
                _mirror(sweep.report, report)
            if sheet is not None:
                pending.append(sheet)
                size += sum(map(len, sheet.raws))
            if sheet is None or size >= BYTES_AT_ONCE:
                await to_thread.run_sync(spool.add, pending)
                pending, size = [], 0
            if sheet is None:
                return sweep.doubt
    finally:
        await sweep.aclose()


def _mirror(seen: PagingReport, report: PagingReport) -> None:
    report.expected_total, report.total_changed = seen.expected_total, seen.total_changed
    report.page_base, report.page_size, report.duplicates = seen.page_base, seen.page_size, seen.duplicates


def _drifted(listing: Listing[Any], plan: Plan, what: str) -> None:
    if plan.on_drift == "raise":
        msg = f"the listing changed while it was walked: {what}"
        raise DriftError(msg)
    if plan.on_drift == "warn":
        logger.warning("%s changed while it was walked (%s); it is walked again", listing.path, what)
