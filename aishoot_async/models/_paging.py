"""What a listing hands out beside its items, and what can be asked of it."""

from collections.abc import Sequence
from typing import Any, Generic, Literal, TypedDict, TypeVar

import attrs

from ..errors import ConfigurationError, Cursor

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a listing.

    Attributes:
        number: its number on the wire.
        items: what stands on it, in order.
        total: how many items the service says the whole listing has; ``None`` when it does not say.
        raw: each item's own JSON.
    """

    number: int
    items: Sequence[T]
    total: int | None = None
    raw: Sequence[bytes] = attrs.field(default=(), repr=False)


def _dotted(_owner: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if value is None and field.name != "items":
        return
    if not isinstance(value, str) or not all(value.split(".")):
        msg = f"EnvelopePaths.{field.name} must be a dotted path such as data.rows, not {value!r}"
        raise ConfigurationError(msg)


@attrs.frozen
class EnvelopePaths:
    """Where a page's parts stand in its JSON, as dotted paths (``"data.rows"``), for a form that is not recognised.

    Attributes:
        items: the list of items.
        total: the number of items of the whole listing; ``None`` when the service does not give it.
        last: a boolean that is true on the last page; ``None`` when the service does not give it.

    Raises:
        ConfigurationError: a path is blank.
    """

    items: str = attrs.field(validator=_dotted)
    total: str | None = attrs.field(default=None, validator=_dotted)
    last: str | None = attrs.field(default=None, validator=_dotted)


@attrs.define(kw_only=True)
class PagingReport:
    """What a walk has seen so far. Its size does not grow with the walk.

    Attributes:
        pages: pages handed out, or read for items that were.
        items: items handed out.
        duplicates: items handed out that had been handed out before, by their ids, among the last pages: at least
            ``2 * prefetch`` of them, and at least 16; of a strict walk, items that its last pass has met before,
            among all.
        expected_total: the total that the service gave last.
        total_changed: whether the service gave different totals.
        page_base: the wire number of the first page, once known.
        page_size: items a page, as the service gives them, once known.
        passes: how often the listing was walked through: once, or as often as a strict walk had to.
        complete: True once the walk has ended and nothing speaks against its being whole. A row that goes while another
            comes leaves the total as it was, and is not seen but by a strict walk.
    """

    pages: int = 0
    items: int = 0
    duplicates: int = 0
    expected_total: int | None = None
    total_changed: bool = False
    page_base: int | None = None
    page_size: int | None = None
    passes: int = 1
    complete: bool = False


class PagingOptions(TypedDict, total=False):
    """What every listing can be told.

    Keys:
        start: where to begin: a `Cursor` of an earlier walk, or the number of a page on the wire.
        prefetch: pages in flight or ready ahead of the consumer at most; 1 is strictly one after the other.
        strict: pass over the listing again and again, at most five times, until two passes running have given the same
            rows (told by their ids, or their JSON where they have none), no row twice and one total; only then give a
            row, or raise `UnstableListingError`. What is read is kept in a temporary file without a name. The order,
            the pages and the cursors are those of the last pass. Awaiting the pager, or collecting some of it, passes
            over all of it, too; from a ``start`` on, what changed before it cannot be seen; ``into`` is called in each
            pass, and once more when an item is given.
        on_drift: what to do when the listing is seen to change: log once, raise `DriftError`, or nothing. With
            ``strict``, it is walked again unless that raises.
        envelope: where the parts of a page stand, for a form that is not recognised.
        patience: seconds for which the walk rides out an outage of the service, asking every 30 s whether it is back;
            0 (the usual) ends the walk when the attempts of a call have come to nothing.
    """

    start: Cursor | int | None
    prefetch: int
    strict: bool
    on_drift: Literal["warn", "raise", "ignore"]
    envelope: EnvelopePaths | None
    patience: float
