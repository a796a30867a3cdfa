"""Pure: the entries of a plan, with what a person decided of items that may already have a SKU."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Any, Final, get_args

import attrs

from ..errors import ConfigurationError
from ._keys import clean_key, key_identity
from ._operations import TrackedSku
from ._plan import Decision, SyncAction, SyncEntry
from ._planner import DesiredItem, PlanInput, Planner
from ._similarity import Pool, Resemblance, find_resemblances

Decide = Decision | Mapping[str, str] | None
_FOR_ALL: Final = get_args(Decision)
_MAX_CANDIDATES: Final = 20
"""SKUs that an entry names; a sentence names fewer."""


@attrs.frozen
class Decisions:
    """Answers to "is it this item's SKU?".

    Attributes:
        default: ``"adopt"``, ``"create"`` or ``None``, for every item that is not in ``by_key``.
        by_key: ``"adopt"``, ``"create"``, or the id of the SKU that is the item's, by the key's identity.
    """

    default: str | None = None
    by_key: Mapping[str, str] = attrs.field(factory=dict[str, str])

    def get(self, key: str) -> str | None:
        """Return what was decided of an item."""
        return self.by_key.get(key_identity(key), self.default)

    def check_keys(self, keys: Iterable[str]) -> None:
        """Check that the catalog has every key that was decided of.

        Raises:
            ConfigurationError: it lacks one.
        """
        foreign = sorted(self.by_key.keys() - {key_identity(key) for key in keys})
        if foreign:
            msg = f"decide names {foreign[0]!r}, and the catalog has no such key"
            raise ConfigurationError(msg)


def parse_decisions(decide: Any) -> Decisions:
    """Read the argument ``decide``.

    Raises:
        ConfigurationError: it is no decision.
    """
    if decide is None or (isinstance(decide, str) and decide in _FOR_ALL):
        return Decisions(decide)
    if isinstance(decide, Mapping):
        by_key: dict[str, str] = {}
        for key, value in decide.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str) or not isinstance(value, str) or not value:
                msg = f'decide says of a key "adopt", "create" or the id of a SKU, not {key!r}: {value!r}'
                raise ConfigurationError(msg)
            by_key[key_identity(clean_key(key))] = value
        return Decisions(None, by_key)
    msg = f'decide must be "adopt", "create", a mapping of keys, or None, not {decide!r}'
    raise ConfigurationError(msg)


def plan_entries(
    items: Sequence[DesiredItem], given: PlanInput, *, prune: bool, decisions: Decisions | None = None
) -> tuple[Sequence[SyncEntry], Sequence[str]]:
    """Plan all items; return the entries, and the keys that an earlier catalog had and that are left alone."""
    planner = Planner(given)
    keys = {item.key for item in items}
    gone = [key for key in given.owned if key not in keys and key not in given.unresolved]
    entries = [planner.plan(item) for item in items]
    resolver = _Resolver(planner, given, [given.owned[key] for key in gone], decisions or Decisions())
    entries = [_with_pictures(entry, item) for entry, item in zip(resolver.run(entries), items, strict=True)]
    for key, unresolved in given.unresolved.items():
        if key not in keys:
            why = f"the catalog does not have it any more, and the answer to its create was lost: {unresolved.reason}"
            entries.append(SyncEntry(key=key, action=SyncAction.HOLD, reason=why))
    renamed = {entry.renamed_from for entry in entries}
    gone = [key for key in gone if key not in renamed]
    if not prune:
        return entries, gone
    # A SKU that may have become another item's is not deleted before somebody has decided.
    entries += [planner.delete(key) for key in gone if key not in resolver.doubtful]
    return entries, [key for key in gone if key in resolver.doubtful]


def _with_pictures(entry: SyncEntry, item: DesiredItem) -> SyncEntry:
    needed = {field: picture for field, picture in item.pictures.items() if field in entry.changes}
    return attrs.evolve(entry, pictures=needed) if needed else entry


class _Resolver:
    """Replaces the creates of items that may already have a SKU, as was decided.

        decision                 the entry becomes
        ------------------------------------------------------------------------------------------------------
        none                     a conflict that names the SKUs
        adopt                    an adoption, if one SKU is named and no other item may take it; else a conflict
        create                   a create
        the id of a SKU          an adoption of that SKU, whatever is named; a conflict if it is not there to take

    Attributes:
        doubtful: keys that the catalog no longer has, and whose SKUs may have become another item's.
    """

    def __init__(self, planner: Planner, given: PlanInput, gone: Iterable[TrackedSku], decisions: Decisions) -> None:
        self._planner = planner
        self._given = given
        self._decisions = decisions
        self._gone = {item.sku_id: item for item in gone if item.sku_id in given.rows}
        self._free = planner.free()
        self._unowned = planner.unowned()
        self._claimed: set[str] = set()
        # Many items may share one set of candidates.
        self._candidates: dict[frozenset[str], Sequence[str]] = {}
        self.doubtful: set[str] = set()

    def run(self, entries: Sequence[SyncEntry]) -> Sequence[SyncEntry]:
        found = self._resemblances(entries)
        # A SKU that two items may take is given to neither.
        takers = Counter(sku_id for made in found.values() if len(made.sku_ids) == 1 for sku_id in made.sku_ids)
        return [self._resolve(entry, found.get(entry.key), takers) for entry in entries]

    def _resemblances(self, entries: Sequence[SyncEntry]) -> Mapping[str, Resemblance]:
        desired = {entry.key: entry.wanted for entry in entries if entry.action is SyncAction.CREATE}
        adopted = sum(entry.action is SyncAction.ADOPT for entry in entries)
        visibility = self._given.visibility
        pool = Pool(free=self._free, gone=self._gone, hidden=visibility.hidden, verified=visibility.verified)
        others = [entry.wanted for entry in entries if entry.action is not SyncAction.CREATE]
        found = find_resemblances(desired, pool, others, found=self._given.adopted + adopted)
        ambiguous = {
            entry.key: Resemblance(sku_ids=ids, reason=entry.reason)
            for entry in entries
            if (ids := self._planner.ambiguous.get(entry.key)) is not None
        }
        return {**found, **ambiguous}

    def _resolve(self, entry: SyncEntry, made: Resemblance | None, takers: Mapping[str, int]) -> SyncEntry:
        decision = self._decisions.get(entry.key)
        if made is None and (decision in {None, *_FOR_ALL} or entry.action is not SyncAction.CREATE):
            return entry
        if decision == "create":
            return self._planner.create(entry, "it is another item than what is there, as was decided")
        if decision is None or decision == "adopt":
            assert made is not None  # noqa: S101
            sku_id = next(iter(made.sku_ids)) if len(made.sku_ids) == 1 else None
            if decision == "adopt" and sku_id is not None and takers[sku_id] == 1:
                return self._take_over(entry, sku_id)
            which = "" if decision is None else ". Which one is to be adopted has to be decided by its id"
            return self._conflict(entry, made.sku_ids, f"{made.reason}{which}", sku_id)
        if decision in self._claimed or not (decision in self._unowned or decision in self._gone):
            why = f"SKU {decision} was decided to be this item's, and is not there, or another item's"
            return self._conflict(entry, frozenset() if made is None else made.sku_ids, why)
        return self._take_over(entry, decision)

    def _conflict(self, entry: SyncEntry, ids: frozenset[str], why: str, sku_id: str | None = None) -> SyncEntry:
        candidates = self._candidates.get(ids)
        if candidates is None:
            self.doubtful.update(self._gone[one].key for one in ids if one in self._gone)
            candidates = self._candidates[ids] = nsmallest(_MAX_CANDIDATES, ids)
        return attrs.evolve(
            entry, action=SyncAction.CONFLICT, sku_id=sku_id, changes={}, candidates=candidates, reason=why
        )

    def _take_over(self, entry: SyncEntry, sku_id: str) -> SyncEntry:
        self._claimed.add(sku_id)
        item = self._gone.get(sku_id)
        if item is None:
            return self._planner.adopt(entry, sku_id, "it is this item's SKU, as was decided")
        compared = self._planner.compare(entry, item, self._given.rows[sku_id])
        if compared.action is SyncAction.CONFLICT:
            self.doubtful.add(item.key)
            return compared
        why = "; ".join(filter(None, [f"its key was {item.key!r} until now", compared.reason]))
        return attrs.evolve(compared, action=SyncAction.ADOPT, renamed_from=item.key, reason=why)
