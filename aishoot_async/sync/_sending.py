"""Doing what one entry of a plan says. Each operation is written down before it is sent, and when it has ended."""

from collections.abc import Collection, Iterable, Mapping

import attrs

from ..errors import AIShootError, AmbiguousWriteError, NotFoundError, RequestValidationError, SyncError
from ..failures import ends_all, is_passing
from ..models import Sku, SkuCreate
from ..session import AIShootSession
from ._circuit_breaker import Gate
from ._failures import may_have_happened, sentence
from ._fields import ABSENT, FIELDS, Fields, has_changed, request_fields, same, shown
from ._merging import merged
from ._operations import Operation, Owned
from ._plan import SyncAction, SyncEntry
from ._report import OutcomeKind, SyncOutcome
from ._state import State
from ._uploads import Uploads


@attrs.frozen(kw_only=True)
class Doubt:
    """An operation of which it is not known whether it happened.

    Attributes:
        entry: what it was to do.
        operation: itself.
        problem: what was seen instead of an answer: a sentence.
    """

    entry: SyncEntry
    operation: Operation
    problem: str


@attrs.frozen(kw_only=True)
class Touched:
    """A SKU that was created or updated, and is to be read back.

    Attributes:
        entry: what was done.
        before: what the service showed before that; of a created one, nothing.
        remembered: what it had shown when it was read back the last time.
    """

    entry: SyncEntry
    before: Fields | None = None
    remembered: Fields | None = None


class Sender:
    """Does what entries say, one call of `send` each; many may be under way at once.

    Attributes:
        touched: by keys, what was done and answered.
        volatile: the fields that a SKU shows otherwise in each answer, by its id.
    """

    def __init__(self, session: AIShootSession, state: State, gate: Gate, *, patience: float) -> None:
        """Send nothing yet."""
        self._session = session
        self._state = state
        self._gate = gate
        self._patience = patience
        self._uploads = Uploads(session, patience)
        self.touched: dict[str, Touched] = {}
        self.volatile: Mapping[str, Collection[str]] = {}

    async def send(self, entry: SyncEntry, tries: int = 0) -> SyncOutcome | Doubt:
        """Do what an entry says; ``tries``: how many creates of it came to nothing before.

        Raises:
            AIShootError: what stops everything.
        """
        if entry.action is SyncAction.RELEASE:
            await self._state.forget(entry.key)
            return outcome_of(entry, OutcomeKind.RELEASED)
        await self._gate.enter()
        if self._gate.shut is not None:
            return outcome_of(entry, OutcomeKind.FAILED, error=self._gate.shut)
        try:
            done = await self._send(entry, tries)
        except AIShootError as error:
            if ends_all(error):
                raise
            if is_passing(error):
                self._gate.failed()
            else:
                self._gate.answered()
            return outcome_of(entry, OutcomeKind.FAILED, error=sentence(error))
        if isinstance(done, SyncOutcome):
            self._gate.answered()
        return done

    async def _send(self, entry: SyncEntry, tries: int) -> SyncOutcome | Doubt:
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

    async def _create(self, entry: SyncEntry, tries: int) -> SyncOutcome | Doubt:
        request = SkuCreate(**request_fields(entry.wanted))
        operation = self._state.begin("create", entry.key, entry.wanted, tries=tries)
        await self._state.intend(operation)
        try:
            sku = await self._session.skus.create(request, patience=self._patience)
        except AmbiguousWriteError as error:
            self._gate.lost()
            return Doubt(entry=entry, operation=operation, problem=sentence(error))
        except AIShootError as error:
            await self._state.end(operation, "failed", note=sentence(error))
            raise
        taken = self._state.keys.get(sku.id)
        if taken is not None and taken != entry.key:
            problem = f"the service gave it the id {sku.id}, which {taken!r} has"
            return Doubt(entry=entry, operation=operation, problem=problem)
        self.touched[entry.key] = Touched(entry=entry)
        item = Owned(key=entry.key, sku_id=sku.id, applied=entry.wanted)
        await self._state.end(operation, "done", item=item)
        return outcome_of(entry, OutcomeKind.CREATED, sku_id=sku.id)

    async def _adopt(self, entry: SyncEntry) -> SyncOutcome | Doubt:
        if entry.renamed_from is not None:
            await self._state.rename({entry.renamed_from: entry.key})
            item = self._state.owned[entry.key]
            if not entry.changes:
                await self._state.keep(remembered(entry, item))
        else:
            sent = {field: value for field, value in entry.wanted.items() if field not in entry.changes}
            item = Owned(key=entry.key, sku_id=_id_of(entry), applied=sent, row=entry.seen)
            await self._state.adopt(item)
        if not entry.changes:
            return outcome_of(entry, OutcomeKind.ADOPTED)
        return await self._update(entry, item, OutcomeKind.ADOPTED)

    async def _update(self, entry: SyncEntry, item: Owned, kind: OutcomeKind) -> SyncOutcome | Doubt:
        fresh = await self._fresh(entry)
        if fresh is None:
            return outcome_of(entry, OutcomeKind.CONFLICT, error="its SKU was deleted at the service meanwhile")
        row = shown(fresh)
        conflict = self._changed_since(entry, row, entry.wanted, item)
        if conflict is not None:
            return outcome_of(entry, OutcomeKind.CONFLICT, error=conflict)
        request = merged(entry, fresh, item)
        changes = {field: new for field, (_, new) in entry.changes.items()}
        operation = self._state.begin("update", entry.key, changes, sku_id=item.sku_id)
        await self._state.intend(operation)
        try:
            await self._session.skus.update(item.sku_id, request, patience=self._patience)
        except AIShootError as error:
            doubt = await self._failed(entry, operation, error)
            if doubt is None:
                raise
            return doubt
        self.touched[entry.key] = Touched(entry=entry, before=row, remembered=item.row)
        await self._state.end(operation, "done", item=applied(entry, item))
        return outcome_of(entry, kind)

    async def _delete(self, entry: SyncEntry) -> SyncOutcome | Doubt:
        fresh = await self._fresh(entry)
        if fresh is None:
            await self._state.forget(entry.key)
            return outcome_of(entry, OutcomeKind.DELETED)
        conflict = self._changed_since(entry, shown(fresh), FIELDS, self._state.owned[entry.key])
        if conflict is not None:
            return outcome_of(entry, OutcomeKind.CONFLICT, error=conflict)
        operation = self._state.begin("delete", entry.key, {}, sku_id=entry.sku_id)
        await self._state.intend(operation)
        try:
            await self._session.skus.delete(_id_of(entry), patience=self._patience)
        except NotFoundError:
            pass  # somebody else was quicker
        except AIShootError as error:
            doubt = await self._failed(entry, operation, error)
            if doubt is None:
                raise
            return doubt
        await self._state.forget(entry.key, operation)
        return outcome_of(entry, OutcomeKind.DELETED)

    async def _fresh(self, entry: SyncEntry) -> Sku | None:
        try:
            return await self._session.skus.get(_id_of(entry), patience=self._patience)
        except NotFoundError as error:
            if not error.synthetic:
                raise  # it is the list of SKUs that was not found, which tells nothing of this one
            return None

    def _changed_since(self, entry: SyncEntry, row: Fields, judged: Iterable[str], item: Owned) -> str | None:
        """Say what of a SKU has changed since the plan was made, of the fields that the plan judged."""
        volatile = self.volatile.get(item.sku_id, ())
        changed = [field for field in judged if has_changed(field, entry.seen, row, item.applied, volatile)]
        return f"changed at the service since the plan was made: {', '.join(changed)}" if changed else None

    async def _failed(self, entry: SyncEntry, operation: Operation, error: AIShootError) -> Doubt | None:
        """Tell an update or a delete that may have happened from one that has not, which is written down."""
        if ends_all(error):
            return None  # an attempt before that may have happened: it stays in doubt
        if may_have_happened(error):
            self._gate.failed()
            return Doubt(entry=entry, operation=operation, problem=sentence(error))
        await self._state.end(operation, "failed", note=sentence(error))
        return None


