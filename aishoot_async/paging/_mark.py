"""Pure: what tells one page from another: its ids, in any order and whatever stands beside them; or all of it."""

from collections.abc import Hashable, Sequence

from ..volatile import rows_without_volatile, without_volatile


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


class Texts:
    """The rows of a page where one has no id, whatever a service signs anew in each answer.

    Most pages differ in their very first row, and what is signed is taken out only where they do.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[bytes]) -> None:
        """Keep them."""
        self._rows = tuple(rows)

    def __eq__(self, other: object) -> bool:
        """Compare them in order."""
        if not isinstance(other, Texts):
            return NotImplemented
        mine, theirs = self._rows, other._rows
        if mine == theirs or len(mine) != len(theirs):
            return mine == theirs
        return without_volatile(mine[0]) == without_volatile(theirs[0]) and self._stable() == other._stable()

    def __hash__(self) -> int:
        """Hash them without what is signed."""
        return hash(self._stable())

    def _stable(self) -> tuple[bytes, ...]:
        return tuple(rows_without_volatile(self._rows))


def mark(ids: Sequence[str | None], raws: Sequence[bytes]) -> Hashable:
    """Make what tells a page from others, of its rows' ids and their own JSON."""
    # To ask all of them whether they are true takes a fourth of asking each whether it is None.
    return Ids(ids) if all(ids) or None not in ids else Texts(raws)
