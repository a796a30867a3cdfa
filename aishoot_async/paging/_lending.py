"""Items share their page's buffer. An item that the caller still holds when the next page is read gets its own copy.

Else one kept item would hold the 50 KB of its page. Most items are dropped before that, and then no page is cut up.
"""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import ref

from ..errors import UnexpectedResponseError
from ..jsontext import LazyRawList


def detach(items: Iterable[Any], texts: Sequence[bytes]) -> None:
    """Give items that share the buffer of ``texts`` copies of their own."""
    if type(texts) is LazyRawList:
        for item in items:
            _ = item.raw


class BufferLease:
    """The items that were handed out last, and may still share their page's buffer."""

    def __init__(self) -> None:
        """Track nothing yet."""
        self._items: list[ref[Any]] = []

    def track(self, items: Sequence[Any], texts: Sequence[bytes]) -> None:
        """Note a page that is about to be handed out."""
        if type(texts) is LazyRawList:
            self._items += map(ref, items)

    def detach(self, *, but_the_last: bool) -> None:
        """Give the items that somebody still holds copies of their own, and forget them.

        Whoever asks for the next item most often still holds the last one, and drops it then: it can wait for a page.
        """
        references, self._items = self._items, []
        if but_the_last and references:
            self._items.append(references.pop())
        # Where the stack is higher than it was when they were read, deeply nested ones cannot be cut. Their walk has to
        # come to its end nevertheless; and lower down they can still be asked for their `raw`.
        with contextlib.suppress(UnexpectedResponseError):
            for reference in references:
                item = reference()
                if item is not None:
                    _ = item.raw
