"""Pure: what is to be done about each item, from what the catalog states, the state remembers and the service has.

The three-way comparison of a field, with W wanted now, L wanted at the last apply, B the remote value as read back
after it, and R the remote value now:

    R == B   W == L          what becomes of the field
    --------------------------------------------------------------------------------------------------------------
    yes      yes             unchanged
    yes      no              update; unchanged if the service shows it already
    no       any, shows W    unchanged
    no       yes             changed by somebody else: update, because the catalog owns what it states; kept, if the
                             remote is preferred
    no       no              changed on both sides: a conflict; update, if the catalog is preferred; accepted as it is,
                             if the remote is

A field that the service never shows, or shows differently in each answer, has R == B, and is decided by W and L alone.
If B is not known (the apply was cut off before it could read back), R is taken for it; unless R does not show L, and
other SKUs prove that the service shows that field as it was sent: then the field counts as changed. A field that an
update of unknown outcome touched is no conflict: that update may be the change. It is sent again, unless the service
shows it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

import attrs

from ._fields import ABSENT, FIELDS, Fields, echoes, has_changed, matches_desired, same_remote
from ._images import PlannedPicture
from ._matching import CandidateIndex, FieldVisibility, Unresolved, name_skus
from ._operations import Operation, TrackedSku
from ._plan import Prefer, SyncAction, SyncEntry


class Verdict(Enum):
    """What becomes of a field."""

    UNCHANGED = auto()
    UPDATE = auto()
    KEEP_REMOTE = auto()  # as the remote has it, and reported again next time
    ACCEPT_REMOTE = auto()  # as the remote has it, and remembered
    CONFLICT = auto()


@attrs.frozen(kw_only=True)
class Baseline:
    """What is remembered of an item.

    Attributes:
        applied: what was wanted at the last apply (L).
        row: what the service showed then (B); ``None`` if that was not read back.
        uncertain: fields that an update of unknown outcome touched.
        verified: fields that the service is known to show as they were sent.
        volatile: fields that the service shows differently in each answer.
    """

    applied: Fields
    row: Fields | None
    uncertain: Collection[str] = ()
    verified: Collection[str] = ()
    volatile: Collection[str] = ()

    def changed_remotely(self, field: str, row: Fields) -> bool:
        """Tell whether the service shows a field differently than it was read back; False if it never was."""
        return self.row is not None and has_changed(field, self.row, row, self.applied, self.volatile)


def judge_field(field: str, desired: Any, baseline: Baseline, row: Fields, prefer: Prefer | None) -> Verdict:
    """Look a field up in the table."""
    now = row.get(field, ABSENT)
    if matches_desired(field, desired, now):
        return Verdict.UNCHANGED
    if field in baseline.uncertain:
        return Verdict.UPDATE
    is_wanted_as_before = field in baseline.applied and same_remote(field, baseline.applied[field], desired)
    if baseline.row is not None:
        is_as_before = not baseline.changed_remotely(field, row)
    else:
        is_as_before = not is_wanted_as_before or field not in baseline.verified or echoes(field, desired, row)
    if is_as_before:
        return Verdict.UNCHANGED if is_wanted_as_before else Verdict.UPDATE
    if is_wanted_as_before:
        return Verdict.KEEP_REMOTE if prefer == "remote" else Verdict.UPDATE
    if prefer is None:
        return Verdict.CONFLICT
    return Verdict.UPDATE if prefer == "catalog" else Verdict.ACCEPT_REMOTE


@attrs.frozen(kw_only=True)
class DesiredItem:
    """An item of the catalog, ready to be compared.

    Attributes:
        key: the item's.
        fields: every field that the catalog states; images are identifiers.
        pictures: the files behind them, if the catalog names the images by path.
        line: its line in the catalog's file.
    """

    key: str
    fields: Fields
    pictures: Mapping[str, PlannedPicture] = attrs.field(factory=dict[str, PlannedPicture])
    line: int | None = None


@attrs.frozen(kw_only=True)
class PlanInput:
    """What the service has, and what the state remembers.

    Attributes:
        rows: every SKU of the service, by id.
        owned: the items that have a SKU, by key.
        open_writes: the updates and deletes of unknown outcome, by key.
        unresolved: the creates of unknown outcome, and why it cannot be found out, by key.
        visibility: which fields the service shows in a form that can be compared.
        prefer: who wins if both sides have changed.
        volatile: the fields that a SKU shows differently in each answer, by id.
        adopted: how many SKUs the state has adopted.
    """

    rows: Mapping[str, Fields]
    owned: Mapping[str, TrackedSku]
    open_writes: Mapping[str, Sequence[Operation]]
    unresolved: Mapping[str, Unresolved]
    visibility: FieldVisibility
    prefer: Prefer | None = None
    volatile: Mapping[str, Collection[str]] = attrs.field(factory=dict[str, Collection[str]])
    adopted: int = 0

    def baseline(self, item: TrackedSku) -> Baseline:
        """Return what is remembered of an item."""
        return Baseline(
            applied=item.applied,
            row=item.row,
            uncertain={field for write in self.open_writes.get(item.key, ()) for field in write.wanted},
            verified=self.visibility.verified,
            volatile=self.volatile.get(item.sku_id, ()),
        )


class Planner:
    """Plans one item after the other; a SKU that one item may adopt is no other's.

    Attributes:
        ambiguous: by key, the SKUs that fit an item fully, if it cannot be told which of them is the item's.
    """

    def __init__(self, given: PlanInput) -> None:
        self._given = given
        owned = {item.sku_id for item in given.owned.values()}
        # SKUs that may have come of a create whose response was lost.
        self._reserved = {sku_id: key for key, found in given.unresolved.items() for sku_id in found.sku_ids}
        self._candidates = CandidateIndex(
            {sku_id: row for sku_id, row in given.rows.items() if sku_id not in owned}, given.visibility
        )
        self._taken: set[str] = set()
        self.ambiguous: dict[str, frozenset[str]] = {}

    def free(self) -> Mapping[str, Fields]:
        """Return the SKUs that no item has, without those that may have come of a lost create."""
        return {sku_id: row for sku_id, row in self.unowned().items() if sku_id not in self._reserved}

    def unowned(self) -> Mapping[str, Fields]:
        """Return the SKUs that no item has, including those that may have come of a lost create."""
        return {sku_id: row for sku_id, row in self._candidates.rows.items() if sku_id not in self._taken}

    def plan(self, desired: DesiredItem) -> SyncEntry:
        """Plan an item of the catalog."""
        entry = SyncEntry(key=desired.key, action=SyncAction.CREATE, line=desired.line, wanted=desired.fields)
        unresolved = self._given.unresolved.get(desired.key)
        if unresolved is not None:
            why = f"the answer to its create was lost: {unresolved.reason}"
            return attrs.evolve(entry, action=SyncAction.HOLD, reason=why)
        item = self._given.owned.get(desired.key)
        if item is None:
            return self._claim(entry, "the service does not have it")
        row = self._given.rows.get(item.sku_id)
        return self._plan_deleted(entry, item) if row is None else self.compare(entry, item, row)

    def _claim(self, entry: SyncEntry, why: str) -> SyncEntry:
        """Adopt the one SKU that fits, or create one."""
        fitting = [sku_id for sku_id in self._candidates.full_matches(entry.wanted) if sku_id not in self._taken]
        reserved = [sku_id for sku_id in fitting if sku_id in self._reserved]
        if not fitting:
            return self.create(entry, why)
        if len(fitting) == 1 and not reserved:
            return self.adopt(entry, fitting[0], "the service has it already")
        self.ambiguous[entry.key] = frozenset(fitting)
        if reserved:
            why = (
                f"{name_skus(reserved)} fits, but may have come of the create of {self._reserved[reserved[0]]!r}. Look "
                f"again later, or decide: adopt, if it is this item's, or create, if this is another item"
            )
        else:
            why = f"{name_skus(fitting)} may be it: each fits, and nobody's state has them. Decide which, by its id"
        return attrs.evolve(entry, action=SyncAction.CONFLICT, reason=why)

    def create(self, entry: SyncEntry, why: str) -> SyncEntry:
        """Plan to create a SKU for an item."""
        changes = {field: (None, value) for field, value in entry.wanted.items()}
        return attrs.evolve(entry, action=SyncAction.CREATE, changes=changes, sku_id=None, reason=why)

    def adopt(self, entry: SyncEntry, sku_id: str, why: str) -> SyncEntry:
        """Plan to make an untracked SKU an item's."""
        self._taken.add(sku_id)
        row = self._given.rows[sku_id]
        hidden = self._given.visibility.hidden
        # A hidden field cannot be known to be as wanted, so it is sent.
        changes = {
            field: (row.get(field), value)
            for field, value in entry.wanted.items()
            if field in hidden or not echoes(field, value, row)
        }
        return attrs.evolve(entry, action=SyncAction.ADOPT, sku_id=sku_id, seen=row, changes=changes, reason=why)

    def _plan_deleted(self, entry: SyncEntry, item: TrackedSku) -> SyncEntry:
        """Plan an item whose SKU the service no longer has."""
        gone = f"SKU {item.sku_id} was deleted at the service"
        prefer = self._given.prefer
        was_ours = any(write.kind == "delete" for write in self._given.open_writes.get(item.key, ()))
        is_as_before = all(
            field in item.applied and same_remote(field, item.applied[field], value)
            for field, value in entry.wanted.items()
        )
        if item.is_gone and is_as_before and prefer != "catalog":
            return attrs.evolve(entry, action=SyncAction.UNCHANGED, reason=f"{gone}, and that was left so")
        if prefer == "remote" and not was_ours:
            # As with a field: what the catalog has not changed is kept and reported again, the rest is accepted.
            accepted = () if is_as_before else tuple(entry.wanted)
            why = f"{gone}; it stays so, as the remote is preferred"
            return attrs.evolve(entry, action=SyncAction.UNCHANGED, left=accepted, settled=accepted, reason=why)
        if is_as_before or was_ours or prefer == "catalog":
            return self._claim(entry, gone)
        why = f"{gone}, and the catalog has changed"
        return attrs.evolve(entry, action=SyncAction.CONFLICT, sku_id=item.sku_id, reason=why)

    def compare(self, entry: SyncEntry, item: TrackedSku, row: Fields) -> SyncEntry:
        """Compare an item with its SKU, field by field."""
        baseline = self._given.baseline(item)
        fields: dict[Verdict, list[str]] = defaultdict(list)
        for field, value in entry.wanted.items():
            fields[judge_field(field, value, baseline, row, self._given.prefer)].append(field)
        accepted = fields[Verdict.ACCEPT_REMOTE]
        kept = [*fields[Verdict.KEEP_REMOTE], *accepted]
        action, differing, reason = SyncAction.UNCHANGED, list[str](), ""
        if kept:
            reason = f"left as changed at the service: {', '.join(kept)}"
        if conflicts := fields[Verdict.CONFLICT]:
            action, differing = SyncAction.CONFLICT, conflicts
            reason = f"changed both in the catalog and at the service: {', '.join(conflicts)}"
        elif updates := fields[Verdict.UPDATE]:
            action, differing = SyncAction.UPDATE, updates
            reason = _explain(updates, baseline, row)
        return attrs.evolve(
            entry,
            action=action,
            sku_id=item.sku_id,
            seen=row,
            left=kept,
            settled=accepted,
            changes={field: (row.get(field), entry.wanted[field]) for field in differing},
            reason=reason,
        )

    def delete(self, key: str) -> SyncEntry:
        """Plan an item that the catalog no longer has."""
        item = self._given.owned[key]
        row = self._given.rows.get(item.sku_id)
        entry = SyncEntry(key=key, action=SyncAction.DELETE, sku_id=item.sku_id, seen=row or {})
        if row is None:
            return attrs.evolve(entry, reason="the catalog does not have it any more, and the service neither")
        baseline = self._given.baseline(item)
        changed = [
            field for field in FIELDS if field not in baseline.uncertain and baseline.changed_remotely(field, row)
        ]
        if not changed or self._given.prefer == "catalog":
            return attrs.evolve(entry, reason="the catalog does not have it any more")
        why = f"the catalog does not have it any more, but it was changed at the service: {', '.join(changed)}"
        if self._given.prefer == "remote":
            why = f"{why}; the SKU stays, as the remote is preferred, and the state lets go of it"
            return attrs.evolve(entry, action=SyncAction.RELEASE, reason=why)
        return attrs.evolve(entry, action=SyncAction.CONFLICT, reason=why)


def _explain(differing: Sequence[str], baseline: Baseline, row: Fields) -> str:
    remotely = [field for field in differing if baseline.changed_remotely(field, row)]
    locally = [field for field in differing if field not in remotely]
    parts = (("changed in the catalog", locally), ("changed at the service", remotely))
    return "; ".join(f"{where}: {', '.join(fields)}" for where, fields in parts if fields)


def count_deletions(entries: Iterable[SyncEntry], rows: Collection[str]) -> int:
    """Count the SKUs that would be deleted."""
    return sum(entry.action is SyncAction.DELETE and entry.sku_id in rows for entry in entries)
