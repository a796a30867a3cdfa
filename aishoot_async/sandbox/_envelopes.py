"""What stands around the rows of a listing. One function a form; rows come rendered and are never looked into."""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from aishoot_async.sandbox._options import Envelope


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
