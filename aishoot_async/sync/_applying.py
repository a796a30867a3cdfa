"""Applying a plan: many entries at once; then what got lost is looked for, and what was done is read back."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import anyio
import attrs

from ..callbacks import call_plain, check_plain
from ..config import canonical_url
from ..errors import AIShootError, ConfigurationError, SyncError
from ..failures import ends_all
from ..session import AIShootSession
from ..validation import check_seconds
from ._catalog import organization_of
from ._checking import foreign, outrun
from ._gate import Gate
from ._life import Owned
from ._looking import Looker, Rows
from ._plan import IDLE, SyncAction, SyncEntry, SyncPlan
from ._readback import ReadBack
from ._report import OutcomeKind, SyncOutcome, SyncReport
from ._sending import Doubt, Sender, outcome_of, remembered
from ._state import State, opened, state_path

logger: Final = logging.getLogger("aishoot_async.sync")
WORKERS: Final = 128
"""Entries in hand at once. The session's throttle decides how many of them are on their way, usually half as many:
while some wait for the disk, others are sent."""
RESENDS: Final = 3
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
    async with opened(state_path(plan.state if state is None else state), session.base_url, organization) as held:
        _check(plan, held, session)
        looker = Looker(session, held, settle=settle, patience=patience, sleep=anyio.sleep)

        async def probe() -> None:
            await session.skus.list(patience=patience, prefetch=1)

        gate = Gate(probe)
        sender = Sender(session, held, gate, patience=patience)
        try:
            return await _Apply(plan, looker, sender, on_outcome).run(organization)
        finally:
            await gate.aclose()


def _check(plan: SyncPlan, state: State, session: AIShootSession) -> None:
    if plan.state_id != state.identity:
        raise SyncError(f"the plan was made from another state than {state.path}; nothing was sent")
    if canonical_url(plan.service) != session.base_url:
        raise SyncError(f"the plan is for {plan.service}, and this is {session.base_url}; nothing was sent")
    if plan.revision != state.revision:
        raise _stale("something was applied since it was made")
    lost = {operation.key for operation in state.open.values() if operation.kind == "create"}
    problem = foreign(plan, state.owned, state.keys, lost)
    if problem is not None:
        raise SyncError(f"the plan does not fit the state: {problem}; nothing was sent")


def _stale(why: str) -> SyncError:
    return SyncError(f"the plan is stale: {why}. Nothing was sent; make a new plan")


class _Apply:
    def __init__(
        self, plan: SyncPlan, looker: Looker, sender: Sender, tell: Callable[[SyncOutcome], object] | None
    ) -> None:
        self._plan = plan
        self._looker = looker
        self._state = looker.state
        self._sender = sender
        self._tell = tell
        self._outcomes: dict[str, SyncOutcome] = {}
        self._doubts: list[Doubt] = []
        self._fatal: Exception | None = None
        self._last_doubt = 0.0

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
        others = [doubt for doubt in self._doubts if doubt.operation.kind != "create"]
        for outcome in await ReadBack(self._looker, self._sender.touched, others).run(rows):
            self._done(outcome)
        return SyncReport(outcomes=tuple(self._outcomes[entry.key] for entry in self._plan.entries))

    async def _begin(self, organization: str | None) -> None:
        await self._looker.look()
        await self._looker.look_at_images(
            {entry.sku_id: (entry.seen, {}) for entry in self._plan.entries if entry.sku_id and entry.seen}
        )
        looker, state, volatile = self._looker, self._state, self._looker.volatile
        self._sender.volatile = volatile
        problem = outrun(self._plan, looker.rows, state.seen, state.owned, looker.legibility(), volatile=volatile)
        if problem is not None:
            raise _stale(problem)
        await self._state.move_on(organization)

    async def _remember(self) -> None:
        """Remember what was settled without anything being sent."""
        items: list[Owned] = []
        for entry in self._plan.entries:
            item = self._state.owned.get(entry.key)
            # Where the SKU is gone, that is remembered only once the remote was preferred for it.
            if entry.action is SyncAction.UNCHANGED and item is not None and (entry.seen or entry.settled):
                now = remembered(entry, item)
                if now != item or self._state.doubts(entry.key):
                    items.append(now)
        await self._state.keep(*items)

    def _done(self, outcome: SyncOutcome) -> None:
        self._outcomes[outcome.key] = outcome
        if self._tell is not None:
            call_plain("on_outcome", self._tell, outcome)

    async def _send(self, entries: Sequence[tuple[SyncEntry, int]]) -> None:
        """Do what entries say; what got lost is in doubt then.

        Raises:
            Exception: what stops everything; what was under way has ended by then.
        """
        left = iter(entries)
        async with anyio.create_task_group() as group:
            for _ in range(min(WORKERS, len(entries))):
                group.start_soon(self._work, left, group.cancel_scope)
        if self._fatal is not None:
            raise self._fatal

    async def _work(self, left: Iterator[tuple[SyncEntry, int]], scope: anyio.CancelScope) -> None:
        try:
            for entry, tries in left:
                done = await self._sender.send(entry, tries)
                if isinstance(done, Doubt):
                    self._doubts.append(done)
                    self._last_doubt = anyio.current_time()
                else:
                    self._done(done)
                if self._fatal is not None:
                    return
        except Exception as error:  # noqa: BLE001  # raised by `_send`, when the others have ended
            self._fatal = self._fatal or error
            scope.deadline = min(scope.deadline, anyio.current_time() + _GRACE)

    async def _find_lost(self) -> Rows | None:
        """Find out what came of creates whose answers were lost; send again what has not happened.

        Returns:
            A listing that was seen after all was done, if there is one.
        """
        while lost := {doubt.operation.number: doubt for doubt in self._doubts if doubt.operation.kind == "create"}:
            logger.warning("answers to creates were lost (%d); looking for their SKUs", len(lost))
            self._doubts = [doubt for doubt in self._doubts if doubt.operation.kind != "create"]
            await self._looker.sleep(max(0.0, self._last_doubt + self._looker.settle - anyio.current_time()))
            try:
                found = await self._looker.find([doubt.operation for doubt in lost.values()])
            except AIShootError as error:
                if ends_all(error):
                    raise
                for doubt in lost.values():
                    self._unknown(doubt, f"and nothing could be looked at ({error})")
                return None
            absent = {operation.number for operation in found.absent}
            again: list[tuple[SyncEntry, int]] = []
            for number, doubt in lost.items():
                if number in found.held:
                    self._unknown(doubt, found.held[number].reason)
                elif number not in absent:
                    outcome = outcome_of(
                        doubt.entry, OutcomeKind.CREATED, sku_id=self._state.owned[doubt.entry.key].sku_id
                    )
                    self._done(attrs.evolve(outcome, found_by_looking=True))
                elif doubt.operation.tries < RESENDS:
                    again.append((doubt.entry, doubt.operation.tries + 1))
                else:
                    why = f"sent {RESENDS + 1} times, and never there afterwards ({doubt.problem})"
                    self._done(outcome_of(doubt.entry, OutcomeKind.FAILED, error=why))
            if not again:
                return self._looker.rows
            await self._send(again)
        return None

    def _unknown(self, doubt: Doubt, why: str) -> None:
        self._done(outcome_of(doubt.entry, OutcomeKind.UNKNOWN, error=f"{doubt.problem}; {why}"))
