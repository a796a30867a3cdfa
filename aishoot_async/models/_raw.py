"""Models made of a page at once: their exact JSON is a copy of their own, or cut out of the page's when asked for."""

from typing import Any, TypeVar

from ..jsontext import Rows

M = TypeVar("M", bound="OfPage")


class OfPage:
    """What may have been read as a part of a page: then its ``raw`` holds the page's rows, and ``_at`` says which."""

    # Both here: where attrs added a slot for weak references to a model's own, `draft` could not have the same.
    __slots__ = ("__weakref__", "_at")
    _at: int


def raw_when_asked(model: type[M]) -> type[M]:
    """Have ``raw`` cut when it is asked for: most readers of a page never ask. It is kept in attrs' own slot."""
    slot: Any = model.__dict__["raw"]
    get, put = slot.__get__, slot.__set__

    def raw(self: M) -> bytes:
        text = get(self)
        if type(text) is Rows:
            text = text[self._at]
            put(self, text)
        return text  # type: ignore[no-any-return]

    model.raw = property(raw, put)  # type: ignore[attr-defined]
    return model


def draft(model: type[OfPage]) -> Any:
    """Make the class that a frozen model is filled in as: it has the same slots, and becomes the model by its class.

    The model's own ``__init__`` looks each setter up by its name, which takes longer than reading its JSON.
    """
    return type(f"{model.__name__}Draft", (OfPage,), {"__slots__": model.__slots__})
