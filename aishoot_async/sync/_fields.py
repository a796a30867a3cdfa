"""Pure: the fields of a SKU as plain values, as a catalog states them and as a service shows them.

A service may show a field differently than it was sent: an image as a URL, an enumeration in capitals, projects as
objects or not at all. `matches_desired` knows such renderings; `same_remote` compares two remote values.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import unquote

from .. import jsontext
from ..models import CATEGORIES, GENDERS, UNSET, WIRE_NAMES, Sku, SkuCreate

FIELDS: Final = tuple(WIRE_NAMES)
IMAGES: Final = ("front_image", "back_image")
_ENUMERATIONS: Final[Mapping[str, Mapping[str | None, Any]]] = {
    "gender": GENDERS,
    "sku_category_name": CATEGORIES,
}
HASH: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{64}(?![0-9A-Za-z])")
_QUERY: Final = re.compile(r"[?#]")
_NO_LETTER: Final = re.compile(r"[\W_]+")

Fields = Mapping[str, Any]
"""Fields by their snake_case names, as plain values; one that is not stated, or not shown, is not there."""


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "ABSENT"


ABSENT: Final = Absent.ABSENT
"""A field that is not there."""
_NOTHING: Final[Fields] = MappingProxyType({})


def desired_fields(sku: SkuCreate) -> dict[str, Any]:
    """Return the fields that a catalog states."""
    given = {field: getattr(sku, field) for field in FIELDS}
    return {field: _plain(value) for field, value in given.items() if value is not UNSET}


def remote_fields(sku: Sku) -> dict[str, Any]:
    """Return the fields that a service shows, whatever their types."""
    if not sku.raw:
        given = {field: getattr(sku, field) for field in FIELDS}
        return {field: _plain(value) for field, value in given.items() if value is not None}
    everything: dict[str, Any] = jsontext.value(sku.raw)
    return {field: _plain(everything[wire]) for field, wire in WIRE_NAMES.items() if wire in everything}


def _plain(value: Any) -> Any:
    # What comes out of the state file must be equal to what went in.
    match value:
        case str() | Decimal():
            return str(value)
        case tuple() | list():
            return [_plain(element) for element in cast("Iterable[Any]", value)]
        case dict():
            return {key: _plain(element) for key, element in cast("dict[str, Any]", value).items()}
        case _:
            return value


def request_fields(fields: Fields) -> dict[str, Any]:
    """Return the arguments of a `SkuCreate` or `SkuUpdate`; values of enumerations may be undocumented ones."""
    made = dict(fields)
    for field, known in _ENUMERATIONS.items():
        if isinstance(made.get(field), str):
            made[field] = known[made[field]]
    return made


def same_remote(field: str, one: object, other: object) -> bool:
    """Tell whether two values that a service showed, or a catalog stated, are equal; not shown and null are."""
    return one == other or _canonical(field, one) == _canonical(field, other)


def _canonical(field: str, value: object) -> object:
    if value is ABSENT:
        return None
    if field == "project_ids":
        numbers = project_numbers(value)
        return value if numbers is None else numbers
    return _unsigned(value) if field in IMAGES else value


def _unsigned(value: object) -> object:
    """Remove from an image what a service makes anew for each answer: the queries of its URLs."""
    if isinstance(value, str):
        return without_query(value)
    if isinstance(value, list):
        return [_unsigned(element) for element in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        # A number is a size, or the time at which a signature ends.
        return {name: _unsigned(member) for name, member in members.items() if not isinstance(member, int | float)}
    return value


def without_query(text: str) -> str:
    """Return a URL without its query and fragment, and any other text as it is."""
    path = _QUERY.split(text, maxsplit=1)[0]
    return path if "/" in path else text


def has_changed(
    field: str, before: Fields, now: Fields, applied: Fields = _NOTHING, volatile: Collection[str] = ()
) -> bool:
    """Tell whether a service shows a field differently than before.

    Args:
        field: which one.
        before: what it showed.
        now: what it shows.
        applied: what the catalog stated then, as far as that is known.
        volatile: fields that this SKU shows differently in each answer; they never count as changed.
    """
    old, new = before.get(field, ABSENT), now.get(field, ABSENT)
    sent = applied.get(field)
    if (
        field in IMAGES
        and sent is not None
        and matches_desired(field, sent, old)
        and not matches_desired(field, sent, new)
    ):
        return True  # also where the identifier stands in the query
    return field not in volatile and not same_remote(field, old, new)


def volatile_images(one: Fields, other: Fields) -> frozenset[str]:
    """Return the images that a SKU shows differently in two answers of which the second was requested at once."""
    return frozenset(
        field
        for field in IMAGES
        if field in one and field in other and not same_remote(field, one[field], other[field])
    )


def matches_desired(field: str, wanted: object, value: object) -> bool:
    """Tell whether a service shows what is desired, in any known rendering."""
    if value is ABSENT or wanted is None or value is None:
        return wanted is value
    return wanted == value or _is_rendering(field, wanted, value)


def _is_rendering(field: str, wanted: object, value: object) -> bool:
    if field in IMAGES:
        return any(_names(text, str(wanted)) for text in texts_of(value))
    if field == "project_ids":
        return project_numbers(wanted) == project_numbers(value)
    return field != "name" and _spelling(wanted) == _spelling(value)


def texts_of(value: object) -> Iterable[str]:
    """Return the text, or the texts in an object that stands in its place."""
    inside: Iterable[object] = cast("dict[str, object]", value).values() if isinstance(value, dict) else [value]
    return [text for text in inside if isinstance(text, str)]


def _names(text: str, identifier: str) -> bool:
    """Tell whether a longer name or URL holds the identifier as a whole token."""
    if identifier.casefold() not in text.casefold() and "%" not in text:
        return False
    if HASH.fullmatch(identifier):
        # Nothing else looks like a hash, so that an underscore beside it is no part of a longer name.
        edge, text, identifier = "[0-9A-Za-z]", text.lower(), identifier.lower()
    else:
        edge = r"[\w-]"
    pattern = re.compile(f"(?<!{edge}){re.escape(identifier)}(?!{edge})")
    return any(pattern.search(form) is not None for form in {text, unquote(text)})


def _spelling(value: object) -> str:
    return _NO_LETTER.sub("", str(value)).casefold()


def project_numbers(value: object) -> frozenset[int] | None:
    """Read projects that are shown as numbers, as their digits, or as objects that have an id; else ``None``."""
    if not isinstance(value, list | tuple):
        return None
    found: set[int] = set()
    for element in cast("Iterable[Any]", value):
        number = element
        if isinstance(element, dict):
            members = cast("dict[str, Any]", element)
            number = members.get("id", members.get("projectId"))
        if isinstance(number, str) and number.isascii() and number.isdigit():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int):
            return None
        found.add(number)
    return frozenset(found)


def name_key(name: object) -> str:
    """Return a name in a form that does not depend on white space, case and how letters are composed."""
    return " ".join(unicodedata.normalize("NFKC", str(name)).casefold().split())


def echoes(field: str, wanted: object, row: Fields) -> bool:
    """Tell whether a row may show what was sent; names may be trimmed and composed, and empty values hidden."""
    value = row.get(field, ABSENT)
    if field == "name":
        return isinstance(value, str) and _composed(str(wanted)) == _composed(value)
    return matches_desired(field, wanted, value) or ((wanted is None or wanted == []) and value in (ABSENT, None, []))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
