"""Models made of a page at once: their exact JSON is a copy of their own, or cut out of the page's when asked for."""

from typing import Any, TypeVar, cast

from ..jsontext import LazyRawList

M = TypeVar("M")
LazyRaw = bytes | tuple[LazyRawList, int]
"""What stands in the slot of ``raw``: the item's own JSON, or its page's list and its place there."""


def lazy_raw(model: type[M]) -> type[M]:
    """Have ``raw`` cut when it is asked for: most readers of a page never ask. It is kept in attrs' own slot."""
    slot: Any = model.__dict__["raw"]
    get, put = slot.__get__, slot.__set__

    def raw(self: M) -> bytes:
        text = get(self)
        if type(text) is tuple:
            texts, at = cast("tuple[LazyRawList, int]", text)
            text = texts[at]
            put(self, text)
        return text  # type: ignore[no-any-return]

    model.raw = property(raw, put)  # type: ignore[attr-defined]
    return model
