"""Counts what an export has read, and tells whoever wants to know."""

from collections.abc import Callable

from ..callbacks import call_plain
from ..calls import Traffic
from ._job import brief_of
from ._reading import Sight
from ._report import BriefOutcome, ExportProgress


class Tally:
    """The counts of one export. Their size does not grow with it, but by the briefs in hand."""

    def __init__(
        self, traffic: Callable[[], Traffic], briefs: int, tell: Callable[[ExportProgress], object] | None
    ) -> None:
        """Begin with nothing read."""
        self._traffic = traffic
        self._tell = tell
        self._briefs = briefs
        self._done = 0
        self._rows = 0
        self._expected = 0
        self._in_hand: dict[str, Sight] = {}
        self._retries_before = traffic().retries

    def saw(self, name: str, sight: Sight) -> None:
        """Hear of a page."""
        self._in_hand[name] = sight
        if self._tell is None:
            return
        traffic = self._traffic()
        known = sum(sight.total or sight.items for sight in self._in_hand.values()) + self._expected
        call_plain(
            "on_progress",
            self._tell,
            ExportProgress(
                brief_id=brief_of(name),
                pages=sight.pages,
                items=sight.items,
                total=sight.total,
                briefs_done=self._done,
                briefs_total=self._briefs,
                rows=self._rows + sum(sight.items for sight in self._in_hand.values()),
                expected_rows=None if sight.total is None else known,
                retries=traffic.retries - self._retries_before,
                limit=traffic.limit,
            ),
        )

    def done(self, name: str, outcome: BriefOutcome) -> None:
        """Hear that a brief is finished, or given up."""
        self._in_hand.pop(name, None)
        self._done += 1
        self._rows += outcome.items
        self._expected += outcome.items
