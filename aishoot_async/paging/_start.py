"""Where a list begins: page 1, as the API's samples have it, or page 0, which would be lost in silence.

Asked once for an endpoint and session. A row is given only when that is settled. It takes two steps, of which the
second may go on beside the pages that follow page 1 in either case.

What one answer says of page 0 is remembered for a whole session, so an odd answer is asked for twice:

    page 0 has rows of its own                     lists begin at page 0
    page 0 has the rows of page 1                  lists begin at page 1
    page 0 is empty or refused (4xx), twice        lists begin at page 1
    page 0 answers 500, now or then                unknown: nothing is remembered, and the walk is in doubt unless its
                                                   total shows that no page is missing
    any other error                                raised; it says nothing of the page

A first page that is remembered and then refused is looked for again.
"""

from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Any, Final

import attrs

from ..errors import APIStatusError, NotFoundError
from ._listing import REFUSED_BEYOND, EndpointMemory, Sheet

Outcome = Sheet[Any] | APIStatusError
Fetch = Callable[[int], Awaitable[Sheet[Any]]]

_SERVER_ERROR: Final = 500
"""How Spring refuses an index of -1, and how any service fails at a page that it has."""
_NO_SUCH_PAGE: Final = frozenset({400, 404, 405, 416, 422, _SERVER_ERROR})
"""How a service that counts from 1 may answer for page 0."""


UNCLEAR: Final = "page 0 answers 500, so it cannot be known whether the list begins there"


@attrs.frozen(eq=False, repr=False)
class Start:
    """Where a list begins, as far as that is known.

    Attributes:
        page: the first page's number on the wire; 1 while it is not known.
        read: what has been read from there on, in order.
        is_known: whether that is the first; else `probe` tells.
        doubt: why page 0 may be the first after all, and could not be read.
    """

    page: int
    read: Sequence[Outcome]
    is_known: bool = True
    doubt: str | None = None


async def find_start(
    fetch: Fetch, memory: EndpointMemory, *, beyond: Container[int] = REFUSED_BEYOND, is_trusting: bool = True
) -> Start:
    """Read page 1, and tell whether that is enough to know the first page.

    Args:
        fetch: asks for a page.
        memory: what is known of the endpoint.
        beyond: the statuses by which a service that counts from 0 may refuse page 1, past the end of a single page.
        is_trusting: whether to begin where an earlier walk of the endpoint began, without looking for the first page.

    Raises:
        AIShootError: as ``fetch`` does.
    """
    one: Outcome | None = None
    base = memory.base  # another walk may change it meanwhile
    if base is not None and is_trusting:
        first = await _outcome(fetch, base, beyond)
        if isinstance(first, Sheet):
            return Start(base, [first])
        # Each list has a first page: this one is not there, or pages are counted otherwise now.
        one = first if base == 1 else None
    if one is None:
        one = await _outcome(fetch, 1, beyond)
    read = [one]
    is_known = isinstance(one, Sheet) and bool(one.raws) and await _shows_itself_first(fetch, one, read)
    if is_known:
        memory.base = 1
    return Start(1, read, is_known)


