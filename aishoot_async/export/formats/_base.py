"""What a format of parts is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

import attrs

from ...jobs import SizeLimit
from ...models import Page

_MIB: Final = 1024 * 1024


class Encoder(Protocol):
    """Encodes one part; blocking. Nothing in it may differ from run to run: no time, no name, fixed levels."""

    def begin(self) -> bytes:
        """Return what a part begins with."""
        ...

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        """Encode the next pages, in pieces; where it can, a page each.

        For a whole block the system would be asked for memory, and given it back, each time: that takes a sixth of all
        that an export does.
        """
        ...

    def end(self, *, empty: bool) -> bytes:
        """Return what a part ends with; ``empty`` says that no block came before."""
        ...


@attrs.frozen(kw_only=True)
class Format(ABC):
    """A format; an instance has the options of one export.

    A block is what is encoded at once; it ends with a page, so that unchanged data gives the same blocks in every run.

    Attributes:
        name: as users name it, and as files end.
        resumable: a file can be cut back to the end of a block, and written on. What cannot has a `join`.
        splittable: the bytes do not depend on where blocks are cut.
        block: when a block ends.
        package: the package that it needs, with the extra that brings it; ``None`` for none.
        options: the options of exports that are this format's own, each with what is said to those who name it for
            ``{other}``, another format. They are fields of the class.
    """

    name: ClassVar[str]
    resumable: ClassVar[bool] = True
    splittable: ClassVar[bool] = False
    block: ClassVar[SizeLimit] = SizeLimit(64, _MIB)
    package: ClassVar[tuple[str, str] | None] = None
    options: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @abstractmethod
    def encoder(self, brief_id: int | None) -> Encoder:
        """Return the encoder of one part; ``brief_id`` is given where nothing but the part itself can say it."""

    def join(self, paths: Sequence[Path], brief_id: int | None) -> Iterator[bytes]:
        """Make one file of several parts, piece by piece, for a format that is not resumable."""
        raise NotImplementedError

    def recorded_columns(self) -> Sequence[str]:
        """Return the columns that a later run must agree on; none for a format that holds all of each item."""
        return ()

    def warnings(self) -> Sequence[str]:
        """Return what is to be said to users at the end, a sentence each."""
        return ()
