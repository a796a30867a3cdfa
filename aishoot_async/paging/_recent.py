"""Pure: which rows have been given before, among those of the last pages. Memory stays at that many pages."""

from collections import deque
from collections.abc import Sequence
from typing import Any


class Recent:
    """The ids of the last pages."""

    def __init__(self, pages: int) -> None:
        """Remember nothing yet, and never more than so many pages."""
        self.stale = 0
        """Pages running that held nothing new."""
        # Each id stands in the latest page that had it, and in no other.
        self._pages: deque[set[str]] = deque()
        self._most = pages
        self._known: set[str] = set()

    def note(self, ids: Sequence[str | None]) -> int:
        """Take note of a page; give how many of its rows are there for a second time. Rows without an id never are."""
        page: set[Any] = {*ids}
        unnamed = ids.count(None) if None in page else 0
        page.discard(None)
        again = set[str]() if self._known.isdisjoint(page) else page & self._known
        for earlier in self._pages if again else ():
            earlier.difference_update(again)
        self._known |= page
        self._pages.append(page)
        if len(self._pages) > self._most:
            self._known -= self._pages.popleft()
        twice = len(ids) - unnamed - len(page) + len(again)
        self.stale = self.stale + 1 if twice == len(ids) > 0 else 0
        return twice
