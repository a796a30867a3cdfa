"""Applying a plan: many entries at once; then lost creates are looked for, and what was done is read back."""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Final

import anyio
import attrs

from ..callbacks import call_plain, check_plain
from ..concurrency import for_each
from ..config import canonical_url
from ..errors import AIShootError, ConfigurationError, SyncError
from ..failures import ends_all
from ..session import AIShootSession
from ..validation import check_seconds
from ._circuit_breaker import CircuitBreaker
from ._operations import TrackedSku
from ._plan import IDLE, SyncAction, SyncEntry, SyncPlan
from ._plan_checks import plan_mismatch, plan_outdated
from ._readback import ReadBack
from ._remote import RemoteView, Rows, organization_of
from ._report import OutcomeKind, SyncOutcome, SyncReport
from ._sending import Sender, UnknownOutcome, outcome_of, remembered
from ._state import State, opened, state_path

logger: Final = logging.getLogger("aishoot_async.sync")
WORKERS: Final = 128
"""Entries in hand at once. The session's throttle decides how many of them are on their way, usually half as many:
while some wait for the disk, others are sent."""
MAX_RESENDS: Final = 3
"""How often a create is sent again, each time that two listings have shown that it has not happened."""
_GRACE: Final = 30.0
"""Seconds that what is under way has to end, when something stops everything."""
_IDLE_OUTCOMES: Final = {
    SyncAction.UNCHANGED: OutcomeKind.UNCHANGED,
    SyncAction.CONFLICT: OutcomeKind.CONFLICT,
    SyncAction.HOLD: OutcomeKind.UNKNOWN,
}


async def apply_plan(
    session: AIShootSession,
    plan: SyncPlan,
    *,
    state: str | os.PathLike[str] | None = None,
    on_outcome: Callable[[SyncOutcome], object] | None = None,
    settle: float = 10.0,
    patience: float = 1800.0,
) -> SyncReport:
    """Do what a plan says. What is done is remembered as it is done: after a crash, plan and apply go on from there.

    No create is sent twice before two listings, ``settle`` seconds apart, have shown that it has not happened; one that
    cannot be told is reported as unknown. An update keeps every field that the catalog does not state. An item that
    fails does not stop the others.

    Args:
        session: makes the calls.
        plan: what to do.
        state: where the state file lies now, should it have moved since the plan was made.
        on_outcome: called on the event loop with each outcome, as soon as it is known; it is not awaited, and an async
            one is refused.
        settle: seconds after which a listing surely shows what was done.
        patience: seconds for which an outage is ridden out.

    Raises:
        AIShootError: what stops everything: the login is refused, the session closed. What was done is remembered.
        ConfigurationError: an option cannot work.
        LockedError: another process has the state.
        SyncError: the plan is stale, or another state's: nothing was sent. Or the disk is full.
    """
    settle, patience = check_seconds("settle", settle), check_seconds("patience", patience)
    check_plain("on_outcome", on_outcome)
    if not isinstance(plan, SyncPlan):  # pyright: ignore[reportUnnecessaryIsInstance]
        msg = f"plan must be a SyncPlan, not a {type(plan).__name__}"
        raise ConfigurationError(msg)
    organization = organization_of(session)
    async with opened(
        state_path(plan.state if state is None else state), session.base_url, organization
    ) as opened_state:
        _check(plan, opened_state, session)
        remote = RemoteView(session, opened_state, settle=settle, patience=patience, sleep=anyio.sleep)

        async def probe() -> None:
            await session.skus.list(patience=patience, prefetch=1)

        breaker = CircuitBreaker(probe)
        sender = Sender(session, opened_state, breaker, patience=patience)
        try:
            return await _Apply(plan, remote, sender, on_outcome).run(organization)
        finally:
            await breaker.aclose()


def _check(plan: SyncPlan, state: State, session: AIShootSession) -> None:
    if plan.state_id != state.identity:
        raise SyncError(f"the plan was made from another state than {state.path}; nothing was sent")
    if canonical_url(plan.service) != session.base_url:
        raise SyncError(f"the plan is for {plan.service}, and this is {session.base_url}; nothing was sent")
    if plan.revision != state.revision:
        raise _stale("something was applied since it was made")
    lost = {operation.key for operation in state.open.values() if operation.kind == "create"}
    problem = plan_mismatch(plan, state.owned, state.keys, lost)
    if problem is not None:
        raise SyncError(f"the plan does not fit the state: {problem}; nothing was sent")


def _stale(why: str) -> SyncError:
    return SyncError(f"the plan is stale: {why}. Nothing was sent; make a new plan")