def applied(entry: SyncEntry, item: Owned) -> Owned:
    """Make the item what it is once its entry is applied, before it is read back."""
    changed = {field: value for field, value in entry.wanted.items() if field not in entry.left}
    settled = (item.settled - changed.keys()) | set(entry.settled)
    now = {field: entry.wanted[field] for field in entry.settled}
    return attrs.evolve(item, applied={**item.applied, **changed, **now}, row=None, settled=settled)


def remembered(entry: SyncEntry, item: Owned) -> Owned:
    """Make an item that is as it should be what it is to be remembered as."""
    if not entry.seen:
        return attrs.evolve(item, applied={**item.applied, **entry.wanted}, row={}, settled=frozenset(entry.settled))
    judged = [field for field in entry.wanted if field not in entry.left or field in entry.settled]
    row = entry.seen
    if item.row is not None:
        others = {field: value for field, value in item.row.items() if field not in judged}
        row = {**others, **{field: entry.seen[field] for field in judged if field in entry.seen}}
    changed = {field: entry.wanted[field] for field in judged}
    shown = {field for field in changed if same(field, changed[field], row.get(field, ABSENT))}
    settled = (item.settled - shown) | set(entry.settled)
    return attrs.evolve(item, applied={**item.applied, **changed}, row=row, settled=settled)


def _id_of(entry: SyncEntry) -> str:
    if entry.sku_id is None:
        raise RequestValidationError(f"the plan names no SKU for {entry.key!r}", field="sku_id")
    return entry.sku_id


def outcome_of(
    entry: SyncEntry, kind: OutcomeKind, *, sku_id: str | None = None, error: str | None = None
) -> SyncOutcome:
    """Make an outcome."""
    return SyncOutcome(key=entry.key, outcome=kind, sku_id=sku_id or entry.sku_id, error=error, line=entry.line)
