"""Pure: what tells one page from another: its ids, in any order and whatever stands beside them; or all of it."""

from collections.abc import Hashable, Sequence


class Ids:
    """The ids of a page's rows. Most pages share no row at all, and to see that one of them is missing is enough."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Sequence[str | None]) -> None:
        """Keep them."""
        self._ids = ids

    def __eq__(self, other: object) -> bool:
        """Compare them as sets."""
        if not isinstance(other, Ids):
            return NotImplemented
        mine, theirs = self._ids, other._ids
        return (not mine or mine[0] in theirs) and {*mine} == {*theirs}

    def __hash__(self) -> int:
        """Hash them as a set."""
        return hash(frozenset(self._ids))


def mark(ids: Sequence[str | None], raws: Sequence[bytes]) -> Hashable:
    """Make what tells a page from others, of its rows' ids and their own JSON."""
    # To ask all of them whether they are true takes a fourth of asking each whether it is None.
    return Ids(ids) if all(ids) or None not in ids else tuple(raws)
