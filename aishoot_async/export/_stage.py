"""A brief being read: its pages become the bytes of parts in the staging folder. Blocking."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs

from ..errors import ExportError
from ..models import Page
from ..storage import fsync_folder
from ..volatile import rows_without_volatile
from ._encoders import Encoder
from ._files import GrowingFile
from ._formats import Format, Measure
from ._life import Content, Part, Point, Unit
from ._publishing import staged_part

_CHECKPOINT_SIZE: Final = 16 * 1024 * 1024
_CHECKPOINT_EVERY: Final = 1.0


@attrs.frozen(kw_only=True)
class Shape:
    """How parts are made.

    Attributes:
        format: of the parts.
        encoder: makes the encoder of one part.
        part: when a part ends; ``None`` for never.
        join: makes one file of all parts in the end; ``None`` to leave them.
        every: seconds between two entries in the journal.
    """

    format: Format
    encoder: Callable[[], Encoder]
    part: Measure | None
    join: Callable[[Sequence[Path]], Iterable[bytes]] | None = None
    every: float = _CHECKPOINT_EVERY


class Book(Protocol):
    """What a brief's row is written into: the journal, where there is one."""

    def save(self, *units: Unit) -> None:
        """Write rows."""
        ...


class Stage:
    """Writes the parts of one walk. Used by one thread at a time."""

    def __init__(self, folder: Path, journal: Book, unit: Unit, shape: Shape) -> None:
        """Touch nothing yet."""
        self.unit = unit
        self._folder = folder
        self._journal = journal
        self._shape = shape
        self._content = unit.reading or Content()
        self._file: GrowingFile | None = None
        self._encoder: Encoder | None = None
        self._last_page: Page[bytes] | None = None
        self._written = 0
        self._is_torn = False
        self._journalled = time.monotonic()

    @property
    def content(self) -> Content:
        """What has been written."""
        return self._content

    def begin(self, *, now: str, sweeps: int) -> None:
        """Begin a walk at the first page: what is staged will be written over, or removed in the end."""
        self.close()
        self._is_torn = False
        self._last_page = None
        self._content = Content(begun=now, sweeps=sweeps)
        self.unit = self.unit.after("begin", reading=self._content, is_stale=False)
        # Before anything is written: it must not speak of bytes that are gone.
        self._journal.save(self.unit)
        self._folder.mkdir(exist_ok=True)

    def go_on(self) -> bool:
        """Cut back to what the journal says; False if the disk holds less than that."""
        if any(not self._holds(part) for part in self._content.staged):
            return False
        part = self._content.open
        if part is None:
            return True
        self._file = GrowingFile.cut_back(self._path(part.number), part.size)
        self._encoder = self._shape.encoder()
        return self._file is not None

    def _holds(self, part: Part) -> bool:
        path = self._path(part.number)
        return path.is_file() and path.stat().st_size == part.size

    def _path(self, number: int) -> Path:
        return staged_part(self._folder, number)

    def append(self, pages: Sequence[Page[bytes]], point: Point) -> None:
        """Write a block; then, if it is time, the journal. The mark of its last page is made here."""
        if self._is_torn:
            raise ExportError(f"{self.unit.name} was not written on, because an earlier write has failed")
        # Whatever fails from here on may leave bytes behind, and nothing may be written after them.
        self._is_torn = True
        part = self._content.open or self._new_part()
        if self._encoder is None or self._file is None:
            raise AssertionError("a part is written before it is opened")
        for piece in self._encoder.block(pages):
            self._file.write(piece)
        part = attrs.evolve(
            part,
            size=self._file.size,
            rows=part.rows + sum(len(page.raw) for page in pages),
            pages=part.pages + len(pages),
            text=part.text + sum(sum(map(len, page.raw)) for page in pages),
        )
        self._content = attrs.evolve(self._content, open=part, point=point)
        self._last_page = pages[-1]
        if self._shape.part is not None and self._shape.part.is_reached(part.pages, part.text):
            self._end_part()
            self._save()
        elif time.monotonic() - self._journalled >= self._shape.every or self._file.size - self._written >= (
            _CHECKPOINT_SIZE
        ):
            self.checkpoint()
        self._is_torn = False

    def _new_part(self) -> Part:
        number = len(self._content.staged)
        self._encoder = self._shape.encoder()
        self._file = GrowingFile(self._path(number))
        self._file.write(self._encoder.begin())
        self._written = 0
        part = Part(number=number, size=self._file.size)
        self._content = attrs.evolve(self._content, open=part)
        return part

    def checkpoint(self) -> None:
        """Bring the bytes to the disk, then the journal that says so."""
        if self._file is not None and self._shape.format.can_go_on:
            self._file.sync()
            self._written = self._file.size
            self._save()

    def _save(self) -> None:
        if self._last_page is not None:
            # Only here: few pages are the last one of an entry in the journal, and a mark takes as long as a page.
            point = attrs.evolve(self._content.point, mark=mark(self._last_page))
            self._content = attrs.evolve(self._content, point=point)
        self.unit = attrs.evolve(self.unit, reading=self._content)
        self._journal.save(self.unit)
        self._journalled = time.monotonic()

    def _end_part(self) -> None:
        part = self._content.open
        if part is None or self._encoder is None or self._file is None:
            raise AssertionError("a part ends before it is opened")
        self._file.write(self._encoder.end(empty=part.pages == 0))
        self._file.sync()
        ended = attrs.evolve(part, size=self._file.size, sha256=self._file.sha256)
        self.close()
        self._content = attrs.evolve(self._content, open=None, staged=(*self._content.staged, ended))

    def end(self, point: Point, *, now: str, complete: bool, strict: bool = False) -> None:
        """End the walk: every part is whole, and to be published. A brief of no rows has an empty part."""
        if self._content.open is None and not self._content.staged:
            self._new_part()
        if self._content.open is not None:
            self._end_part()
        if self._shape.join is not None and len(self._content.staged) > 1:
            self._join(self._shape.join)
        fsync_folder(self._folder)
        self._content = attrs.evolve(self._content, point=point, ended=now, complete=complete, strict=strict)
        self.unit = self.unit.after("end", reading=self._content)
        self._journal.save(self.unit)

    def _join(self, join: Callable[[Sequence[Path]], Iterable[bytes]]) -> None:
        staged = self._content.staged
        file = GrowingFile(self._path(len(staged)))
        for data in join([self._path(part.number) for part in staged]):
            file.write(data)
        file.sync()
        file.close()
        joined = Part(
            number=len(staged),
            size=file.size,
            rows=self._content.rows,
            pages=self._content.pages,
            text=sum(part.text for part in staged),
            sha256=file.sha256,
        )
        # The parts stay until the journal has the whole: `publish` removes them.
        self._content = attrs.evolve(self._content, staged=(joined,))

    def close(self) -> None:
        """Close the file in hand."""
        if self._file is not None:
            self._file.close()
        self._file = self._encoder = None


def mark(page: Page[bytes]) -> str:
    """Tell a page from one of other rows, whatever a service signs anew in each answer."""
    digest = hashlib.sha256()
    for row in rows_without_volatile(page.raw):
        digest.update(b"%d:" % len(row))
        digest.update(row)
    return digest.hexdigest()[:32]
