"""Pure: which SKU of the service fits what a catalog states.

Two questions are answered: which SKU an item may adopt, and which SKU came of a create whose response was lost.
Neither is ever guessed: what cannot be told apart is left to a person, or to a later listing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final

import attrs

from ._fields import ABSENT, FIELDS, Fields, echoes, matches_desired, name_key, same_remote

_IDENTIFYING: Final = ("name", "front_image")
MAX_NAMED: Final = 5
"""SKUs that a sentence names."""


class Match(IntEnum):
    """How well a SKU fits."""

    NONE = 0
    PARTIAL = 1  # the name or the image is the same, and another field differs
    FULL = 2


@attrs.frozen
class FieldVisibility:
    """Which fields a service shows in a form that can be compared with what was sent.

    Attributes:
        hidden: fields that it never shows, or always in a form that says nothing.
        verified: fields of which at least one SKU proves that the service shows what was sent.
    """

    hidden: frozenset[str] = frozenset()
    verified: frozenset[str] = frozenset()

    @classmethod
    def learn(cls, pairs: Iterable[tuple[Fields, Fields]], rows: Iterable[Fields]) -> "FieldVisibility":
        """Learn it from SKUs of which both is known, what was sent and what is shown; else from what no SKU shows."""
        verified: set[str] = set()
        tried: set[str] = set()
        for sent, row in pairs:
            for field, value in sent.items():
                if value is not None and value != [] and field not in verified:
                    tried.add(field)
                    if echoes(field, value, row):
                        verified.add(field)
        ever_shown: set[str] = set()
        for row in rows:
            ever_shown.update(row)
        # A name that is shown is a name, however little it looks like the one that was sent.
        hidden = (tried - verified - {"name"}) | (set(FIELDS) - tried - ever_shown)
        return cls(frozenset(hidden), frozenset(verified))

    def match(self, desired: Fields, row: Fields, *, own_image: bool = False) -> Match:
        """Tell how well a SKU fits; ``own_image``: no other item has the front image, so it identifies the SKU."""
        is_named = name_key(desired["name"]) == name_key(row.get("name"))
        if not is_named and "name" not in self.hidden and not own_image:
            return Match.NONE
        visible = [field for field in desired if field not in self.hidden]
        if all(echoes(field, desired[field], row) for field in visible) and any(
            field in visible for field in _IDENTIFYING
        ):
            return Match.FULL
        by_image = own_image and matches_desired("front_image", desired["front_image"], row.get("front_image", ABSENT))
        return Match.PARTIAL if by_image or is_named else Match.NONE


class CandidateIndex:
    """SKUs by name, so that the few that may fit are found at once."""

    def __init__(self, rows: Mapping[str, Fields], visibility: FieldVisibility) -> None:
        self.rows = rows
        self._visibility = visibility
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for sku_id, row in rows.items():
            self._by_name[name_key(row.get("name"))].append(sku_id)

    def matches(self, desired: Fields, *, own_image: bool = False) -> Mapping[str, Match]:
        """Return the SKUs that fit, fully or partially, by id."""
        # Candidates share the name, unless this service hides names or a unique image identifies the SKU.
        by_name = "name" not in self._visibility.hidden and not own_image
        ids = self._by_name[name_key(desired["name"])] if by_name else list(self.rows)
        found = {sku_id: self._visibility.match(desired, self.rows[sku_id], own_image=own_image) for sku_id in ids}
        return {sku_id: match for sku_id, match in found.items() if match is not Match.NONE}

    def full_matches(self, desired: Fields) -> list[str]:
        """Return the ids of the SKUs that fit fully."""
        return [sku_id for sku_id, match in self.matches(desired).items() if match is Match.FULL]


@attrs.frozen
class Unresolved:
    """Why it cannot be told what became of a create.

    Attributes:
        sku_ids: the SKUs that may have come of it.
        reason: a sentence.
    """

    sku_ids: Sequence[str]
    reason: str


@attrs.frozen
class CreateMatches:
    """What became of creates, by their numbers.

    Attributes:
        found: the SKU's id.
        unresolved: creates of which it cannot be told.
        absent: creates of which the listing shows no trace.
    """

    found: Mapping[int, str]
    unresolved: Mapping[int, Unresolved]
    absent: Collection[int]


def match_creates(
    creates: Mapping[int, Fields],
    candidates: CandidateIndex,
    is_new: Callable[[int, str], bool],
    own_image: Collection[int] = (),
) -> CreateMatches:
    """Find the SKUs that came of creates whose responses were lost.

    Args:
        creates: what was sent, by the create's number.
        candidates: the SKUs that no item has.
        is_new: whether no listing had a SKU before a create was sent.
        own_image: the creates whose front image no other item has.
    """
    full: dict[int, list[str]] = {}
    partial: dict[int, list[str]] = {}
    for number, desired in creates.items():
        matches = candidates.matches(desired, own_image=number in own_image)
        new = {sku_id: match for sku_id, match in matches.items() if is_new(number, sku_id)}
        full[number] = [sku_id for sku_id, match in new.items() if match is Match.FULL]
        partial[number] = [sku_id for sku_id, match in new.items() if match is Match.PARTIAL]
    found: dict[int, str] = {}
    unresolved: dict[int, Unresolved] = {}
    for group in _components(full):
        rows = {sku_id: candidates.rows[sku_id] for number in group for sku_id in full[number]}
        pairs = _pair({number: full[number] for number in group}, creates, rows)
        if pairs is None:
            reason = f"{name_skus(list(rows))} may have come of it, and it cannot be told which"
            unresolved.update(dict.fromkeys(group, Unresolved(list(rows), reason)))
        else:
            found.update(pairs)
    taken = set(found.values())
    absent: list[int] = []
    for number in creates:
        if number in found or number in unresolved:
            continue
        left = [sku_id for sku_id in partial[number] if sku_id not in taken]
        if left:
            unresolved[number] = Unresolved(left, f"{name_skus(left)} may have come of it, but is not what was sent")
        else:
            absent.append(number)
    return CreateMatches(found, unresolved, absent)


def _components(full: Mapping[int, Sequence[str]]) -> Iterable[list[int]]:
    """Yield groups of creates that share candidates, directly or through others."""
    takers: dict[str, list[int]] = defaultdict(list)
    for number, ids in full.items():
        for sku_id in ids:
            takers[sku_id].append(number)
    done: set[int] = set()
    for first, ids in full.items():
        if first in done or not ids:
            continue
        group: list[int] = []
        ahead = [first]
        done.add(first)
        while ahead:
            number = ahead.pop()
            group.append(number)
            for taker in (taker for sku_id in full[number] for taker in takers[sku_id]):
                if taker not in done:
                    done.add(taker)
                    ahead.append(taker)
        yield sorted(group)


def _pair(
    full: Mapping[int, Sequence[str]], creates: Mapping[int, Fields], rows: Mapping[str, Fields]
) -> dict[int, str] | None:
    """Assign a SKU to each create of a group; ``None`` if it cannot be told which.

    Creates that ask for the very same may take SKUs that are the very same in any order; if there are fewer SKUs, the
    other creates have not happened. Otherwise each must have one SKU that can be no other's.
    """
    numbers, ids = list(full), list(rows)
    if len(ids) > len(numbers):
        return None
    if _all_alike([creates[number] for number in numbers]) and _all_alike(list(rows.values())):
        return dict(zip(numbers, ids, strict=False))
    left = {number: set(fitting) for number, fitting in full.items()}
    pairs: dict[int, str] = {}
    while left:
        forced = next((number for number, fitting in left.items() if len(fitting) == 1), None)
        if forced is None:
            return None
        (pairs[forced],) = left.pop(forced)
        for fitting in left.values():
            fitting.discard(pairs[forced])
        if not all(left.values()):
            return None
    return pairs


def _all_alike(fields: Sequence[Fields]) -> bool:
    first = fields[0]
    return all(
        other.keys() == first.keys() and all(same_remote(field, first[field], other[field]) for field in first)
        for other in fields[1:]
    )


def name_skus(ids: Sequence[str]) -> str:
    """Name SKUs in a sentence."""
    shown = ", ".join(ids[:MAX_NAMED])
    return f"SKU {shown}" if len(ids) == 1 else f"one of the SKUs {shown}{' and more' if len(ids) > MAX_NAMED else ''}"
