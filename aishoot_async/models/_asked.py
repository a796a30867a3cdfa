"""What the readers of a listing ask of its results, so that the pages to come are read for that alone."""

from collections.abc import Iterator
from typing import Any, Final

import attrs

_NAMES_AT_MOST: Final = 32


class Asked:
    """Which members of a listing's results are asked for: who asks one result asks the next for the same.

    So the pages to come are read for these alone, in less than half the time. They are the readers' words and not the
    service's, and there are few.

    Attributes:
        names: these; ``None`` when all are.
    """

    def __init__(self) -> None:
        """Know of none yet."""
        self.names: frozenset[str] | None = frozenset()

    def note(self, name: object) -> None:
        """Hear that a member is asked for."""
        if self.names is not None and isinstance(name, str) and name not in self.names:
            names = self.names | {name}
            # msgspec 0.22 takes an empty member's name for one that is not ASCII.
            self.names = names if name.isascii() and len(names) <= _NAMES_AT_MOST else None

    def note_all(self) -> None:
        """Hear that all members are."""
        self.names = None


class Heard(dict[str, Any]):
    """All members of a result whose listing hears what is asked of it."""

    def __init__(self, members: dict[str, Any], asked: Asked) -> None:
        """Have ``asked`` hear it."""
        super().__init__(members)
        self._asked = asked

    def __getitem__(self, name: str) -> Any:
        """Give a member."""
        self._asked.note(name)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        self._asked.note_all()
        return super().__iter__()

    def __len__(self) -> int:
        """Count the members, for which all of them have to be read."""
        self._asked.note_all()
        return super().__len__()


@attrs.frozen(eq=False, repr=False)
class Reading:
    """How the results of a page were read.

    Attributes:
        names: their members of these names have been read, and no others.
        asked: who hears of others that are asked for.
    """

    names: frozenset[str]
    asked: Asked
