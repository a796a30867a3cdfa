"""How a model is read from the wire: one row a model."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from ._raw import LazyRaw

T = TypeVar("T")


@attrs.frozen(kw_only=True, eq=False)
class ModelSpec(Generic[T]):
    """What an endpoint needs to know of its items. A row of `models.MODELS`.

    Attributes:
        model: the class of the items.
        name: what an item is called in errors: ``"SKU"``.
        wire: what an item's JSON is decoded as: a Struct of its documented fields, or ``None`` for a dictionary of all
            its members.
        make: makes an item of what was decoded, and of its exact JSON.
        id_members: the members that hold the id; of several, the first that is there counts.
        requires_id: whether each item has an id of its own. Where that is not documented, an item without one is
            accepted, and ids that several items share tell nothing.
    """

    model: type[T]
    name: str
    wire: type[msgspec.Struct] | None
    make: Callable[[Any, LazyRaw], T]
    id_members: tuple[str, ...] = ("id",)
    requires_id: bool = True


def setters(model: type) -> Mapping[str, Callable[[Any, Any], None]]:
    """Return what fills each slot of a new instance of a frozen model, by field.

    attrs' own ``__init__`` does the same, but looks each setter up for every instance.
    """
    return {field.name: getattr(model, field.name).__set__ for field in attrs.fields(model)}


def id_text(found: object) -> str | None:
    """Return an id as text; what is neither a string nor an integer is none."""
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None
