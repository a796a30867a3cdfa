"""What a job tells while it runs, and what it came to."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import attrs

from ..callbacks import call_plain
from ..calls import Traffic
from ._layout import brief_of
from ._reader import ReadProgress
from ._units import PartSet


@attrs.frozen(kw_only=True)
class JobProgress:
    """How far a job is.

    Attributes:
        brief_id: the brief of which a page has just been read; ``None`` in a job over SKUs.
        pages: pages of it, those of an earlier run included.
        items: items of it.
        total: items that it has, as the service says; ``None`` when it does not say.
        briefs_done: briefs that are finished, or given up.
        briefs_total: briefs in all.
        rows: items of all briefs.
        expected_rows: items that all briefs begun so far have, as the service says; ``None`` when it does not say.
        retries: requests of the session that were repeated.
        limit: requests that the session has on their way at most, as things stand.
    """

    brief_id: int | None
    pages: int
    items: int
    total: int | None
    briefs_done: int = 0
    briefs_total: int = 1
    rows: int = 0
    expected_rows: int | None = None
    retries: int = 0
    limit: int = 0


@attrs.frozen(kw_only=True)
class BriefOutcome:
    """What became of a brief.

    Attributes:
        brief_id: the brief; ``None`` in a job over SKUs.
        state: ``"complete"``; ``"unstable"``, when the listing changed in every walk, and what the last one brought is
            kept; or ``"failed"``: nothing new is there.
        how: ``"kept"`` from an earlier run, nothing fetched; ``"resumed"`` where an earlier run stood; ``"fetched"``.
        items, pages, bytes_written: what its parts hold, as they stand at the destination.
        parts: how many there are.
        replaced: how many of them are new or have changed.
        sweeps: walks that it took.
        first_total, last_total: items that it has, as the service said first and last.
        error: why it failed.
        permanent: whether it will fail again unless something is changed; an outage passes.
    """

    brief_id: int | None
    state: Literal["complete", "unstable", "failed"]
    how: Literal["kept", "resumed", "fetched"] = "fetched"
    items: int = 0
    pages: int = 0
    bytes_written: int = 0
    parts: int = 0
    replaced: int = 0
    sweeps: int = 0
    first_total: int | None = None
    last_total: int | None = None
    error: str | None = None
    permanent: bool = False


@attrs.frozen(kw_only=True)
class JobReport:
    """What a job came to.

    Attributes:
        destination: the file, the folder, or the URL.
        outcomes: each brief's, by its id.
    """

    destination: Path | str
    outcomes: Sequence[BriefOutcome] = attrs.field(repr=False)

    @property
    def complete(self) -> bool:
        """Whether nothing speaks against every item of every brief being there."""
        return all(outcome.state == "complete" for outcome in self.outcomes)

    @property
    def was_finished(self) -> bool:
        """Whether all was there before: nothing was fetched. ``refresh=True`` fetches it anew."""
        return all(outcome.how == "kept" for outcome in self.outcomes)

    @property
    def failed(self) -> Sequence[BriefOutcome]:
        """The briefs that failed."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]

    @property
    def unstable(self) -> Sequence[BriefOutcome]:
        """The briefs that changed in every walk."""
        return [outcome for outcome in self.outcomes if outcome.state == "unstable"]

    @property
    def items(self) -> int:
        """Items at the destination."""
        return sum(outcome.items for outcome in self.outcomes)

    @property
    def pages(self) -> int:
        """Pages that they came on."""
        return sum(outcome.pages for outcome in self.outcomes)

    @property
    def bytes_written(self) -> int:
        """Bytes of the parts."""
        return sum(outcome.bytes_written for outcome in self.outcomes)

    @property
    def replaced(self) -> int:
        """Parts that are new or have changed."""
        return sum(outcome.replaced for outcome in self.outcomes)


def outcome_of(
    name: str, parts: PartSet, *, how: Literal["kept", "resumed", "fetched"], replaced: int = 0
) -> BriefOutcome:
    """Return the outcome of a unit that is published."""
    return BriefOutcome(
        brief_id=brief_of(name),
        state="complete" if parts.complete else "unstable",
        how=how,
        items=parts.rows,
        pages=parts.pages,
        bytes_written=parts.size,
        parts=len(parts.parts),
        replaced=replaced,
        sweeps=parts.sweeps,
        first_total=parts.point.first_total,
        last_total=parts.point.last_total,
    )


class ProgressTracker:
    """Counts what a job has read, and calls ``on_progress``. Its size grows by the units in hand alone."""

    def __init__(
        self,
        traffic: Callable[[], Traffic],
        briefs: int,
        on_progress: Callable[..., object] | None,
        progress: type[JobProgress],
    ) -> None:
        """Begin with nothing read."""
        self._traffic = traffic
        self._on_progress = on_progress
        self._progress = progress
        self._briefs = briefs
        self._done = 0
        self._rows = 0
        self._in_hand: dict[str, ReadProgress] = {}
        self._retries_before = traffic().retries

    def on_read(self, name: str, read: ReadProgress) -> None:
        """Count a page."""
        self._in_hand[name] = read
        if self._on_progress is None:
            return
        traffic = self._traffic()
        in_hand = self._in_hand.values()
        expected = self._rows + sum(read.total or read.items for read in in_hand)
        call_plain(
            "on_progress",
            self._on_progress,
            self._progress(
                brief_id=brief_of(name),
                pages=read.pages,
                items=read.items,
                total=read.total,
                briefs_done=self._done,
                briefs_total=self._briefs,
                rows=self._rows + sum(read.items for read in in_hand),
                expected_rows=None if read.total is None else expected,
                retries=traffic.retries - self._retries_before,
                limit=traffic.limit,
            ),
        )

    def on_done(self, name: str, outcome: BriefOutcome) -> None:
        """Count a unit that is finished, or given up."""
        self._in_hand.pop(name, None)
        self._done += 1
        self._rows += outcome.items
