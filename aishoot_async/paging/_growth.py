"""Pure: a listing that grows at least as fast as it is read has no end, and its walk must have one."""

from typing import Final

WINDOW_ROWS: Final = 25_000
"""How many rows are read between two looks at how many are left."""
MAX_WINDOWS: Final = 4
"""How often in a row as many rows may be left as before: a listing may well grow by a leap, but not by one after the
other."""
MAX_ROWS_WITHOUT_TOTAL: Final = 10_000_000
"""How many rows are read of a listing that names no total: whether it comes nearer to its end cannot be known."""


class GrowthDetector:
    """Finds out that a walk comes no nearer to the end of its listing."""

    def __init__(self) -> None:
        """Begin with no page read."""
        self._rows = 0
        self._rows_at_look = 0
        self._left_at_look: int | None = None
        self._windows = 0

    def on_page(self, rows: int, left: int | None) -> str | None:
        """Take in a page.

        Args:
            rows: how many rows it has.
            left: how many rows the total implies behind it; ``None`` without a total to trust.

        Returns:
            A sentence, once there is no end in sight.
        """
        self._rows += rows
        if left is None:
            if self._rows <= MAX_ROWS_WITHOUT_TOTAL:
                return None
            return f"{self._rows} rows were read, and the listing names no total: it may have no end"
        if self._left_at_look is not None:
            if self._rows - self._rows_at_look < WINDOW_ROWS:
                return None
            self._windows = self._windows + 1 if left >= self._left_at_look else 0
        self._left_at_look, self._rows_at_look = left, self._rows
        if self._windows < MAX_WINDOWS:
            return None
        return f"the listing grows as fast as it is read: {self._rows} rows were read, and {left} are left"
