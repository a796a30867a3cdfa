"""Pure: which SKU of the service fits what a catalog wants.

Two questions are answered: which SKU may an item adopt, and which SKU came of a create whose answer was lost. Neither
is ever guessed: what cannot be told apart is left for a person, or for a later look.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final

import attrs

from ._fields import ABSENT, FIELDS, Fields, equal, name_key, same, shows

_TELLING: Final = ("name", "front_image")
_NAMED: Final = 5


class Fit(IntEnum):
    """How well a SKU fits."""

    NOT = 0
    PART = 1  # it may be the one: it has the name, but something else is otherwise
    WHOLE = 2


@attrs.frozen
class Legibility:
    """Which fields a service shows so that they can be compared with what was sent.

    Attributes:
        illegible: the fields that it never shows, or always in a form that says nothing.
        proven: the fields of which it is known, from at least one SKU, that it shows what was sent.
    """

    illegible: frozenset[str] = frozenset()
    proven: frozenset[str] = frozenset()

    @classmethod
    def learn(cls, pairs: Iterable[tuple[Fields, Fields]], rows: Iterable[Fields]) -> "Legibility":
        """Learn from SKUs of which both is known, what was sent and what is shown; else from what no SKU ever shows."""
        legible: set[str] = set()
        tried: set[str] = set()
        for sent, row in pairs:
            for field, value in sent.items():
                if value is not None and value != [] and field not in legible:
                    tried.add(field)
                    if shows(field, value, row):
                        legible.add(field)
        ever_there: set[str] = set()
        for row in rows:
            ever_there.update(row)
        # A name that is shown is a name, however little it looks like the one that was sent.
        illegible = (tried - legible - {"name"}) | (set(FIELDS) - tried - ever_there)
        return cls(frozenset(illegible), frozenset(legible))

    def fit(self, wanted: Fields, row: Fields, *, own_image: bool = False) -> Fit:
        """Tell how well a SKU fits; ``own_image``: no other item has the front image, so that it names this one."""
        is_named = name_key(wanted["name"]) == name_key(row.get("name"))
        if not is_named and "name" not in self.illegible and not own_image:
            return Fit.NOT
        rest = [field for field in wanted if field not in self.illegible]
        if all(shows(field, wanted[field], row) for field in rest) and any(field in rest for field in _TELLING):
            return Fit.WHOLE
        by_image = own_image and same("front_image", wanted["front_image"], row.get("front_image", ABSENT))
        return Fit.PART if by_image or is_named else Fit.NOT


class Shelf:
    """SKUs, laid out so that the few that may fit are found at once."""

    def __init__(self, rows: Mapping[str, Fields], legibility: Legibility) -> None:
        """Lay them out."""
        self.rows = rows
        self._legibility = legibility
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for sku_id, row in rows.items():
            self._by_name[name_key(row.get("name"))].append(sku_id)

    def fits(self, wanted: Fields, *, own_image: bool = False) -> Mapping[str, Fit]:
        """Give the SKUs that fit, wholly or in part."""
        # Whatever fits has the name; but for what names no SKU, or where something else does.
        by_name = "name" not in self._legibility.illegible and not own_image
        ids = self._by_name[name_key(wanted["name"])] if by_name else list(self.rows)
        fits = {sku_id: self._legibility.fit(wanted, self.rows[sku_id], own_image=own_image) for sku_id in ids}
        return {sku_id: fit for sku_id, fit in fits.items() if fit is not Fit.NOT}


@attrs.frozen
class Held:
    """Why it cannot be told what became of a create.

    Attributes:
        sku_ids: the SKUs that may have come of it.
        reason: a sentence.
    """

    sku_ids: Sequence[str]
    reason: str


@attrs.frozen
class Matched:
    """What a look for SKUs came to, by the number of the create.

    Attributes:
        found: the SKU's id.
        held: what cannot be told.
        absent: nothing like it is there.
    """

    found: Mapping[int, str]
    held: Mapping[int, Held]
    absent: Collection[int]


def match(
    creates: Mapping[int, Fields],
    shelf: Shelf,
    since: Callable[[int, str], bool],
    own_image: Collection[int] = (),
) -> Matched:
    """Find the SKUs that came of creates whose answers were lost.

    Args:
        creates: what was sent, by the create's number.
        shelf: the SKUs that are nobody's.
        since: whether no listing had a SKU before a create was sent.
        own_image: the creates whose front image nobody else has.
    """
    whole: dict[int, list[str]] = {}
    part: dict[int, list[str]] = {}
    for number, wanted in creates.items():
        fits = shelf.fits(wanted, own_image=number in own_image)
        whole[number] = [sku_id for sku_id, fit in fits.items() if fit is Fit.WHOLE and since(number, sku_id)]
        part[number] = [sku_id for sku_id, fit in fits.items() if fit is Fit.PART and since(number, sku_id)]
    found: dict[int, str] = {}
    held: dict[int, Held] = {}
    for group in _components(whole):
        rows = {sku_id: shelf.rows[sku_id] for number in group for sku_id in whole[number]}
        pairs = _pair({number: whole[number] for number in group}, creates, rows)
        if pairs is None:
            several = Held(list(rows), f"{named(list(rows))} may have come of it, and it cannot be told which")
            held.update(dict.fromkeys(group, several))
        else:
            found.update(pairs)
    taken = set(found.values())
    absent: list[int] = []
    for number in creates:
        if number not in found and number not in held:
            left = [sku_id for sku_id in part[number] if sku_id not in taken]
            if left:
                held[number] = Held(left, f"{named(left)} may have come of it, but is not what was sent")
            else:
                absent.append(number)
    return Matched(found, held, absent)


def _components(whole: Mapping[int, Sequence[str]]) -> Iterable[list[int]]:
    """Give the creates that share SKUs, directly or through others, group by group."""
    takers: dict[str, list[int]] = defaultdict(list)
    for number, ids in whole.items():
        for sku_id in ids:
            takers[sku_id].append(number)
    done: set[int] = set()
    for first, ids in whole.items():
        if first in done or not ids:
            continue
        group: list[int] = []
        ahead = [first]
        done.add(first)
        while ahead:
            number = ahead.pop()
            group.append(number)
            for taker in (taker for sku_id in whole[number] for taker in takers[sku_id]):
                if taker not in done:
                    done.add(taker)
                    ahead.append(taker)
        yield sorted(group)


def _pair(
    whole: Mapping[int, Sequence[str]], creates: Mapping[int, Fields], rows: Mapping[str, Fields]
) -> dict[int, str] | None:
    """Give each create of a group its SKU, or ``None`` where that cannot be told.

    Creates that ask for the very same may take SKUs that are the very same in any order; if there are fewer SKUs, the
    other creates have not happened. Otherwise each must have one SKU that can be no other's.
    """
    numbers, ids = list(whole), list(rows)
    if len(ids) > len(numbers):
        return None
    if _all_alike([creates[number] for number in numbers]) and _all_alike(list(rows.values())):
        return dict(zip(numbers, ids, strict=False))
    left = {number: set(fitting) for number, fitting in whole.items()}
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
        other.keys() == first.keys() and all(equal(field, first[field], other[field]) for field in first)
        for other in fields[1:]
    )


def named(ids: Sequence[str]) -> str:
    """Name SKUs in a sentence."""
    shown = ", ".join(ids[:_NAMED])
    return f"SKU {shown}" if len(ids) == 1 else f"one of the SKUs {shown}{' and more' if len(ids) > _NAMED else ''}"
