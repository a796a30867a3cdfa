"""Pure: which rows have been given before, among those of the last pages. Memory stays at twice that many pages."""

from collections.abc import Sequence


class Recent:
    """The ids of the last pages."""

    def __init__(self, pages: int) -> None:
        """Remember nothing yet; later so many pages at least, and less than twice as many."""
        self.stale = 0
        """Pages running that held nothing new."""
        self._pages = pages
        self._noted = 0
        # To forget them all together takes less than to forget each page as it gets too old.
        self._older: set[str | None] = set()
        self._newer: set[str | None] = set()

    def note(self, ids: Sequence[str | None]) -> int:
        """Take note of a page: give how many of its rows are there for a second time; those without an id never are."""
        # New is by what the newer ones grow, but for what only the older ones had.
        newer, known = self._newer, len(self._newer)
        old = self._older.intersection(ids)
        only_old = len(old - newer) if old else 0
        newer.update(ids)
        unnamed = 0
        if None in newer:
            newer.discard(None)
            unnamed = ids.count(None)
        new = len(newer) - known - only_old
        self._noted += 1
        if self._noted % self._pages == 0:
            self._older, self._newer = newer, set()
        twice = len(ids) - unnamed - new
        self.stale = self.stale + 1 if twice == len(ids) > 0 else 0
        return twice
