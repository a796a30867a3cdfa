"""Values of the documented fields: what may be sent, and how it is checked when a request is made."""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum, StrEnum
from typing import Any, Final, Generic, Literal, TypeVar, cast

from ..validation import is_int, refuse_field

E = TypeVar("E", bound=StrEnum)


class Gender(StrEnum):
    """``gender`` as documented."""

    MALE = "male"
    FEMALE = "female"


class SkuCategory(StrEnum):
    """``skuCategoryName`` as documented."""

    TOP = "top"
    BOTTOM = "bottom"
    OUTFIT = "outfit"
    SOCKS = "socks"
    SHOES = "shoes"
    HATS = "hats"


class UnknownValue(str):
    """A value that the service gave and the documentation does not know; it may be sent back as it is."""

    __slots__ = ()


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        """Read as it is written."""
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        """Be false, as ``None`` is."""
        return False


UNSET: Final = Unset.UNSET
"""A field that is left out of the request; ``None`` is sent, as ``null``."""


class EnumLookup(dict[str | None, E | UnknownValue | None], Generic[E]):
    """Reads what the service gave: a documented value, or one that survives as its string; ``None`` as ``None``.

    A dictionary, because an enumeration's own look-up takes longer than reading the rest of an item.
    """

    def __init__(self, enumeration: type[E]) -> None:
        """Know the documented values."""
        super().__init__({member.value: member for member in enumeration})
        self[None] = None

    def __missing__(self, text: str) -> UnknownValue:
        """Read another; nothing is kept of it."""
        return UnknownValue(text)


GENDERS: Final = EnumLookup(Gender)
CATEGORIES: Final = EnumLookup(SkuCategory)


def check_project_ids(field: str, value: object) -> tuple[int, ...]:
    """Accept a collection of positive integers; a string is none, and booleans are not integers."""
    numbers = _elements(value)
    if numbers is None or any(not is_int(n) or n < 1 for n in numbers):
        raise refuse_field(field, "a list of positive integers", value)
    return numbers


def _elements(value: object) -> tuple[Any, ...] | None:
    # Lists first: to ask an abstract class takes longer than the rest of the check.
    if not isinstance(value, list | tuple) and (
        isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Collection)
    ):
        return None
    return tuple(cast("Iterable[Any]", value))


def check_choice(field: str, known: EnumLookup[E], value: object) -> E | UnknownValue:
    """Accept a documented value, or one that the service itself gave."""
    if isinstance(value, UnknownValue):
        return value
    found = known.get(value) if isinstance(value, str) else None
    if found is None:
        raise refuse_field(field, f"one of {', '.join(filter(None, known))}", value)
    return found
