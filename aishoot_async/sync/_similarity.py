"""Pure: SKUs that may already belong to an item that would be created. A person decides which of them do.

The state may have been lost while a field was edited, or a spreadsheet may have changed the keys: creating such items
would duplicate every one of them. The rules, first match wins:

    the SKU has                                              it may be the item's
    -------------------------------------------------------------------------------------------------------------------
    a key that a spreadsheet may have changed to the item's  always (of keys that the catalog no longer has)
    the item's name and front image                          always
    the name, and this service's images cannot be compared   always
    the front image alone, or the name alone                 if it is unique in the catalog and no better item was found
                                                             for the SKU; or if at least half of the catalog is known to
                                                             have been at the service before

The last row keeps a catalog of many "T-Shirts", or of many items with one placeholder image, from being taken for the
unrelated T-Shirts and placeholders of others. A name alone says nothing about SKUs whose keys are gone, unless other
keys were changed too: a product that replaces another may have its name.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from heapq import nsmallest
from typing import Final

import attrs

from ._fields import HASH, Fields, matches_desired, name_key, texts_of, without_query
from ._keys import drifted_key
from ._matching import MAX_NAMED, name_skus
from ._operations import TrackedSku

_TRANSLITERATED: Final = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "æ": "ae",
        "ø": "oe",
        "œ": "oe",
        "å": "aa",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
    }
)
_NO_LETTER: Final = re.compile(r"[\W_]+")
_TOKEN: Final = re.compile(r"[\w-]+")
_IMAGE: Final = "front_image"

Ids = frozenset[str]
_NONE: Final[Ids] = frozenset()


def name_forms(name: object) -> frozenset[str]:
    """Return the forms of a name; two names are alike when they have one in common.

    Case, white space, punctuation, accents, and whether umlauts are written out make no difference.
    """
    folded = name_key(name)
    written_out = unicodedata.normalize("NFC", folded).translate(_TRANSLITERATED)
    forms = {_NO_LETTER.sub("", _without_accents(form)) for form in (folded, written_out)}
    return frozenset(forms - {""}) or frozenset({folded})


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    # A dotless i and an i have one capital letter.
    return "".join(part for part in parts if not unicodedata.combining(part)).replace("\u0131", "i")


@attrs.frozen(kw_only=True)
class Resemblance:
    """The SKUs that may already be an item's, and a sentence that says why."""

    sku_ids: Ids
    reason: str


@attrs.frozen(kw_only=True)
class Pool:
    """The SKUs that no item of the catalog has.

    Attributes:
        free: SKUs that this state does not track, as the service shows them, by id.
        gone: tracked SKUs that exist, but whose keys the catalog no longer has, by id.
        hidden: fields that the service does not show in a form that can be compared.
        verified: fields that the service is known to show as they were sent.
    """

    free: Mapping[str, Fields]
    gone: Mapping[str, TrackedSku]
    hidden: Collection[str] = ()
    verified: Collection[str] = ()


def find_resemblances(
    desired: Mapping[str, Fields], pool: Pool, others: Sequence[Fields] = (), *, found: int = 0
) -> Mapping[str, Resemblance]:
    """Find the items that may already have a SKU.

    Args:
        desired: what the catalog states of each item that would be created, by key.
        pool: the SKUs that may be theirs.
        others: what the catalog states of its other items, each of which has its SKU.
        found: how many SKUs of the catalog were found at the service instead of created by this state.
    """
    return _Search(desired, pool, others).run(found) if desired and (pool.free or pool.gone) else {}