def pages_implied(one: Outcome, asked: int) -> int:
    """Give how many pages page 1 implies beyond it. Should page 0 be the first, the last of them may be one too many.

    Args:
        one: page 1.
        asked: the page size that was asked for.
    """
    if not isinstance(one, Sheet) or not one.raws:
        return 0
    if one.total is None:
        return 1  # which tells whether there are more
    length = len(one.raws)
    if length < asked:
        return 0  # it may be the last, behind a longer page 0
    return max(0, -(-(one.total - length) // length))


async def probe(fetch: Fetch, memory: EndpointMemory, seen: Sequence[Outcome]) -> Start:
    """Find the first page by asking for page 0, and for as little more as can tell.

    Args:
        fetch: asks for a page.
        memory: what is known of the endpoint.
        seen: page 1, and what has been read behind it.

    Raises:
        AIShootError: as ``fetch`` does.
    """
    one, *after = seen
    zero = await _outcome(fetch, 0, _NO_SUCH_PAGE)
    if isinstance(one, APIStatusError) and isinstance(zero, APIStatusError):
        raise one
    zero = await _confirmed(zero, fetch)
    read = [one := await _sure_of(one, zero, fetch), *after]
    if isinstance(zero, Sheet) and zero.raws and not (isinstance(one, Sheet) and _overlap(zero, one)):
        memory.base = 0
        return Start(0, [zero, *read])
    if isinstance(one, APIStatusError):
        if isinstance(zero, APIStatusError):
            raise one
        return Start(0, [zero, one])  # an empty list, and as good as counted from 0
    if is_unclear_start(zero):
        memory.base = None
        return Start(1, read, doubt=UNCLEAR)
    if one.raws and not (isinstance(zero, Sheet) and zero.raws and await _may_be_repeated(fetch, one, read)):
        memory.base = 1
    return Start(1, read)


async def page_zero(fetch: Fetch) -> Outcome:
    """Ask for page 0; twice where it has no rows, as once may be an accident.

    Returns:
        The page, the refusal (4xx) of one that is not there, or the 500 that may mean either.

    Raises:
        AIShootError: as ``fetch`` does, where that says nothing of the page.
    """
    return await _confirmed(await _outcome(fetch, 0, _NO_SUCH_PAGE), fetch)


async def _confirmed(zero: Outcome, fetch: Fetch) -> Outcome:
    if isinstance(zero, Sheet) and zero.raws:
        return zero
    again = await _outcome(fetch, 0, _NO_SUCH_PAGE)
    # A 500 tells nothing, and what came beside it only once may be an accident.
    return zero if is_unclear_start(zero) and not (isinstance(again, Sheet) and again.raws) else again


def is_unclear_start(zero: Outcome) -> bool:
    """Tell whether an answer for page 0 says neither that there is such a page nor that there is none."""
    return isinstance(zero, APIStatusError) and zero.status == _SERVER_ERROR


async def _shows_itself_first(fetch: Fetch, one: Sheet[Any], read: list[Outcome]) -> bool:
    """Tell whether page 1 leaves no room for a page 0.

    Spring's ``new PageImpl(rows)`` is always page 0 of 1, its total its own count; so neither is believed by itself. A
    number that is always 0 is caught where a total is wrong that way, and would not be where there is none.
    """
    if one.total == len(one.raws):
        # All seems to stand on this page. One page more is needed to show the end, and shows whether that is a total.
        two = await _outcome(fetch, 2)
        read.append(two)
        return isinstance(two, Sheet) and not two.raws and two.total == one.total
    return one.number == 0 and one.total is not None and one.total > len(one.raws)


async def _sure_of(one: Outcome, zero: Outcome, fetch: Fetch) -> Outcome:
    """Look at page 1 again where it has no rows, and page 0 does not say why.

    Page 0 may be page 1 itself, for want of a page 0; and where that is empty, too, page 1 may be so by accident.
    """
    has_rows = isinstance(one, Sheet) and bool(one.raws)
    if has_rows or not isinstance(zero, Sheet) or (isinstance(one, Sheet) and one.total == len(zero.raws)):
        return one
    return await _outcome(fetch, 1, REFUSED_BEYOND)


async def _may_be_repeated(fetch: Fetch, one: Sheet[Any], read: list[Outcome]) -> bool:
    """Tell whether pages 0 and 1 may be the same because a service that counts from 0 repeats its only page.

    That is no harm to this list, but its endpoint's next may be longer. Page 2 is needed in any case, and tells.
    """
    if len(read) == 1:
        read.append(await _outcome(fetch, 2))
    two = read[1]
    return two.raws == one.raws if isinstance(two, Sheet) else not isinstance(two, NotFoundError)


async def _outcome(fetch: Fetch, number: int, refusals: Container[int] | None = None) -> Outcome:
    try:
        return await fetch(number)
    except APIStatusError as error:
        if refusals is not None and error.status not in refusals:
            raise
        return error


def _overlap(zero: Sheet[Any], one: Sheet[Any]) -> bool:
    """Tell whether both are the same page: rows may have come or gone between the two requests."""
    common = len(set(zero.keys) & set(one.keys))
    return 2 * common >= min(len(zero.raws), len(one.raws)) > 0
