"""Applying one entry of a plan. Each operation is recorded in the state before it is sent, and when it has ended."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

import attrs

from ..errors import (
    AIShootError,
    AmbiguousWriteError,
    APIStatusError,
    NotFoundError,
    RequestValidationError,
    SyncError,
    TransportError,
    UnexpectedResponseError,
)
from ..failures import ends_all, is_passing
from ..models import Sku, SkuCreate
from ..session import AIShootSession
from ._circuit_breaker import CircuitBreaker
from ._fields import ABSENT, FIELDS, Fields, has_changed, matches_desired, remote_fields, request_fields
from ._merging import update_body
from ._operations import Operation, TrackedSku
from ._plan import SyncAction, SyncEntry
from ._report import OutcomeKind, SyncOutcome
from ._state import State
from ._uploads import Uploads


@attrs.frozen(kw_only=True)
class UnknownOutcome:
    """An operation of which it is not known whether it happened.

    Attributes:
        entry: what it was to do.
        operation: the operation, which stays open in the state.
        problem: what was seen instead of an answer: a sentence.
    """

    entry: SyncEntry
    operation: Operation
    problem: str


@attrs.frozen(kw_only=True)
class PendingReadback:
    """A SKU that was created or updated, and is to be read back.

    Attributes:
        entry: what was done.
        before: what the service showed before that; ``None`` of a created SKU.
        remembered: what it showed when it was last read back.
    """

    entry: SyncEntry
    before: Fields | None = None
    remembered: Fields | None = None


class Sender:
    """Applies entries, one call of `send` each; many may be under way at once.

    Attributes:
        readbacks: the SKUs that were created or updated, by key.
        volatile: the fields that a SKU shows differently in each answer, by id.
    """

    def __init__(self, session: AIShootSession, state: State, breaker: CircuitBreaker, *, patience: float) -> None:
        self._session = session
        self._state = state
        self._breaker = breaker
        self._patience = patience
        self._uploads = Uploads(session, patience)
        self.readbacks: dict[str, PendingReadback] = {}
        self.volatile: Mapping[str, Collection[str]] = {}

    async def send(self, entry: SyncEntry, tries: int = 0) -> SyncOutcome | UnknownOutcome:
        """Apply an entry; ``tries``: how many creates of it came to nothing before.

        Raises:
            AIShootError: what stops everything.
        """
        if entry.action is SyncAction.RELEASE:
            await self._state.forget(entry.key)
            return outcome_of(entry, OutcomeKind.RELEASED)
        await self._breaker.wait()
        if self._breaker.problem is not None:
            return outcome_of(entry, OutcomeKind.FAILED, error=self._breaker.problem)
        try:
            done = await self._send(entry, tries)
        except AIShootError as error:
            if ends_all(error):
                raise
            if is_passing(error):
                self._breaker.record_failure()
            else:
                self._breaker.record_answer()
            return outcome_of(entry, OutcomeKind.FAILED, error=_sentence(error))
        if isinstance(done, SyncOutcome):
            self._breaker.record_answer()
        return done

    async def _send(self, entry: SyncEntry, tries: int) -> SyncOutcome | UnknownOutcome:
        if entry.pictures:
            try:
                await self._uploads.send(entry.pictures.values())
            except SyncError as error:
                # The file is at fault, and so is this item alone.
                return outcome_of(entry, OutcomeKind.FAILED, error=str(error))
        match entry.action:
            case SyncAction.CREATE:
                return await self._create(entry, tries)
            case SyncAction.UPDATE:
                return await self._update(entry, self._state.owned[entry.key], OutcomeKind.UPDATED)
            case SyncAction.ADOPT:
                return await self._adopt(entry)
            case _:
                return await self._delete(entry)

    async def _create(self, entry: SyncEntry, tries: int) -> SyncOutcome | UnknownOutcome:
        request = SkuCreate(**request_fields(entry.wanted))
        operation = self._state.begin("create", entry.key, entry.wanted, tries=tries)
        await self._state.record_intent(operation)
        try:
            sku = await self._session.skus.create(request, patience=self._patience)
        except AmbiguousWriteError as error:
            self._breaker.record_lost()
            return UnknownOutcome(entry=entry, operation=operation, problem=_sentence(error))
        except AIShootError as error:
            await self._state.end(operation, "failed", note=_sentence(error))
            raise
        taken = self._state.keys.get(sku.id)
        if taken is not None and taken != entry.key:
            problem = f"the service gave it the id {sku.id}, which {taken!r} has"
            return UnknownOutcome(entry=entry, operation=operation, problem=problem)
        self.readbacks[entry.key] = PendingReadback(entry=entry)
        item = TrackedSku(key=entry.key, sku_id=sku.id, applied=entry.wanted)
        await self._state.end(operation, "done", item=item)
        return outcome_of(entry, OutcomeKind.CREATED, sku_id=sku.id)

    async def _adopt(self, entry: SyncEntry) -> SyncOutcome | UnknownOutcome:
        if entry.renamed_from is not None:
            await self._state.rename({entry.renamed_from: entry.key})
            item = self._state.owned[entry.key]
            if not entry.changes:
                await self._state.keep(remembered(entry, item))
        else:
            sent = {field: value for field, value in entry.wanted.items() if field not in entry.changes}
            item = TrackedSku(key=entry.key, sku_id=_id_of(entry), applied=sent, row=entry.seen)
            await self._state.adopt(item)
        if not entry.changes:
            return outcome_of(entry, OutcomeKind.ADOPTED)
        return await self._update(entry, item, OutcomeKind.ADOPTED)

    async def _update(self, entry: SyncEntry, item: TrackedSku, kind: OutcomeKind) -> SyncOutcome | UnknownOutcome:
        fresh = await self._fresh(entry)
        if fresh is None:
            return outcome_of(entry, OutcomeKind.CONFLICT, error="its SKU was deleted at the service meanwhile")
        row = remote_fields(fresh)
        conflict = self._changed_since(entry, row, entry.wanted, item)
        if conflict is not None:
            return outcome_of(entry, OutcomeKind.CONFLICT, error=conflict)
        request = update_body(entry, fresh, item)
        changes = {field: new for field, (_, new) in entry.changes.items()}
        operation = self._state.begin("update", entry.key, changes, sku_id=item.sku_id)
        skus, patience = self._session.skus, self._patience
        unknown = await self._write(entry, operation, lambda: skus.update(item.sku_id, request, patience=patience))
        if unknown is not None:
            return unknown
        self.readbacks[entry.key] = PendingReadback(entry=entry, before=row, remembered=item.row)
        await self._state.end(operation, "done", item=applied(entry, item))
        return outcome_of(entry, kind)

    async def _delete(self, entry: SyncEntry) -> SyncOutcome | UnknownOutcome:
        fresh = await self._fresh(entry)
        if fresh is None:
            await self._state.forget(entry.key)
            return outcome_of(entry, OutcomeKind.DELETED)
        conflict = self._changed_since(entry, remote_fields(fresh), FIELDS, self._state.owned[entry.key])
        if conflict is not None:
            return outcome_of(entry, OutcomeKind.CONFLICT, error=conflict)
        operation = self._state.begin("delete", entry.key, {}, sku_id=entry.sku_id)

        async def delete() -> None:
            # A 404: somebody else was quicker.
            with contextlib.suppress(NotFoundError):
                await self._session.skus.delete(_id_of(entry), patience=self._patience)

        unknown = await self._write(entry, operation, delete)
        if unknown is not None:
            return unknown
        await self._state.forget(entry.key, operation)
        return outcome_of(entry, OutcomeKind.DELETED)

    async def _fresh(self, entry: SyncEntry) -> Sku | None:
        try:
            return await self._session.skus.get(_id_of(entry), patience=self._patience)
        except NotFoundError as error:
            if not error.synthetic:
                raise  # it is the list of SKUs that was not found, which tells nothing of this one
            return None

    def _changed_since(self, entry: SyncEntry, row: Fields, judged: Iterable[str], item: TrackedSku) -> str | None:
        volatile = self.volatile.get(item.sku_id, ())
        changed = [field for field in judged if has_changed(field, entry.seen, row, item.applied, volatile)]
        return f"changed at the service since the plan was made: {', '.join(changed)}" if changed else None

    async def _write(
        self, entry: SyncEntry, operation: Operation, call: Callable[[], Awaitable[object]]
    ) -> UnknownOutcome | None:
        """Make an update or a delete; return it if nobody knows whether it has happened.

        Raises:
            AIShootError: it has not happened; or everything stops, and the operation stays open.
        """
        await self._state.record_intent(operation)
        try:
            await call()
        except AIShootError as error:
            if ends_all(error):
                raise
            if may_have_happened(error):
                self._breaker.record_failure()
                return UnknownOutcome(entry=entry, operation=operation, problem=_sentence(error))
            await self._state.end(operation, "failed", note=_sentence(error))
            raise
        return None


def applied(entry: SyncEntry, item: TrackedSku) -> TrackedSku:
    """Return the item as it is once its entry is applied, before it is read back."""
    changed = {field: value for field, value in entry.wanted.items() if field not in entry.left}
    settled = (item.settled - changed.keys()) | set(entry.settled)
    now = {field: entry.wanted[field] for field in entry.settled}
    return attrs.evolve(item, applied={**item.applied, **changed, **now}, row=None, settled=settled)


def remembered(entry: SyncEntry, item: TrackedSku) -> TrackedSku:
    """Return the item as it is to be remembered once it needs nothing more."""
    if not entry.seen:
        return attrs.evolve(item, applied={**item.applied, **entry.wanted}, row={}, settled=frozenset(entry.settled))
    judged = [field for field in entry.wanted if field not in entry.left or field in entry.settled]
    row = entry.seen
    if item.row is not None:
        others = {field: value for field, value in item.row.items() if field not in judged}
        row = {**others, **{field: entry.seen[field] for field in judged if field in entry.seen}}
    changed = {field: entry.wanted[field] for field in judged}
    shown = {field for field in changed if matches_desired(field, changed[field], row.get(field, ABSENT))}
    settled = (item.settled - shown) | set(entry.settled)
    return attrs.evolve(item, applied={**item.applied, **changed}, row=row, settled=settled)


def _id_of(entry: SyncEntry) -> str:
    if entry.sku_id is None:
        raise RequestValidationError(f"the plan names no SKU for {entry.key!r}", field="sku_id")
    return entry.sku_id


def outcome_of(
    entry: SyncEntry, kind: OutcomeKind, *, sku_id: str | None = None, error: str | None = None
) -> SyncOutcome:
    return SyncOutcome(key=entry.key, outcome=kind, sku_id=sku_id or entry.sku_id, error=error, line=entry.line)


def may_have_happened(error: AIShootError) -> bool:
    """Tell whether an update or a delete that failed with this error may have been done all the same."""
    if isinstance(error, UnexpectedResponseError):
        return True
    if not isinstance(error, TransportError | APIStatusError):
        return False
    return (isinstance(error, TransportError) and error.maybe_sent) or any(
        attempt.may_have_happened for attempt in error.attempts
    )


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
