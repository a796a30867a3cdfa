"""The states of a unit, as the journal tells them. Each row is written after the bytes that it speaks of.

    open        The first `size` bytes are on the disk, in the staging folder. After a crash the part is cut back to
                them and written on; if the disk holds fewer, the unit is read anew.
    staged      Whole, and on the disk in the staging folder. Never written to again.
    published   Under its name at the destination. Replaced only by a staged part of another hash.

A unit goes through these states; its parts are published together, so that no reader meets half of one walk and half
of another:

    from        event        to          rule
    --------------------------------------------------------------------------------------------------------------
    new         begin        reading     what is staged belongs to one walk, begun at the first page
    reading     begin        reading     the listing changed, or the disk lost bytes: staged parts are dropped
    reading     end          publishing  the walk has ended and every part is staged: from here on only renames
    publishing  publish      done        every part is under its name; what had more parts before has lost them
    done        begin        reading     it was refreshed, or not complete: what is published stays meanwhile

The names of the fields are those of the journal's JSON.
"""

from enum import StrEnum
from typing import Any, Final

import attrs


class State(StrEnum):
    """Where a unit stands."""

    NEW = "new"
    READING = "reading"
    PUBLISHING = "publishing"
    DONE = "done"


_NEXT: Final = {
    (State.NEW, "begin"): State.READING,
    (State.READING, "begin"): State.READING,
    (State.READING, "end"): State.PUBLISHING,
    (State.PUBLISHING, "publish"): State.DONE,
    (State.DONE, "begin"): State.READING,
}


@attrs.frozen(kw_only=True)
class Part:
    """A file of a unit.

    Attributes:
        number: from 0.
        size: bytes on the disk.
        rows, pages: what they hold.
        text: bytes of JSON that they hold, before compression.
        sha256: of the bytes; of an open part, nothing.
    """

    number: int
    size: int = 0
    rows: int = 0
    pages: int = 0
    text: int = 0
    sha256: str = ""


@attrs.frozen(kw_only=True)
class Checkpoint:
    """A position in the walk, at the end of a page.

    Attributes:
        cursor: the beginning of the last page that was read, so that a new walk can see whether it is unchanged.
        mark: the fingerprint of that page, without what a service signs anew in each answer.
        first_total, last_total: items that there are, as the service said first and last.
        doubtful: the listing was seen to change.
        holes: pages without rows came before pages with some.
    """

    cursor: str | None = None
    mark: str | None = None
    first_total: int | None = None
    last_total: int | None = None
    doubtful: bool = False
    holes: bool = False


@attrs.frozen(kw_only=True)
class PartSet:
    """What one walk of a unit has brought. A kind of job may keep more in a subclass, in fields of plain JSON values.

    Attributes:
        staged: whole parts.
        open: the part that is being written.
        point: how far the walk has come.
        begun, ended: times, ISO 8601 in UTC.
        complete: nothing spoke against its being whole.
        strict: two walks have agreed on it.
        sweeps: walks that it took.
        attempt: the attempt of another machine that has staged it; empty for this one.
    """

    staged: tuple[Part, ...] = ()
    open: Part | None = None
    point: Checkpoint = Checkpoint()
    begun: str = ""
    ended: str = ""
    complete: bool = False
    strict: bool = False
    sweeps: int = 1
    attempt: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts."""
        return self.staged if self.open is None else (*self.staged, self.open)

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(part.rows for part in self.parts)

    @property
    def pages(self) -> int:
        """Pages in all."""
        return sum(part.pages for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(part.size for part in self.parts)


@attrs.frozen(kw_only=True)
class Unit:
    """A unit's row in the journal.

    Attributes:
        name: ``brief_id=1``, or ``skus``.
        state: where it stands.
        reading: what is being read, or waits to be published.
        published: what stands at the destination.
        is_stale: a refresh is to read it anew.
    """

    name: str
    state: State = State.NEW
    reading: PartSet | None = None
    published: PartSet | None = None
    is_stale: bool = False

    def transition(self, event: str, **changes: Any) -> "Unit":
        """Return the row of the next state.

        Raises:
            KeyError: nothing of the kind can happen in this state.
        """
        return attrs.evolve(self, state=_NEXT[self.state, event], **changes)

    def mark_stale(self) -> "Unit":
        """Return the row of a unit that is to be read anew; what an earlier walk has staged is older than that."""
        if self.state is State.READING:
            state = State.NEW if self.published is None else State.DONE
            return attrs.evolve(self, state=state, reading=None, is_stale=True)
        return attrs.evolve(self, is_stale=True)

    def published_as_staged(self) -> "Unit":
        """Return the row of a unit whose staged parts are all under their names."""
        parts = None if self.reading is None else attrs.evolve(self.reading, attempt="")
        return self.transition("publish", reading=None, published=parts)

    @property
    def staged_as(self) -> str:
        """The name under which its staged parts lie."""
        return (self.reading and self.reading.attempt) or self.name

    @property
    def has_brought(self) -> bool:
        """Whether anything was read of it, published or not. Of a brief that was not found, nothing was."""
        is_staged = self.reading is not None and (self.reading.pages > 0 or self.state is State.PUBLISHING)
        return self.published is not None or is_staged

    @property
    def is_incomplete(self) -> bool:
        """Whether what stands at the destination is incomplete, or perhaps half of one walk and half of another."""
        return self.state is State.PUBLISHING or (self.published is not None and not self.published.complete)

    def is_finished(self, *, strict: bool) -> bool:
        """Return whether nothing is left to be done; ``strict`` is satisfied by a strict walk alone."""
        parts = self.published
        is_whole = parts is not None and parts.complete and (parts.strict or not strict)
        return self.state is State.DONE and not self.is_stale and is_whole


def read_unit(plain: Any, part_set: type[PartSet] = PartSet) -> Unit:
    """Return the unit of a row of the journal; ``part_set`` is what the kind of job keeps of each walk.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    from ..structuring import from_plain  # noqa: PLC0415  # cattrs is slow to import, and a new job reads nothing

    reading, published = (
        None if walk is None else from_plain(walk, part_set) for walk in (plain["reading"], plain["published"])
    )
    unit = from_plain({**plain, "reading": None, "published": None}, Unit)
    return attrs.evolve(unit, reading=reading, published=published)
