"""Which rows a call asks for: query in, window out. Pure, so that every quirk is one visible line."""

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from aishoot_async.sandbox._settings import ListingSettings
from aishoot_async.sandbox._wire import PlatformError

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
