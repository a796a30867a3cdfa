"""Pure: an index of SKUs by what a person would know them by: their names, and their front images.

It answers which SKUs may be an item's though something else is otherwise: the state was lost, or the key was changed.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ._fields import HASH, Fields, name_key, same, texts_of, without_query
from ._keys import drifted_key
from ._operations import Owned

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
    # In capitals a dotless i is any other I.
    return "".join(part for part in parts if not unicodedata.combining(part)).replace("\u0131", "i")


class AlikeIndex:
    """SKUs by their names and front images."""

    def __init__(self, free: Mapping[str, Fields], gone: Iterable[Owned], hidden: Collection[str]) -> None:
        """Index SKUs.

        Args:
            free: those that are no item's, as the service shows them, by their ids.
            gone: those of keys that the catalog does not have any more.
            hidden: fields that the service does not show so that they can be compared.
        """
        self._free = free
        self._hidden = hidden
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._by_key: dict[str, set[str]] = defaultdict(set)
        self._by_sent_image: dict[object, set[str]] = defaultdict(set)
        self._by_token: dict[str, set[str]] = defaultdict(set)
        self._with_image: dict[str, frozenset[str]] = {}
        self._with_name: dict[frozenset[str], frozenset[str]] = {}
        self._unclear: dict[tuple[frozenset[str], bool], frozenset[str]] = {}
        for item in gone:
            self._add_name(item.sku_id, item.applied.get("name"))
            self._by_key[drifted_key(item.key)].add(item.sku_id)
            self._by_sent_image[item.applied.get(_IMAGE)].add(item.sku_id)
        for sku_id, row in free.items():
            self._add_name(sku_id, row.get("name"))
            for text in texts_of(row.get(_IMAGE)):
                for token in _TOKEN.findall(text.casefold()):
                    self._by_token[token].add(sku_id)

    def _add_name(self, sku_id: str, name: object) -> None:
        for form in name_forms(name):
            self._by_name[form].add(sku_id)

    def with_key(self, key: str) -> frozenset[str]:
        """Return the SKUs of a key that has gone, and that a spreadsheet may have changed into this one."""
        return frozenset(self._by_key.get(drifted_key(key), ()))

    def with_image(self, identifier: str) -> frozenset[str]:
        """Return the SKUs that have a front image."""
        found = self._with_image.get(identifier)
        if found is None:
            found = self._with_image[identifier] = self._find_image(identifier)
        return found

    def with_name(self, forms: frozenset[str]) -> frozenset[str]:
        """Return the SKUs that have a name, in one of its forms."""
        found = self._with_name.get(forms)
        if found is None:
            ids = [self._by_name[form] for form in forms if form in self._by_name]
            found = self._with_name[forms] = frozenset[str]().union(*ids)
        return found

    def with_name_alone(self, forms: frozenset[str], identifier: str) -> frozenset[str]:
        """Return the SKUs that have a name, and of whose image nobody can tell whether it is this one."""
        is_hash = HASH.fullmatch(identifier) is not None
        found = self._unclear.get((forms, is_hash))
        if found is None:
            ids = self.with_name(forms) & self._free.keys()
            found = frozenset(sku_id for sku_id in ids if not self._shows_an_image(sku_id, is_hash=is_hash))
            self._unclear[forms, is_hash] = found
        return found

    def _find_image(self, identifier: str) -> frozenset[str]:
        tokens = _TOKEN.findall(identifier.casefold())
        near = self._by_token.get(max(tokens, key=len), set()) if tokens else set[str]()
        shown = {sku_id for sku_id in near if same(_IMAGE, identifier, self._free[sku_id].get(_IMAGE))}
        return frozenset(shown | self._by_sent_image.get(identifier, set()))

    def _shows_an_image(self, sku_id: str, *, is_hash: bool) -> bool:
        """Tell whether a SKU shows the identifier of an image, of the same form as the one that is wanted."""
        if _IMAGE in self._hidden:
            return False
        texts = [without_query(text) for text in texts_of(self._free[sku_id].get(_IMAGE))]
        if is_hash:
            return any(HASH.search(text) for text in texts)
        return any("/" not in text for text in texts)
