"""Pure: which rows have been given before, among those of the last pages. Memory stays at that many pages."""

from collections import deque
from collections.abc import Sequence
from itertools import count


class Recent:
    """The ids of the last pages."""

    def __init__(self, pages: int) -> None:
        """Remember nothing yet, and never more than so many pages."""
        self.stale = 0
        """Pages running that held nothing new."""
        self._numbers = count()
        self._pages: deque[tuple[int, Sequence[str]]] = deque()
        self._most = pages
        self._latest: dict[str, int] = {}

    def note(self, ids: Sequence[str | None]) -> int:
        """Take note of a page; give how many of its rows are there for a second time. Rows without an id never are."""
        named = [key for key in ids if key is not None]
        number, latest = next(self._numbers), self._latest
        twice = 0
        for key in named:
            twice += key in latest
            latest[key] = number
        self._pages.append((number, named))
        if len(self._pages) > self._most:
            self._forget(*self._pages.popleft())
        self.stale = self.stale + 1 if twice == len(ids) > 0 else 0
        return twice

    def _forget(self, number: int, ids: Sequence[str]) -> None:
        for key in ids:
            if self._latest.get(key) == number:
                del self._latest[key]