class _Apply:
    def __init__(
        self, plan: SyncPlan, remote: RemoteView, sender: Sender, on_outcome: Callable[[SyncOutcome], object] | None
    ) -> None:
        self._plan = plan
        self._remote = remote
        self._state = remote.state
        self._sender = sender
        self._on_outcome = on_outcome
        self._outcomes: dict[str, SyncOutcome] = {}
        self._unknown: list[UnknownOutcome] = []
        self._last_unknown_at = 0.0

    async def run(self, organization: str | None) -> SyncReport:
        busy = [entry for entry in self._plan.entries if entry.action not in IDLE]
        if busy:
            await self._begin(organization)
        await self._remember()
        for entry in self._plan.entries:
            if entry.action in IDLE:
                kind = _IDLE_OUTCOMES[entry.action]
                why = None if entry.action is SyncAction.UNCHANGED else entry.reason
                self._done(outcome_of(entry, kind, error=why))
        await self._send([(entry, 0) for entry in busy])
        rows = await self._find_lost()
        others = [unknown for unknown in self._unknown if unknown.operation.kind != "create"]
        for outcome in await ReadBack(self._remote, self._sender.readbacks, others).run(rows):
            self._done(outcome)
        return SyncReport(outcomes=tuple(self._outcomes[entry.key] for entry in self._plan.entries))

    async def _begin(self, organization: str | None) -> None:
        await self._remote.refresh()
        await self._remote.detect_volatile_images(
            {entry.sku_id: (entry.seen, {}) for entry in self._plan.entries if entry.sku_id and entry.seen}
        )
        remote, state = self._remote, self._state
        self._sender.volatile = remote.volatile
        problem = plan_outdated(
            self._plan, remote.rows, state.seen, state.owned, remote.visibility(), volatile=remote.volatile
        )
        if problem is not None:
            raise _stale(problem)
        await self._state.bump_revision(organization)

    async def _remember(self) -> None:
        """Record the items for which nothing is sent."""
        items: list[TrackedSku] = []
        for entry in self._plan.entries:
            item = self._state.owned.get(entry.key)
            # Where the SKU is gone, that is remembered only once the remote was preferred for it.
            if entry.action is SyncAction.UNCHANGED and item is not None and (entry.seen or entry.settled):
                now = remembered(entry, item)
                if now != item or self._state.open_writes(entry.key):
                    items.append(now)
        await self._state.keep(*items)

    def _done(self, outcome: SyncOutcome) -> None:
        self._outcomes[outcome.key] = outcome
        if self._on_outcome is not None:
            call_plain("on_outcome", self._on_outcome, outcome)

    async def _send(self, entries: Sequence[tuple[SyncEntry, int]]) -> None:
        """Apply entries; operations of unknown outcome are collected.

        Raises:
            Exception: what stops everything; what was under way has ended by then.
        """

        async def work(one: tuple[SyncEntry, int]) -> None:
            done = await self._sender.send(*one)
            if isinstance(done, UnknownOutcome):
                self._unknown.append(done)
                self._last_unknown_at = anyio.current_time()
            else:
                self._done(done)

        await for_each(entries, work, workers=WORKERS, grace=_GRACE)

    async def _find_lost(self) -> Rows | None:
        """Find out what came of creates whose responses were lost; send those again that have not happened.

        Returns:
            A listing that was read after all was done, if there is one.
        """
        while lost := [unknown for unknown in self._unknown if unknown.operation.kind == "create"]:
            logger.warning("answers to creates were lost (%d); looking for their SKUs", len(lost))
            self._unknown = [unknown for unknown in self._unknown if unknown.operation.kind != "create"]
            await self._remote.sleep(max(0.0, self._last_unknown_at + self._remote.settle - anyio.current_time()))
            try:
                found = await self._remote.resolve_creates([unknown.operation for unknown in lost])
            except AIShootError as error:
                if ends_all(error):
                    raise
                for unknown in lost:
                    self._report_unknown(unknown, f"and nothing could be looked at ({error})")
                return None
            absent = {operation.number for operation in found.absent}
            again: list[tuple[SyncEntry, int]] = []
            for unknown in lost:
                entry, operation = unknown.entry, unknown.operation
                if operation.number in found.unresolved:
                    self._report_unknown(unknown, found.unresolved[operation.number].reason)
                elif operation.number not in absent:
                    outcome = outcome_of(entry, OutcomeKind.CREATED, sku_id=self._state.owned[entry.key].sku_id)
                    self._done(attrs.evolve(outcome, found_by_looking=True))
                elif operation.tries < MAX_RESENDS:
                    again.append((entry, operation.tries + 1))
                else:
                    why = f"sent {MAX_RESENDS + 1} times, and never there afterwards ({unknown.problem})"
                    self._done(outcome_of(entry, OutcomeKind.FAILED, error=why))
            if not again:
                return self._remote.rows
            await self._send(again)
        return None

    def _report_unknown(self, unknown: UnknownOutcome, why: str) -> None:
        self._done(outcome_of(unknown.entry, OutcomeKind.UNKNOWN, error=f"{unknown.problem}; {why}"))
