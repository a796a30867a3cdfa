"""What one kind of job fills in: the small protocol between the engine and export, download or load."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import attrs

from ..errors import Cursor, JobError
from ..models import Page, PagingReport
from ..paging import Pager
from ..session import AIShootSession
from ..storage import DiskExecutor
from ..storage.append_file import AppendFile
from ._layout import brief_of, staged_part
from ._publishing import Publication
from ._reader import BriefReader, PageWriter, ReadProgress
from ._report import JobProgress, JobReport
from ._units import Part, PartSet, Unit


class JournalLike(Protocol):
    """Where a unit's row is written: the journal, where there is one."""

    def save(self, *units: Unit) -> None:
        """Write rows."""
        ...


@attrs.define(kw_only=True)
class UnitWork:
    """One unit to be done, and what a kind of job does it with.

    Attributes:
        session: makes the calls.
        kind: the kind of job.
        unit: its row in the journal; ``unit.reading`` is what an earlier run has brought, if it was interrupted.
        folder: where its parts are staged: ``staged_part(folder, number)``. It is kept for the next run, and need not
            be there.
        journal: takes rows that say how far the unit is.
        disk: threads for all that blocks.
        paging: options of its walk.
        on_read: told of each page.
        resumed: set when it went on where an earlier run stood.
    """

    session: AIShootSession
    kind: "JobKind"
    unit: Unit
    folder: Path
    journal: JournalLike
    disk: DiskExecutor
    paging: Mapping[str, Any]
    on_read: Callable[[ReadProgress], None]
    resumed: bool = False

    def listing(self, start: Cursor | None = None) -> Pager[bytes]:
        """Return the unit's listing, each item as its own JSON."""
        return self.kind.listing(self.session, self.unit.name, start=start, **self.paging)

    async def walk_pages(self, on_page: Callable[[Page[bytes]], object]) -> PagingReport:
        """Walk the listing once, from its beginning; ``on_page`` is called with each page. Return what the walk saw.

        Raises:
            AIShootError: as a walk does.
        """
        pages = items = 0
        async with self.listing().pages() as walk:
            async for page in walk:
                on_page(page)
                pages, items = pages + 1, items + len(page.raw)
                self.on_read(ReadProgress(pages=pages, items=items, total=walk.report.expected_total))
            return walk.report

    async def write_pages(self, writer: PageWriter) -> PartSet:
        """Walk the listing to its end into a writer: from its checkpoint, and again if the listing changes meanwhile.

        Raises:
            AIShootError: as a walk does; what was read by then is journalled.
            JobError: the disk refuses.
        """
        strict = bool(self.paging.get("strict"))
        reader = BriefReader(self.unit, writer, self.disk, self.listing, self.on_read, strict=strict)
        try:
            return await reader.run()
        finally:
            self.resumed = reader.resumed

    async def stage(self, content: bytes, *, rows: int = 0, pages: int = 0) -> Part:
        """Stage a small file as the unit's only part.

        Raises:
            JobError: the disk refuses.
        """
        return await self.disk.run(partial(self._stage, content, rows=rows, pages=pages))

    def _stage(self, content: bytes, *, rows: int, pages: int) -> Part:
        self.folder.mkdir(exist_ok=True)
        file = AppendFile(staged_part(self.folder, 0))
        try:
            file.write(content)
            file.sync()
        finally:
            file.close()
        return Part(number=0, size=file.size, rows=rows, pages=pages, sha256=file.sha256)


class JobKind(ABC):
    """One kind of job. An instance says what one job does; it holds plain values, because workers of a cluster get it.

    Three methods are a kind's own: `run_unit` (what a unit does), `publish` (how it appears at the destination), and
    `listing` (what is walked). How its state is read back is said by `part_set`: the journal keeps the fields of that
    class for each unit, and gives them to the next run.

    Attributes:
        noun: what users call such a job, in messages: ``export``.
        error: what is raised when it cannot go on.
        name: what its ``job.json`` calls it; a job of another name is refused at its destination.
        suffix: how its parts' names end, without a dot.
        part_set: what the journal keeps of each unit.
        progress, report: what users are told.
    """

    noun: ClassVar[str]
    error: ClassVar[type[JobError]] = JobError
    part_set: ClassVar[type[PartSet]] = PartSet
    progress: ClassVar[type[JobProgress]] = JobProgress
    report: ClassVar[type[JobReport]] = JobReport

    @property
    @abstractmethod
    def name(self) -> str: ...
    @property
    @abstractmethod
    def suffix(self) -> str: ...

    @abstractmethod
    async def run_unit(self, work: UnitWork) -> PartSet:
        """Stage the parts of a unit, on the disk when it returns. Run again after a crash.

        Raises:
            AIShootError: this unit fails; `classify` says whether the others go on.
        """

    def publish(self, publication: Publication) -> int:
        """Publish a unit whose parts are staged; return how many are new or have changed. Blocking.

        It is done again after a crash, and must then come to the same.
        """
        return publication.publish_parts()

    def listing(self, session: AIShootSession, unit: str, **paging: Any) -> Pager[bytes]:
        """Return the listing of a unit: the results of its brief."""
        return session.briefs.results(brief_of(unit) or 0, into=bytes, **paging)

    def identity(self) -> Mapping[str, Any]:
        """Return what another run must agree on to go on with this job, besides kind, service, suffix and shards."""
        return {}

    def warnings(self) -> Sequence[str]:
        """Return what is to be said to users at the end, a sentence each."""
        return ()
