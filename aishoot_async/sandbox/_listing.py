"""Pages of a listing: which rows a call asks for, what the page says of itself, and the envelope. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import frozen

from aishoot_async.sandbox._settings import Envelope, ListingSettings
from aishoot_async.sandbox._wire import PlatformError


@frozen(kw_only=True)
class Listing:
    """A page and what it says of itself; `total` and `last` are None where nothing is said."""

    name: str
    rows: Sequence[str]
    index: int
    size: int
    total: int | None
    last: bool | None

    @property
    def array(self) -> str:
        """The rows as a JSON array."""
        return f"[{','.join(self.rows)}]"

    @property
    def pages(self) -> str | None:
        """The number of pages that follows from the total, rendered."""
        return None if self.total is None else str(-(-self.total // self.size))


def _object(**members: str | None) -> str:
    return "{" + ",".join(f'"{key}":{text}' for key, text in members.items() if text is not None) + "}"


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _flag(value: bool | None) -> str | None:  # noqa: FBT001 - a value to render, not a switch
    return None if value is None else str(value).lower()


def _page_object(listing: Listing) -> str:
    return _object(
        size=str(listing.size),
        number=str(listing.index),
        totalElements=_number(listing.total),
        totalPages=listing.pages,
    )


def _entries(listing: Listing) -> str:
    return _object(entries=listing.array, total=_number(listing.total))


def _spring(listing: Listing) -> str:
    return _object(
        content=listing.array,
        totalElements=_number(listing.total),
        totalPages=listing.pages,
        last=_flag(listing.last),
        number=str(listing.index),
        size=str(listing.size),
    )


def _spring_page(listing: Listing) -> str:
    return _object(content=listing.array, page=_page_object(listing))


def _hal(listing: Listing) -> str:
    # Spring HATEOAS leaves `_embedded` out when there is nothing to embed.
    embedded = f'{{"{listing.name}":{listing.array}}}' if listing.rows else None
    return _object(_embedded=embedded, page=_page_object(listing))


def _array(listing: Listing) -> str:
    return listing.array


def _nested(listing: Listing) -> str:
    return _object(data=_object(rows=listing.array, count=_number(listing.total)))


def _single_list(listing: Listing) -> str:
    return _object(records=listing.array, requestedBy='"sandbox"')


_FORMS: Final[dict[Envelope, Callable[[Listing], str]]] = {
    "entries": _entries,
    "spring": _spring,
    "spring-page": _spring_page,
    "hal": _hal,
    "array": _array,
    "nested": _nested,
    "single-list": _single_list,
}


def wrap(envelope: Envelope, listing: Listing) -> str:
    """Render a page in the given form."""
    return _FORMS[envelope](listing)


DEFAULT_PAGE_SIZE: Final = 20
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")


@frozen
class Window:
    """`size` rows from page number `index`, counted from 0; `void` holds no rows, wherever it stands."""

    index: int
    size: int
    void: bool = False

    @property
    def offset(self) -> int:
        """How many rows lie before it."""
        return self.index * self.size


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise PlatformError(400, f"Failed to convert '{name}' with value: '{text}'")
    return int(text)


def asked_window(query: Mapping[str, str], listing: ListingSettings) -> Window:
    """Read `page` and `pageSize` (defaults: the page base, and 20). Raises `PlatformError` 400 for what cannot be."""
    base, cap = listing.page_base, listing.max_page_size
    size = _integer(query, "pageSize", DEFAULT_PAGE_SIZE if cap is None else min(cap, DEFAULT_PAGE_SIZE))
    if size < 1:
        raise PlatformError(400, "pageSize: must be greater than or equal to 1")
    if cap is not None and size > cap:
        if listing.oversize == "reject":
            raise PlatformError(400, f"pageSize: must be less than or equal to {cap}")
        size = cap
    if listing.ignore_page:
        return Window(0, size)
    page = _integer(query, "page", base)
    if page >= base:
        return Window(page - base, size)
    if listing.below_base == "reject":
        raise PlatformError(400, f"page: must be greater than or equal to {base}")
    return Window(0, size, void=listing.below_base == "empty")


def settled_window(window: Window, total: int, listing: ListingSettings) -> Window:
    """Decide what a page behind the end gets. The first page exists even when there are no rows."""
    last = max(0, (total - 1) // window.size)
    if window.index <= last or listing.past_end == "empty":
        return window
    if listing.past_end == "not-found":
        raise PlatformError(404, f"Page {window.index + listing.page_base} does not exist")
    return Window(last, window.size)


def told_total(total: int, rows: int, listing: ListingSettings) -> int | None:
    """Return what the answer says about the number of rows: the truth, nothing, or a lie."""
    if listing.total == "missing":
        return None
    if listing.total == "page":
        return rows
    return max(0, total + (0 if listing.total == "exact" else listing.total))


def told_last(window: Window, total: int, listing: ListingSettings) -> bool | None:
    """Return what the answer says about being the last one, in the envelopes that say it."""
    if listing.last == "missing":
        return None
    if listing.last == "exact":
        return window.offset + window.size >= total
    return listing.last == "always"
