"""The main job: all results of a brief, streamed into a file."""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final

import attrs
from anyio import to_thread

from ..errors import ExportError, RequestValidationError
from ..models import PagingReport
from ..session import AIShootSession
from ._atomic import replacing
from ._jsonl import lines

_WRITE_AT: Final = 1024 * 1024
_PREFETCH: Final = 16


@attrs.frozen(kw_only=True)
class ExportProgress:
    """How far an export is.

    Attributes:
        brief_id: the brief in hand.
        pages: pages read of it.
        items: results read of it.
        total: results that it has, as the service says; ``None`` when it does not say.
    """

    brief_id: int
    pages: int
    items: int
    total: int | None


@attrs.frozen(kw_only=True)
class ExportReport:
    """What an export came to.

    Attributes:
        destination: the file.
        brief_id: the brief.
        items: results written.
        pages: pages read.
        bytes_written: the size of the file.
        paging: what the walk saw; ``paging.complete`` is False when the listing changed meanwhile.
    """

    destination: Path
    brief_id: int
    items: int
    pages: int
    bytes_written: int
    paging: PagingReport

    @property
    def complete(self) -> bool:
        """Whether nothing speaks against the file holding every result."""
        return self.paging.complete


async def export_results(
    session: AIShootSession,
    briefs: Iterable[int],
    destination: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002  # the public name
    on_progress: Callable[[ExportProgress], object] | None = None,
) -> ExportReport:
    """Write all results of a brief to a JSON Lines file: each line is a result's own JSON.

    The file appears whole, in place of one of that name, or not at all.

    Args:
        session: makes the calls.
        briefs: one brief (several come with the resumable export).
        destination: the file; its name ends in ``.jsonl``, or ``format`` is given.
        format: ``"jsonl"``; ``None`` goes by the name.
        on_progress: called after each page.

    Raises:
        AIShootError: as every walk does.
        ExportError: the file cannot be written.
        RequestValidationError: not exactly one brief is named, or another format.
    """
    brief_id, path = _one_brief(briefs), _jsonl_path(destination, format)
    try:
        # The file must see the error that ends its block, so what catches it stands outside.
        with contextlib.ExitStack() as stack:
            file = await to_thread.run_sync(stack.enter_context, replacing(path))
            report = await _stream(session, brief_id, file, path, on_progress)
            await to_thread.run_sync(stack.close)
        return report  # noqa: TRY300
    except OSError as error:
        if not _of_the_file_system(error):
            raise
        problem = f"cannot write {path}: {error.strerror or error}"
    raise ExportError(problem)


async def _stream(
    session: AIShootSession,
    brief_id: int,
    file: BinaryIO,
    path: Path,
    on_progress: Callable[[ExportProgress], object] | None,
) -> ExportReport:
    pending: list[bytes] = []
    size = written = 0
    async with session.briefs.results(brief_id, into=bytes, prefetch=_PREFETCH).pages() as walk:
        async for page in walk:
            text = lines(page.raw)
            pending.append(text)
            size += len(text)
            if size - written >= _WRITE_AT:
                await to_thread.run_sync(file.writelines, pending)
                pending, written = [], size
            if on_progress is not None:
                seen = walk.report
                on_progress(
                    ExportProgress(brief_id=brief_id, pages=seen.pages, items=seen.items, total=seen.expected_total)
                )
        await to_thread.run_sync(file.writelines, pending)
        seen = walk.report
    return ExportReport(
        destination=path, brief_id=brief_id, items=seen.items, pages=seen.pages, bytes_written=size, paging=seen
    )


def _one_brief(briefs: Iterable[int]) -> int:
    named = [briefs] if isinstance(briefs, int) else list(briefs)
    if len(named) != 1:
        msg = f"a JSON Lines file holds one brief, and {len(named)} are named; export each to a file of its own"
        raise RequestValidationError(msg, field="briefs")
    return named[0]


def _jsonl_path(destination: str | os.PathLike[str], named: str | None) -> Path:
    path = Path(destination)
    if named is None and path.suffix != ".jsonl":
        msg = f"{path.name!r} does not tell its format; JSON Lines files end in .jsonl"
        raise RequestValidationError(msg, field="destination")
    if named not in {None, "jsonl"}:
        msg = f"format {named!r} is not built yet; there is jsonl"
        raise RequestValidationError(msg, field="format")
    return path


def _of_the_file_system(error: OSError) -> bool:
    # A CallTimeoutError is an OSError too, by TimeoutError.
    return error.errno is not None
