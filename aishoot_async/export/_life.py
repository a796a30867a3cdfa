"""The life of a brief's parts, as the journal tells it. Each row is written after the bytes that it speaks of.

    open        The first `size` bytes are on the disk, in the staging folder. After a crash: cut back to them, and
                written on; if the disk holds fewer, the brief is read anew. Parquet parts cannot be cut, and are not
                journalled while open: they begin anew.
    staged      Whole, and on the disk in the staging folder. Never written to again.
    published   Under its name at the destination. Replaced only by a staged part of another hash.

A brief goes through these states; its parts are published together, so that no reader meets half of one walk and half
of another:

    from        event        to          rule
    --------------------------------------------------------------------------------------------------------------
    new         begin        reading     what is staged belongs to one walk, begun at the first page
    reading     begin        reading     the listing changed, or the disk lost bytes: staged parts are dropped
    reading     end          publishing  the walk has ended and every part is staged: from here on only renames
    publishing  publish      done        every part is under its name; what had more parts before has lost them
    done        begin        reading     it was refreshed, or not complete: what is published stays meanwhile
"""

from enum import StrEnum
from typing import Any, Final

import attrs


class State(StrEnum):
    """Where a brief stands."""

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
    """A part.

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
class Point:
    """A place in the walk, at the end of a page.

    Attributes:
        cursor: the beginning of the last page that was read, so that a new walk can see whether it is unchanged.
        mark: a hash of that page, without what a service signs anew in each answer.
        first_total, last_total: what the service said that there is.
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
class Content:
    """What one walk has brought: parts, and what the walk saw.

    Attributes:
        staged: whole parts.
        open: the part in hand.
        point: how far the walk has come.
        begun, ended: times.
        complete: nothing spoke against its being whole.
        strict: two walks have agreed on it.
        sweeps: walks that it took.
        attempt: names the attempt of another machine that has staged it; empty for this one.
    """

    staged: tuple[Part, ...] = ()
    open: Part | None = None
    point: Point = Point()
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
    """A brief's row in the journal (or the SKUs').

    Attributes:
        name: ``brief_id=1``, or ``skus``.
        state: where it stands.
        reading: what is being read, or waits to be published.
        published: what stands at the destination.
        is_stale: a refresh is to read it anew.
    """

    name: str
    state: State = State.NEW
    reading: Content | None = None
    published: Content | None = None
    is_stale: bool = False

    def after(self, event: str, **changes: Any) -> "Unit":
        """Go on to the next state."""
        return attrs.evolve(self, state=_NEXT[self.state, event], **changes)

    @property
    def staged_as(self) -> str:
        """What is staged of it lies under this name."""
        return (self.reading and self.reading.attempt) or self.name

    @property
    def has_brought(self) -> bool:
        """Whether anything was read of it, published or not. Of a brief that was not found, nothing was."""
        is_staged = self.reading is not None and (self.reading.pages > 0 or self.state is State.PUBLISHING)
        return self.published is not None or is_staged

    def is_settled(self, *, strict: bool) -> bool:
        """Whether nothing is left to be done; ``strict`` is satisfied by a strict walk alone."""
        content = self.published
        is_whole = content is not None and content.complete and (content.strict or not strict)
        return self.state is State.DONE and not self.is_stale and is_whole


def to_plain(unit: Unit) -> dict[str, Any]:
    """Give what JSON can hold."""
    return attrs.asdict(unit)


def from_plain(plain: dict[str, Any]) -> Unit:
    """Read what `to_plain` gave.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    return Unit(
        name=plain["name"],
        state=State(plain["state"]),
        reading=_content(plain["reading"]),
        published=_content(plain["published"]),
        is_stale=plain["is_stale"],
    )


def _content(plain: dict[str, Any] | None) -> Content | None:
    if plain is None:
        return None
    parts: dict[str, Any] = {
        "staged": tuple(Part(**part) for part in plain["staged"]),
        "open": None if plain["open"] is None else Part(**plain["open"]),
        "point": Point(**plain["point"]),
    }
    return Content(**{**plain, **parts})
