"""A model's exact JSON: a copy of its own, or its place among a page's rows, from which it is cut when asked for."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import attrs

from ..jsontext import Rows

M = TypeVar("M", bound="OfPage")


class OfPage:
    """What may have been read as a part of a page: then its ``raw`` holds the page's rows, and ``_at`` says which."""

    __slots__ = ("_at",)
    _at: int


def raw_when_asked(model: type[M]) -> type[M]:
    """Have ``raw`` cut when it is asked for: most readers of a page never ask. It is kept in attrs' own slot."""
    slot: Any = model.__dict__["raw"]
    get, put = slot.__get__, slot.__set__

    def raw(self: M) -> bytes:
        text = get(self)
        if isinstance(text, Rows):
            text = text[self._at]
            put(self, text)
        return text  # type: ignore[no-any-return]

    model.raw = property(raw, put)  # type: ignore[attr-defined]
    return model


set_at: Final[Callable[[OfPage, int], None]] = OfPage.__dict__["_at"].__set__


def setters(model: type[M]) -> Mapping[str, Callable[[M, Any], None]]:
    """Give what sets a field of a frozen model: its own ``__init__`` takes as long again as to read all of them."""
    found: dict[str, Any] = {}
    for field in attrs.fields(cast("Any", model)):
        slot = getattr(model, field.name)
        found[field.name] = slot.fset if isinstance(slot, property) else slot.__set__
    return found
