"""Pure: which rows have been given before, among those of the last pages. Memory stays at twice that many pages."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any


class Recent:
    """The ids of the last pages."""

    def __init__(self, pages: int) -> None:
        """Remember nothing yet; later so many pages at least, and less than twice as many."""
        self.stale = 0
        """Pages running that held nothing new."""
        self._pages = pages
        self._noted = 0
        # To forget them all together takes less than to forget each page as it gets too old.
        self._older: AbstractSet[Any] = frozenset()
        self._newer: set[Any] = set()

    def note(self, ids: Sequence[str | None], distinct: AbstractSet[str | None]) -> int:
        """Take note of a page: give how many of its rows are there for a second time.

        Args:
            ids: those of its rows; rows without one are never there for a second time.
            distinct: the same as a set.
        """
        unnamed = ids.count(None) if None in distinct else 0
        named = distinct - {None} if unnamed else distinct
        if self._older.isdisjoint(named):
            known = len(self._newer)
            self._newer |= named
            again = len(named) - (len(self._newer) - known)
        else:
            again = len(named & self._newer | named & self._older)
            self._newer |= named
        self._noted += 1
        if self._noted % self._pages == 0:
            self._older, self._newer = self._newer, set()
        twice = len(ids) - unnamed - len(named) + again
        self.stale = self.stale + 1 if twice == len(ids) > 0 else 0
        return twice
