"""Pure: from what is wanted, what is remembered and what is there, to what is to be done about each item."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import attrs

from ._fields import FIELDS, Fields, equal, has_changed, shows
from ._judging import Known, Verdict, judge
from ._matching import Fit, Held, Legibility, Shelf, named
from ._operations import Operation, Owned
from ._plan import PlannedPicture, Prefer, SyncAction, SyncEntry


@attrs.frozen(kw_only=True)
class Wish:
    """An item of the catalog, ready to be compared.

    Attributes:
        key: the item's.
        fields: every field that the catalog states; images are identifiers.
        pictures: the pictures behind them, where the catalog names those by their paths.
        line: where a file has it.
    """

    key: str
    fields: Fields
    pictures: Mapping[str, PlannedPicture] = attrs.field(factory=dict[str, PlannedPicture])
    line: int | None = None


@attrs.frozen(kw_only=True)
class Situation:
    """What the service has, and what is remembered.

    Attributes:
        rows: every SKU of the service, by its id.
        owned: the items that have a SKU, by their keys.
        doubts: by keys, the updates and deletes of which no outcome is known.
        held: by keys, the creates of which no outcome is known, and why it cannot be found out.
        legibility: which fields the service shows so that they can be compared.
        prefer: who wins where both sides have changed.
        volatile: the fields that a SKU shows otherwise in each answer, by its id.
        adopted: how many SKUs the state has adopted.
    """

    rows: Mapping[str, Fields]
    owned: Mapping[str, Owned]
    doubts: Mapping[str, Sequence[Operation]]
    held: Mapping[str, Held]
    legibility: Legibility
    prefer: Prefer | None = None
    volatile: Mapping[str, Collection[str]] = attrs.field(factory=dict[str, Collection[str]])
    adopted: int = 0


class Decider:
    """Decides about one item after the other; a SKU that one may adopt is no other's.

    Attributes:
        several: by keys, the SKUs each of which fits an item wholly, where it cannot be told whether it is the item's.
    """

    def __init__(self, situation: Situation) -> None:
        """Look at what is there."""
        self._now = situation
        owned = {item.sku_id for item in situation.owned.values()}
        # Of these nobody knows yet whose they are.
        self._reserved = {sku_id: key for key, held in situation.held.items() for sku_id in held.sku_ids}
        free = {sku_id: row for sku_id, row in situation.rows.items() if sku_id not in owned}
        self._free = Shelf(free, situation.legibility)
        self._taken: set[str] = set()
        self.several: dict[str, frozenset[str]] = {}

    def free(self) -> Mapping[str, Fields]:
        """Give the SKUs that are no item's by now."""
        return {sku_id: row for sku_id, row in self.unowned().items() if sku_id not in self._reserved}

    def unowned(self) -> Mapping[str, Fields]:
        """Give the SKUs that no item has by now, with those that may have come of a lost create."""
        return {sku_id: row for sku_id, row in self._free.rows.items() if sku_id not in self._taken}

    def decide(self, wish: Wish) -> SyncEntry:
        """Say what is to be done about an item of the catalog."""
        entry = SyncEntry(key=wish.key, action=SyncAction.CREATE, line=wish.line, wanted=wish.fields)
        held = self._now.held.get(wish.key)
        if held is not None:
            why = f"the answer to its create was lost: {held.reason}"
            return attrs.evolve(entry, action=SyncAction.HOLD, reason=why)
        item = self._now.owned.get(wish.key)
        row = None if item is None else self._now.rows.get(item.sku_id)
        if item is None:
            entry = self._claim(entry, "the service does not have it")
        elif row is None:
            entry = self._gone(entry, item)
        else:
            entry = self.compare(entry, item, row)
        return entry

    def _claim(self, entry: SyncEntry, why: str) -> SyncEntry:
        """Adopt the one SKU that fits, or create one."""
        wanted = entry.wanted
        fitting = [
            sku_id for sku_id, fit in self._free.fits(wanted).items() if fit is Fit.WHOLE and sku_id not in self._taken
        ]
        doubtful = [sku_id for sku_id in fitting if sku_id in self._reserved]
        if doubtful:
            self.several[entry.key] = frozenset(fitting)
            why = (
                f"{named(doubtful)} fits, but may have come of the create of {self._reserved[doubtful[0]]!r}. Look "
                f"again later, or decide: adopt, if it is this item's, or create, if this is another item"
            )
            return attrs.evolve(entry, action=SyncAction.CONFLICT, reason=why)
        if len(fitting) > 1:
            self.several[entry.key] = frozenset(fitting)
            why = f"{named(fitting)} may be it: each fits, and nobody's state has them. Decide which, by its id"
            return attrs.evolve(entry, action=SyncAction.CONFLICT, reason=why)
        if not fitting:
            return self.create(entry, why)
        return self.adopt(entry, fitting[0], "the service has it already")

    def create(self, entry: SyncEntry, why: str) -> SyncEntry:
        """Create a SKU for an item."""
        changes = {field: (None, value) for field, value in entry.wanted.items()}
        return attrs.evolve(entry, action=SyncAction.CREATE, changes=changes, sku_id=None, reason=why)

    def adopt(self, entry: SyncEntry, sku_id: str, why: str) -> SyncEntry:
        """Make a SKU that is nobody's an item's."""
        self._taken.add(sku_id)
        wanted, row = entry.wanted, self._now.rows[sku_id]
        illegible = self._now.legibility.illegible
        # What the service does not show cannot be known to be as wanted, so it is sent.
        changes = {
            field: (row.get(field), value)
            for field, value in wanted.items()
            if field in illegible or not shows(field, value, row)
        }
        return attrs.evolve(entry, action=SyncAction.ADOPT, sku_id=sku_id, seen=row, changes=changes, reason=why)

    def _gone(self, entry: SyncEntry, item: Owned) -> SyncEntry:
        """Decide about an item whose SKU the service does not have any more."""
        gone = f"SKU {item.sku_id} was deleted at the service"
        was_ours = any(doubt.kind == "delete" for doubt in self._now.doubts.get(item.key, ()))
        is_as_before = all(
            field in item.applied and equal(field, item.applied[field], value) for field, value in entry.wanted.items()
        )
        if item.is_gone and is_as_before and self._now.prefer != "catalog":
            return attrs.evolve(entry, action=SyncAction.UNCHANGED, reason=f"{gone}, and that was left so")
        if self._now.prefer == "remote" and not was_ours:
            # As with a field: what the catalog has not changed is left, and told again; what it has, is settled.
            settled = () if is_as_before else tuple(entry.wanted)
            left = f"{gone}; it stays so, as the remote is preferred"
            return attrs.evolve(entry, action=SyncAction.UNCHANGED, left=settled, settled=settled, reason=left)
        if is_as_before or was_ours or self._now.prefer == "catalog":
            return self._claim(entry, gone)
        return attrs.evolve(
            entry, action=SyncAction.CONFLICT, sku_id=item.sku_id, reason=f"{gone}, and the catalog has changed"
        )

    def compare(self, entry: SyncEntry, item: Owned, row: Fields) -> SyncEntry:
        """Compare an item with its SKU, field by field."""
        doubtful = {field for doubt in self._now.doubts.get(item.key, ()) for field in doubt.wanted}
        known = Known(
            applied=item.applied,
            row=item.row,
            doubtful=doubtful,
            proven=self._now.legibility.proven,
            volatile=self._now.volatile.get(item.sku_id, ()),
        )
        verdicts = judge(entry.wanted, known, row, self._now.prefer)
        by_verdict: dict[Verdict, list[str]] = defaultdict(list)
        for field, verdict in verdicts.items():
            by_verdict[verdict].append(field)
        settled = by_verdict[Verdict.SETTLE]
        left = [*by_verdict[Verdict.LEAVE], *settled]
        action, differing, reason = SyncAction.UNCHANGED, list[str](), ""
        if left:
            reason = f"left as changed at the service: {', '.join(left)}"
        if by_verdict[Verdict.CONFLICT]:
            action, differing = SyncAction.CONFLICT, by_verdict[Verdict.CONFLICT]
            reason = f"changed both in the catalog and at the service: {', '.join(differing)}"
        elif by_verdict[Verdict.UPDATE]:
            action, differing = SyncAction.UPDATE, by_verdict[Verdict.UPDATE]
            reason = _why(differing, known, row)
        return attrs.evolve(
            entry,
            action=action,
            sku_id=item.sku_id,
            seen=row,
            left=left,
            settled=settled,
            changes={field: (row.get(field), entry.wanted[field]) for field in differing},
            reason=reason,
        )

    def remove(self, key: str) -> SyncEntry:
        """Say what is to be done about an item that the catalog does not have any more."""
        item = self._now.owned[key]
        row = self._now.rows.get(item.sku_id)
        entry = SyncEntry(key=key, action=SyncAction.DELETE, sku_id=item.sku_id, seen=row or {})
        if row is None:
            return attrs.evolve(entry, reason="the catalog does not have it any more, and the service neither")
        doubtful = {field for doubt in self._now.doubts.get(key, ()) for field in doubt.wanted}
        before, volatile = item.row, self._now.volatile.get(item.sku_id, ())
        changed = [
            field
            for field in FIELDS
            if before is not None and field not in doubtful and has_changed(field, before, row, item.applied, volatile)
        ]
        if changed and self._now.prefer != "catalog":
            why = f"the catalog does not have it any more, but it was changed at the service: {', '.join(changed)}"
            if self._now.prefer == "remote":
                why = f"{why}; the SKU stays, as the remote is preferred, and the state lets go of it"
                return attrs.evolve(entry, action=SyncAction.RELEASE, reason=why)
            return attrs.evolve(entry, action=SyncAction.CONFLICT, reason=why)
        return attrs.evolve(entry, reason="the catalog does not have it any more")


def _why(differing: Sequence[str], known: Known, row: Fields) -> str:
    elsewhere = [
        field
        for field in differing
        if known.row is not None and has_changed(field, known.row, row, known.applied, known.volatile)
    ]
    here = [field for field in differing if field not in elsewhere]
    parts = [
        f"{where}: {', '.join(fields)}"
        for where, fields in (("changed in the catalog", here), ("changed at the service", elsewhere))
        if fields
    ]
    return "; ".join(parts)


def deletions(entries: Iterable[SyncEntry], rows: Collection[str]) -> int:
    """Count the SKUs that would be deleted."""
    return sum(entry.action is SyncAction.DELETE and entry.sku_id in rows for entry in entries)
