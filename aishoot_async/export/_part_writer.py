"""The pages of a brief become the bytes of parts in the staging folder. Blocking."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from ..errors import ExportError
from ..jobs import Checkpoint, JournalLike, Part, PartSet, SizeLimit, Unit, page_fingerprint, staged_part
from ..models import Page
from ..storage import fsync_folder
from ..storage.append_file import AppendFile
from .formats import Encoder, Format

_CHECKPOINT_SIZE: Final = 16 * 1024 * 1024
_CHECKPOINT_INTERVAL: Final = 1.0
PART_SIZE: Final = SizeLimit(1024, 64 * 1024 * 1024)
"""When a part ends, where there can be several: at the first end of a block from here on."""


@attrs.frozen(kw_only=True)
class PartLayout:
    """How the parts of a unit are made.

    Attributes:
        format: of the parts.
        brief_id: the unit's brief, where nothing but the part itself can say it.
        block: when a block ends.
        part: when a part ends; ``None`` for never.
        is_joined: one file is made of all parts in the end.
        checkpoint_interval: seconds between two entries in the journal.
    """

    format: Format
    brief_id: int | None = None
    block: SizeLimit
    part: SizeLimit | None = PART_SIZE
    is_joined: bool = False
    checkpoint_interval: float = _CHECKPOINT_INTERVAL

    @classmethod
    def of_folder(cls, chosen: Format) -> "PartLayout":
        """Return that of a folder, whose name says the brief."""
        return cls(format=chosen, block=chosen.block)

    @classmethod
    def of_file(cls, chosen: Format, brief_id: int | None) -> "PartLayout":
        """Return that of one file. What cannot be resumed within a part has several, which are joined in the end."""
        part = None if chosen.resumable else PART_SIZE
        return cls(format=chosen, brief_id=brief_id, block=chosen.block, part=part, is_joined=not chosen.resumable)


class PartWriter:
    """Writes the parts of one walk: a `PageWriter`."""

    def __init__(self, folder: Path, journal: JournalLike, unit: Unit, layout: PartLayout) -> None:
        """Open nothing yet."""
        self._unit = unit
        self._folder = folder
        self._journal = journal
        self._layout = layout
        self._parts = unit.reading or PartSet()
        self._file: AppendFile | None = None
        self._encoder: Encoder | None = None
        self._last_page: Page[bytes] | None = None
        self._synced = 0
        self._is_torn = False
        self._journalled = time.monotonic()

    @property
    def parts(self) -> PartSet:
        return self._parts

    @property
    def block(self) -> SizeLimit:
        return self._layout.block

    @property
    def splittable(self) -> bool:
        return self._layout.format.splittable

    def begin(self, *, now: str, sweeps: int) -> None:
        """See `PageWriter.begin`: what is staged will be written over, or removed in the end."""
        self.close()
        self._is_torn = False
        self._last_page = None
        self._parts = PartSet(begun=now, sweeps=sweeps)
        self._unit = self._unit.transition("begin", reading=self._parts, is_stale=False)
        # Before anything is written: it must not speak of bytes that are gone.
        self._journal.save(self._unit)
        self._folder.mkdir(exist_ok=True)

    def resume(self) -> bool:
        """See `PageWriter.resume`: the open part is cut back."""
        if any(not self._holds(part) for part in self._parts.staged):
            return False
        part = self._parts.open
        if part is None:
            return True
        self._file = AppendFile.cut_back(self._path(part.number), part.size)
        self._encoder = self._new_encoder()
        return self._file is not None

    def _new_encoder(self) -> Encoder:
        return self._layout.format.encoder(self._layout.brief_id)

    def _holds(self, part: Part) -> bool:
        path = self._path(part.number)
        return path.is_file() and path.stat().st_size == part.size

    def _path(self, number: int) -> Path:
        return staged_part(self._folder, number)

    def append(self, pages: Sequence[Page[bytes]], point: Checkpoint) -> None:
        """See `PageWriter.append`. If it is time, the journal is written too."""
        if self._is_torn:
            raise ExportError(f"{self._unit.name} was not written on, because an earlier write has failed")
        # Whatever fails from here on may leave bytes behind, and nothing may be written after them.
        self._is_torn = True
        part = self._parts.open or self._new_part()
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
        self._parts = attrs.evolve(self._parts, open=part, point=point)
        self._last_page = pages[-1]
        if self._layout.part is not None and self._layout.part.is_reached(part.pages, part.text):
            self._end_part()
            self._save()
        elif (
            time.monotonic() - self._journalled >= self._layout.checkpoint_interval
            or self._file.size - self._synced >= _CHECKPOINT_SIZE
        ):
            self.checkpoint()
        self._is_torn = False

    def _new_part(self) -> Part:
        number = len(self._parts.staged)
        self._encoder = self._new_encoder()
        self._file = AppendFile(self._path(number))
        self._file.write(self._encoder.begin())
        self._synced = 0
        part = Part(number=number, size=self._file.size)
        self._parts = attrs.evolve(self._parts, open=part)
        return part

    def checkpoint(self) -> None:
        if self._file is not None and self._layout.format.resumable:
            self._file.sync()
            self._synced = self._file.size
            self._save()

    def _save(self) -> None:
        if self._last_page is not None:
            # Only here: few pages are the last one of an entry in the journal, and hashing takes as long as a page.
            point = attrs.evolve(self._parts.point, mark=page_fingerprint(self._last_page))
            self._parts = attrs.evolve(self._parts, point=point)
        self._unit = attrs.evolve(self._unit, reading=self._parts)
        self._journal.save(self._unit)
        self._journalled = time.monotonic()

    def _end_part(self) -> None:
        part = self._parts.open
        if part is None or self._encoder is None or self._file is None:
            raise AssertionError("a part ends before it is opened")
        self._file.write(self._encoder.end(empty=part.pages == 0))
        self._file.sync()
        ended = attrs.evolve(part, size=self._file.size, sha256=self._file.sha256)
        self.close()
        self._parts = attrs.evolve(self._parts, open=None, staged=(*self._parts.staged, ended))

    def end(self, point: Checkpoint, *, now: str, complete: bool, strict: bool = False) -> PartSet:
        """See `PageWriter.end`. A brief of no rows has an empty part."""
        if self._parts.open is None and not self._parts.staged:
            self._new_part()
        if self._parts.open is not None:
            self._end_part()
        if self._layout.is_joined and len(self._parts.staged) > 1:
            self._join()
        fsync_folder(self._folder)
        self._parts = attrs.evolve(self._parts, point=point, ended=now, complete=complete, strict=strict)
        return self._parts

    def _join(self) -> None:
        staged = self._parts.staged
        file = AppendFile(self._path(len(staged)))
        for data in self._layout.format.join([self._path(part.number) for part in staged], self._layout.brief_id):
            file.write(data)
        file.sync()
        file.close()
        joined = Part(
            number=len(staged),
            size=file.size,
            rows=self._parts.rows,
            pages=self._parts.pages,
            text=sum(part.text for part in staged),
            sha256=file.sha256,
        )
        # The parts stay until the journal has the whole: publishing removes them.
        self._parts = attrs.evolve(self._parts, staged=(joined,))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._encoder = None