class _Index:
    """Finds SKUs of a pool by their names, front images and keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._by_key: dict[str, set[str]] = defaultdict(set)
        self._by_sent_image: dict[object, set[str]] = defaultdict(set)
        self._by_image_token: dict[str, set[str]] = defaultdict(set)
        for sku in pool.gone.values():
            self._add_name(sku.sku_id, sku.applied.get("name"))
            self._by_key[drifted_key(sku.key)].add(sku.sku_id)
            self._by_sent_image[sku.applied.get(_IMAGE)].add(sku.sku_id)
        for sku_id, row in pool.free.items():
            self._add_name(sku_id, row.get("name"))
            for text in texts_of(row.get(_IMAGE)):
                for token in _TOKEN.findall(text.casefold()):
                    self._by_image_token[token].add(sku_id)
        # Many items of a catalog may have one image or one name.
        self.with_image = cache(self._find_image)
        self.with_name = cache(self._find_name)
        self.with_name_and_unclear_image = cache(self._find_unclear)

    def _add_name(self, sku_id: str, name: object) -> None:
        for form in name_forms(name):
            self._by_name[form].add(sku_id)

    def with_key(self, key: str) -> Ids:
        return frozenset(self._by_key.get(drifted_key(key), ()))

    def _find_image(self, identifier: str) -> Ids:
        tokens = _TOKEN.findall(identifier.casefold())
        near = self._by_image_token.get(max(tokens, key=len), set()) if tokens else set[str]()
        shown = {sku_id for sku_id in near if matches_desired(_IMAGE, identifier, self._pool.free[sku_id].get(_IMAGE))}
        return frozenset(shown | self._by_sent_image.get(identifier, set()))

    def _find_name(self, forms: Ids) -> Ids:
        return _NONE.union(*(self._by_name[form] for form in forms if form in self._by_name))

    def _find_unclear(self, forms: Ids, is_hash: bool) -> Ids:  # noqa: FBT001
        """Return the SKUs with this name whose image nobody can compare with an identifier of this form."""
        ids = self.with_name(forms) & self._pool.free.keys()
        return frozenset(sku_id for sku_id in ids if not self._shows_an_image(sku_id, is_hash=is_hash))

    def _shows_an_image(self, sku_id: str, *, is_hash: bool) -> bool:
        if _IMAGE in self._pool.hidden:
            return False
        texts = [without_query(text) for text in texts_of(self._pool.free[sku_id].get(_IMAGE))]
        if is_hash:
            return any(HASH.search(text) for text in texts)
        return any("/" not in text for text in texts)


class _Search:
    def __init__(self, desired: Mapping[str, Fields], pool: Pool, others: Sequence[Fields]) -> None:
        self._pool = pool
        self._free, self._gone = frozenset(pool.free), frozenset(pool.gone)
        self._index = _Index(pool)
        self._images = {key: str(fields[_IMAGE]) for key, fields in desired.items()}
        self._forms = {key: name_forms(fields["name"]) for key, fields in desired.items()}
        images = [str(fields[_IMAGE]) for fields in others]
        forms = [name_forms(fields["name"]) for fields in others]
        self._size = len(desired) + len(others)
        # Counted in the whole catalog: what one run would create, the next must not ask about.
        self._image_users = Counter([*self._images.values(), *images])
        self._name_users = Counter(form for one in [*self._forms.values(), *forms] for form in one)
        self._are_images_shown = _IMAGE in pool.verified or any(
            not self._index.with_image(image).isdisjoint(self._free) for image in self._images.values()
        )
        self._with_both = cache(self._find_both)
        self._resemblance = cache(self._make)

    def run(self, found: int) -> Mapping[str, Resemblance]:
        strong = {key: made for key in self._images if (made := self._strong(key)) is not None}
        claimed = _NONE.union(*{made.sku_ids for made in strong.values()})
        lost = sum(not made.sku_ids.isdisjoint(self._free) for made in strong.values())
        # SKUs that may be an item's because most of the other items are known to have been there before.
        suspects = _NONE
        if lost + found and 2 * (lost + found) >= self._size:
            suspects |= self._free
        if not claimed.isdisjoint(self._gone):
            suspects |= self._gone
        rest = [key for key in self._images if key not in strong]
        return {**strong, **self._weak(rest, claimed, suspects)}

    def _strong(self, key: str) -> Resemblance | None:
        image, forms = self._images[key], self._forms[key]
        if with_key := self._index.with_key(key):
            return self._resemblance("has nearly the same key", with_key)
        if with_both := self._with_both(image, forms):
            return self._resemblance("has the same name and image", with_both)
        if self._are_images_shown:
            return None
        is_hash = HASH.fullmatch(image) is not None
        unclear = self._index.with_name_and_unclear_image(forms, is_hash)
        return self._resemblance("has the same name, and its image cannot be told", unclear) if unclear else None

    def _find_both(self, image: str, forms: Ids) -> Ids:
        with_image = self._index.with_image(image)
        return with_image if "name" in self._pool.hidden else with_image & self._index.with_name(forms)

    def _weak(self, keys: Sequence[str], claimed: Ids, suspects: Ids) -> Mapping[str, Resemblance]:
        """Find SKUs that have the image alone, or the name alone."""
        likely = self._free | suspects

        @cache
        def with_image(image: str) -> Ids:
            ids = self._index.with_image(image) - claimed
            return ids if self._image_users[image] == 1 and self._have_one_name(ids) else ids & suspects

        @cache
        def with_name(forms: Ids) -> Ids:
            ids = self._index.with_name(forms) - claimed
            is_alone = len(ids) == 1 and all(self._name_users[form] == 1 for form in forms)
            return ids & (likely if is_alone else suspects)

        found: dict[str, Resemblance] = {}
        for key in keys:
            if by_image := with_image(self._images[key]):
                found[key] = self._resemblance("has the same image", by_image)
            elif by_name := with_name(self._forms[key]):
                found[key] = self._resemblance("has the same name", by_name)
        return found

    def _have_one_name(self, ids: Iterable[str]) -> bool:
        forms = [name_forms(self._name(sku_id)) for sku_id in ids]
        return all(one & forms[0] for one in forms)

    def _name(self, sku_id: str) -> object:
        pool = self._pool
        return (pool.free[sku_id] if sku_id in pool.free else pool.gone[sku_id].applied).get("name")

    def _make(self, what: str, ids: Ids) -> Resemblance:
        owners = sorted(self._pool.gone[sku_id].key for sku_id in ids if sku_id in self._pool.gone)
        if owners:
            whose = f"of {owners[0]!r}, which the catalog does not have any more,"
            question = "Was the key changed?"
        else:
            whose, question = "is no item's, and", "Was the state lost?"
        reason = (
            f"{name_skus(nsmallest(MAX_NAMED + 1, ids))} {whose} {what}. {question} Decide: adopt, if it is this "
            f"item's, or create, if this is another item. Until then nothing is sent for it"
        )
        return Resemblance(sku_ids=ids, reason=reason)
