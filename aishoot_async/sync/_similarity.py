"""Pure: items that would be created, though a SKU that is there may be theirs. A person decides which of them are.

The state may have been lost while a field was edited, or a spreadsheet may have changed the keys: to create such items
would make a twin of each. What counts:

    the SKU has                                             it may be the item's
    ------------------------------------------------------------------------------------------------------------------
    the item's name and image                               always
    the name, and images are shown so that nobody can tell  always
    a key that a spreadsheet may have changed to the item's  always (a key that the catalog has no more)
    the image alone, or the name alone                      when the catalog has it once, and once the SKUs for which
                                                            there is no better item; or when most of the catalog is
                                                            known to have been there already

The last row is what keeps a catalog of many "T-Shirts", or of many items with one placeholder image, from being taken
for the unrelated T-Shirts and placeholders of others. A name alone tells nothing of SKUs whose keys have gone, unless
other keys were changed, too: a product that replaces another may have its name.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from heapq import nsmallest
from typing import Final

import attrs

from ._alike import AlikeIndex, name_forms
from ._fields import Fields
from ._matching import named
from ._operations import Owned

_NAMED: Final = 6  # one more than a sentence shows

Ids = frozenset[str]


@attrs.frozen(kw_only=True)
class Resemblance:
    """What may be an item's already.

    Attributes:
        sku_ids: the SKUs that may be.
        reason: a sentence.
    """

    sku_ids: Ids
    reason: str


@attrs.frozen(kw_only=True)
class Pool:
    """The SKUs that no item of the catalog has.

    Attributes:
        free: those that are no item's, as the service shows them, by their ids.
        gone: the items of keys that the catalog has no more, by the ids of their SKUs, which are there.
        hidden: the fields that the service does not show so that they can be compared.
        proven: the fields that it is known to show as they are sent.
    """

    free: Mapping[str, Fields]
    gone: Mapping[str, Owned]
    hidden: Collection[str] = ()
    proven: Collection[str] = ()


def find_resemblances(
    wanted: Mapping[str, Fields], pool: Pool, others: Sequence[Fields] = (), *, found: int = 0
) -> Mapping[str, Resemblance]:
    """Find the items that may have a SKU already.

    Args:
        wanted: what the catalog states of each item that would be created, by its key.
        pool: the SKUs that may be theirs.
        others: what the catalog states of its other items, each of which has its SKU.
        found: how many SKUs of the catalog were found at the service, and not made by this state.
    """
    return _Search(wanted, pool, others).run(found) if wanted and (pool.free or pool.gone) else {}


class _Search:
    def __init__(self, wanted: Mapping[str, Fields], pool: Pool, others: Sequence[Fields]) -> None:
        self._pool = pool
        self._free, self._gone = frozenset(pool.free), frozenset(pool.gone)
        self._index = AlikeIndex(pool.free, pool.gone.values(), pool.hidden)
        self._images = {key: str(fields["front_image"]) for key, fields in wanted.items()}
        self._forms = {key: name_forms(fields["name"]) for key, fields in wanted.items()}
        images = [str(fields["front_image"]) for fields in others]
        forms = [name_forms(fields["name"]) for fields in others]
        self._size = len(wanted) + len(others)
        self._takers = Counter([*self._images.values(), *images])
        self._namesakes = Counter(form for one in [*self._forms.values(), *forms] for form in one)
        self._both: dict[tuple[str, Ids], Ids] = {}
        self._made: dict[tuple[str, Ids], Resemblance] = {}
        self._are_images_shown = "front_image" in pool.proven or any(
            not self._index.with_image(image).isdisjoint(self._free) for image in self._images.values()
        )

    def run(self, found: int) -> Mapping[str, Resemblance]:
        sure = {key: made for key in self._images if (made := self._sure(key)) is not None}
        spoken_for = frozenset[str]().union(*{made.sku_ids for made in sure.values()})
        lost = sum(not made.sku_ids.isdisjoint(self._free) for made in sure.values())
        # SKUs that may be an item's because most of the others are known to have been there before.
        doubted: Ids = frozenset()
        if lost + found and 2 * (lost + found) >= self._size:
            doubted |= self._free
        if not spoken_for.isdisjoint(self._gone):
            doubted |= self._gone
        left = [key for key in self._images if key not in sure]
        return {**sure, **self._weak(left, spoken_for, doubted)}

    def _sure(self, key: str) -> Resemblance | None:
        image, forms = self._images[key], self._forms[key]
        with_key = self._index.with_key(key)
        if with_key:
            return self._make("has nearly the same key", with_key)
        with_both = self._with_both(image, forms)
        if with_both:
            return self._make("has the same name and image", with_both)
        unclear = frozenset[str]() if self._are_images_shown else self._index.with_name_alone(forms, image)
        return self._make("has the same name, and its image cannot be told", unclear) if unclear else None

    def _with_both(self, image: str, forms: Ids) -> Ids:
        found = self._both.get((image, forms))
        if found is None:
            with_image = self._index.with_image(image)
            found = with_image if "name" in self._pool.hidden else with_image & self._index.with_name(forms)
            self._both[image, forms] = found
        return found

    def _weak(self, left: Sequence[str], spoken_for: Ids, doubted: Ids) -> Mapping[str, Resemblance]:
        """Find what has the image alone, or the name alone."""
        likely = self._free | doubted

        # Counted in the whole catalog: what one run would create, the next must not ask about.
        @cache
        def with_image(image: str) -> Ids:
            ids = self._index.with_image(image) - spoken_for
            return ids if self._takers[image] == 1 and self._have_one_name(ids) else ids & doubted

        @cache
        def with_name(forms: Ids) -> Ids:
            ids = self._index.with_name(forms) - spoken_for
            is_alone = len(ids) == 1 and all(self._namesakes[form] == 1 for form in forms)
            return ids & (likely if is_alone else doubted)

        found: dict[str, Resemblance] = {}
        for key in left:
            if by_image := with_image(self._images[key]):
                found[key] = self._make("has the same image", by_image)
            elif by_name := with_name(self._forms[key]):
                found[key] = self._make("has the same name", by_name)
        return found

    def _have_one_name(self, ids: Iterable[str]) -> bool:
        forms = [name_forms(self._name(sku_id)) for sku_id in ids]
        return all(one & forms[0] for one in forms)

    def _name(self, sku_id: str) -> object:
        pool = self._pool
        return (pool.free[sku_id] if sku_id in pool.free else pool.gone[sku_id].applied).get("name")

    def _make(self, what: str, ids: Ids) -> Resemblance:
        made = self._made.get((what, ids))
        if made is None:
            made = self._made[what, ids] = Resemblance(sku_ids=ids, reason=self._sentence(what, ids))
        return made

    def _sentence(self, what: str, ids: Ids) -> str:
        owners = sorted(self._pool.gone[sku_id].key for sku_id in ids if sku_id in self._pool.gone)
        if owners:
            whose = f"of {owners[0]!r}, which the catalog does not have any more,"
            question = "Was the key changed?"
        else:
            whose, question = "is no item's, and", "Was the state lost?"
        return (
            f"{named(nsmallest(_NAMED, ids))} {whose} {what}. {question} Decide: adopt, if it is this item's, or "
            f"create, if this is another item. Until then nothing is sent for it"
        )
