"""Items borrow their JSON from their page until they ask for it: who is kept for longer gets a copy of its own.

Else one item that somebody keeps would hold the fifty kilobytes of its page. Most are dropped before the next page is
read, and then no page is ever taken apart: the counts of references tell. They decide about memory alone: an item that
is taken for dropped still reads its page.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ..errors import UnexpectedResponseError
from ..jsontext import Rows

_references: Final[Callable[[object], int] | None] = getattr(sys, "getrefcount", None)


def own(items: Iterable[Any], texts: Sequence[bytes]) -> None:
    """Give items that borrow from ``texts`` copies of their own."""
    if type(texts) is Rows:
        for each in items:
            _ = each.raw


class Lending:
    """The items that were handed out last."""

    def __init__(self) -> None:
        """Lend nothing yet."""
        self._items: list[Any] = []

    def lend(self, items: Sequence[Any], texts: Sequence[bytes]) -> None:
        """Take note of a page that is about to be handed out."""
        if type(texts) is Rows:
            self._items += items

    def settle(self, *, but_the_last: bool) -> None:
        """Give those that somebody keeps a copy of their own, and forget them.

        Who asks for the next item most often still holds the last one, and drops it then: it can wait for a page.
        """
        if not self._items:
            return
        items, self._items = self._items, []
        if but_the_last:
            self._items.append(items.pop())
        # Where the stack is higher than it was when they were read, deeply nested ones cannot be cut. Their walk has to
        # come to its end nevertheless; and lower down they can still be asked for their `raw`.
        with contextlib.suppress(UnexpectedResponseError):
            for each in _kept(items):
                _ = each.raw


def _kept(items: list[Any]) -> Sequence[Any]:
    if _references is None:
        return items
    items.append(object())  # which nobody else holds: for comparison
    counts = [*map(_references, items)]
    least = counts[-1]
    if counts.count(least) == len(counts):
        return ()
    return [item for item, count in zip(items, counts, strict=True) if count > least]
