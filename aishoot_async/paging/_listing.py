"""One listing of the API: how a page of it is asked for and read, and what a session remembers of its endpoint."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import attrs

from .. import codec
from ..calls import ApiClient, CallOptions, PendingResponse
from ..errors import APIStatusError, PagingError
from ..models import EnvelopePaths, ModelSpec
from ..transport import Response
from ..volatile import rows_without_volatile
from ._envelope import Envelope, Split, open_envelope, open_response
from ._lending import detach
from ._mark import mark

T = TypeVar("T")
REFUSED_BEYOND: Final = frozenset({400, 404, 416, 422})
"""How a service may refuse a page beyond the last."""
_REFUSALS_BELIEVED: Final = 2


class NoPageError(Exception):
    """An error that came in place of a page, and is no answer for it: the auth server's, or one of a token source.

    Attributes:
        error: that error.
    """

    def __init__(self, error: APIStatusError) -> None:
        """Keep it."""
        super().__init__(str(error))
        self.error = error


@attrs.define(eq=False, repr=False)
class EndpointMemory:
    """What a session has found out about an endpoint.

    Attributes:
        base: the wire number of the first page, once known.
        refusals_of_100: how many walks were refused a page of 100, and given a smaller one.
        longest: the longest page seen, by the page size that was asked for.
        has_totals: whether its totals count the whole list, as far as the latest walk that could tell has shown.
    """

    base: int | None = None
    refusals_of_100: int = 0
    longest: dict[int, int] = attrs.field(factory=dict)
    has_totals: bool = False

    @property
    def refuses_100(self) -> bool:
        """Whether to ask for the documented size at once. One refusal may be an accident."""
        return self.refusals_of_100 >= _REFUSALS_BELIEVED

    def saw(self, asked: int, length: int) -> None:
        """Note the length of a page."""
        if length > self.longest.get(asked, 0):
            self.longest[asked] = length


def _fingerprint(sheet: "Sheet[Any]") -> Hashable:
    return mark(sheet.ids, sheet.raws)


@attrs.define(kw_only=True, eq=False, repr=False)
class Sheet(Generic[T]):
    """One page as it was read.

    Attributes:
        asked: the number that it was asked for with.
        items: its items.
        raws: each item's own JSON.
        ids: each item's id, or ``None``.
        total, last, number: what the envelope says; see `Envelope`.
        are_ids_shared: whether rows that differ have one id, so that ``ids`` are none.
        skip: how many of the items an earlier walk has handed out, whose cursor stands on this page.
        fingerprint: what tells one page from another; see `mark`.
    """

    asked: int
    items: Sequence[T]
    raws: Sequence[bytes]
    ids: Sequence[str | None]
    total: int | None
    last: bool | None
    number: int | None
    are_ids_shared: bool = False
    skip: int = 0
    fingerprint: Hashable = attrs.field(init=False, default=attrs.Factory(_fingerprint, takes_self=True))

    @property
    def keys(self) -> Sequence[str | bytes]:
        """What tells one row from another: its id, or its JSON where it has none, but for signatures."""
        if None not in self.ids:
            return [key for key in self.ids if key is not None]
        texts = rows_without_volatile(self.raws)
        return [text if key is None else key for key, text in zip(self.ids, texts, strict=True)]


def _given(listing: "Listing[Any]") -> str:
    return "".join(f"{name}={quote(value, safe='')}&" for name, value in listing.query.items())


def _splitter(listing: "Listing[Any]") -> Split:
    return codec.page_decoder(listing.decode)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Listing(Generic[T]):
    """How the pages of one listing are asked for. It refers to no walk, so that a walk can be collected.

    Attributes:
        caller: makes the calls.
        path: the path, percent-encoded.
        query: what is asked besides the page.
        decode: makes an item of its JSON.
        spec: what the API documents of the items: where their ids stand, and whether each has one.
        envelope: where a page's parts stand, when it is not to be recognised.
        memory: what is known of the endpoint.
        template: the path with its ids named; see `ApiClient.request`.
    """

    caller: ApiClient
    path: str
    query: Mapping[str, str]
    decode: Callable[[bytes], T]
    spec: ModelSpec[Any]
    envelope: EnvelopePaths | None
    memory: EndpointMemory
    template: str | None = None
    _given: str = attrs.field(init=False, default=attrs.Factory(_given, takes_self=True))
    _split: Split = attrs.field(init=False, default=attrs.Factory(_splitter, takes_self=True))

    async def fetch(self, number: int, size: int, options: CallOptions) -> Sheet[T]:
        """Ask for one page, and read it.

        Raises:
            AIShootError: as `ApiClient.request` does.
            NoPageError: the request was not answered with the status that is at fault.
        """
        return (await self.ask(number, size, options))()

    async def ask(self, number: int, size: int, options: CallOptions) -> Callable[[], Sheet[T]]:
        """Ask for one page, and give what reads it.

        Pages are read one by one as they are handed out, so that the items of all that are ready need not be in memory
        (and be looked through by the garbage collector) together.

        Raises:
            AIShootError: as `ApiClient.send` does.
            NoPageError: the request was not answered with the status that is at fault.
        """
        query = f"{self._given}page={number}&pageSize={size}"
        try:
            answer = await self.caller.send("GET", self.path, template=self.template, query=query, options=options)
        except APIStatusError as error:
            if error.method == "GET" and error.path == self.path:
                raise
            raise NoPageError(error) from None
        return partial(self._read, answer, number, size)

    def _read(self, answer: PendingResponse, number: int, size: int) -> Sheet[T]:
        sheet = answer.read(lambda response: self._sheet(open_response(response, self.envelope, self._split), number))
        self.memory.saw(size, len(sheet.raws))
        return sheet

    def open(self, body: bytes, number: int) -> Sheet[T]:
        """Read a page.

        Raises:
            UnexpectedResponseError: it cannot be read.
        """
        return self._sheet(open_envelope(body, self.envelope, self._split), number)

    def _sheet(self, envelope: Envelope, number: int) -> Sheet[T]:
        items = codec.decode_items(envelope.items, self.decode, envelope.where)
        ids = codec.ids(items, envelope.items, self.decode, self.spec.id_members)
        are_shared = False
        if not self.spec.requires_id and (len(set(ids)) < len(ids) or "" in ids):
            are_shared = any(ids)
            ids = codec.telling_ids(ids, envelope.items)
            are_shared = are_shared and not any(ids)
        return Sheet(
            asked=number,
            items=items,
            raws=envelope.items,
            ids=ids,
            are_ids_shared=are_shared,
            total=envelope.total,
            last=envelope.last,
            number=envelope.number,
        )


def open_whole(response: Response, decode: Callable[[bytes], T]) -> Sequence[T]:
    """Read a list that has no pages.

    Raises:
        PagingError: it names a larger total than it holds.
        UnexpectedResponseError: it cannot be read.
    """
    envelope = open_response(response, split=codec.page_decoder(decode))
    if envelope.total is not None and envelope.total > len(envelope.items):
        msg = f"the service says that there are {envelope.total} items, and gives {len(envelope.items)}"
        raise PagingError(msg)
    items = codec.decode_items(envelope.items, decode, envelope.where)
    detach(items, envelope.items)
    return items
