"""Pure: the entries of a plan: what is to be done about each item, and about the keys that the catalog has no more."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Final

import attrs

from ._decisions import Decisions
from ._operations import Owned
from ._plan import SyncAction, SyncEntry
from ._planner import Decider, Situation, Wish
from ._similarity import Pool, Resemblance, find_resemblances

_CANDIDATES: Final = 20
"""SKUs that an entry names; a sentence names fewer."""


def decide_all(
    wishes: Sequence[Wish], situation: Situation, *, prune: bool, decisions: Decisions | None = None
) -> tuple[Sequence[SyncEntry], Sequence[str]]:
    """Decide about all items; give the entries, and the keys that are left alone."""
    decider = Decider(situation)
    keys = {wish.key for wish in wishes}
    gone = [key for key in situation.owned if key not in keys and key not in situation.held]
    entries = [decider.decide(wish) for wish in wishes]
    resolver = _Resolver(decider, situation, [situation.owned[key] for key in gone], decisions or Decisions())
    entries = [_with_pictures(entry, wish) for entry, wish in zip(resolver.run(entries), wishes, strict=True)]
    for key, held in situation.held.items():
        if key not in keys:
            why = f"the catalog does not have it any more, and the answer to its create was lost: {held.reason}"
            entries.append(SyncEntry(key=key, action=SyncAction.HOLD, reason=why))
    renamed = {entry.renamed_from for entry in entries}
    gone = [key for key in gone if key not in renamed]
    if not prune:
        return entries, gone
    # What may have become another item's is not deleted before somebody has decided.
    entries += [decider.remove(key) for key in gone if key not in resolver.doubtful]
    return entries, [key for key in gone if key in resolver.doubtful]


def _with_pictures(entry: SyncEntry, wish: Wish) -> SyncEntry:
    needed = {field: picture for field, picture in wish.pictures.items() if field in entry.changes}
    return attrs.evolve(entry, pictures=needed) if needed else entry


class _Resolver:
    """Sees to the items that would be created, though a SKU that is there may be theirs.

    Attributes:
        doubtful: keys that the catalog has no more, and whose SKUs may have become another item's.
    """

    def __init__(self, decider: Decider, situation: Situation, gone: Iterable[Owned], decisions: Decisions) -> None:
        self._decider = decider
        self._situation = situation
        self._decisions = decisions
        self._gone = {item.sku_id: item for item in gone if item.sku_id in situation.rows}
        self._free = decider.free()
        self._unowned = decider.unowned()
        self._claimed: set[str] = set()
        # Many items may have the same ones.
        self._candidates: dict[frozenset[str], Sequence[str]] = {}
        self.doubtful: set[str] = set()

    def run(self, entries: Sequence[SyncEntry]) -> Sequence[SyncEntry]:
        found = self._resemblances(entries)
        # A SKU that two items may take is given to neither.
        takers = Counter(sku_id for made in found.values() if len(made.sku_ids) == 1 for sku_id in made.sku_ids)
        return [self._resolved(entry, found.get(entry.key), takers) for entry in entries]

    def _resemblances(self, entries: Sequence[SyncEntry]) -> Mapping[str, Resemblance]:
        wanted = {entry.key: entry.wanted for entry in entries if entry.action is SyncAction.CREATE}
        adopted = sum(entry.action is SyncAction.ADOPT for entry in entries)
        legibility = self._situation.legibility
        pool = Pool(free=self._free, gone=self._gone, hidden=legibility.illegible, proven=legibility.proven)
        others = [entry.wanted for entry in entries if entry.action is not SyncAction.CREATE]
        found = find_resemblances(wanted, pool, others, found=self._situation.adopted + adopted)
        several = {
            entry.key: Resemblance(sku_ids=ids, reason=entry.reason)
            for entry in entries
            if (ids := self._decider.several.get(entry.key)) is not None
        }
        return {**found, **several}

    def _resolved(self, entry: SyncEntry, made: Resemblance | None, takers: Mapping[str, int]) -> SyncEntry:
        decision = self._decisions.of(entry.key)
        if made is None and (decision in {None, "adopt", "create"} or entry.action is not SyncAction.CREATE):
            return entry
        if decision == "create":
            return self._decider.create(entry, "it is another item than what is there, as was decided")
        if decision is None or decision == "adopt":
            assert made is not None  # noqa: S101
            sku_id = next(iter(made.sku_ids)) if len(made.sku_ids) == 1 else None
            if decision == "adopt" and sku_id is not None and takers[sku_id] == 1:
                return self._taken_over(entry, sku_id)
            which = "" if decision is None else ". Which one is to be adopted has to be decided by its id"
            return self._conflict(entry, made.sku_ids, f"{made.reason}{which}", sku_id)
        if decision in self._claimed or not (decision in self._unowned or decision in self._gone):
            why = f"SKU {decision} was decided to be this item's, and is not there, or another item's"
            return self._conflict(entry, frozenset() if made is None else made.sku_ids, why)
        return self._taken_over(entry, decision)

    def _conflict(self, entry: SyncEntry, ids: frozenset[str], why: str, sku_id: str | None = None) -> SyncEntry:
        candidates = self._candidates.get(ids)
        if candidates is None:
            self.doubtful.update(self._gone[one].key for one in ids if one in self._gone)
            candidates = self._candidates[ids] = nsmallest(_CANDIDATES, ids)
        return attrs.evolve(
            entry, action=SyncAction.CONFLICT, sku_id=sku_id, changes={}, candidates=candidates, reason=why
        )

    def _taken_over(self, entry: SyncEntry, sku_id: str) -> SyncEntry:
        self._claimed.add(sku_id)
        item = self._gone.get(sku_id)
        if item is None:
            return self._decider.adopt(entry, sku_id, "it is this item's SKU, as was decided")
        compared = self._decider.compare(entry, item, self._situation.rows[sku_id])
        if compared.action is SyncAction.CONFLICT:
            self.doubtful.add(item.key)
            return compared
        why = "; ".join(filter(None, [f"its key was {item.key!r} until now", compared.reason]))
        return attrs.evolve(compared, action=SyncAction.ADOPT, renamed_from=item.key, reason=why)
