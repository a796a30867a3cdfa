"""``aishoot results``."""

import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from aishoot_async.export import ExportProgress, export_results, lines

from ._context import Context
from ._failures import DONE, PARTLY
from ._tables import choose_columns, print_data, print_rows

results = App(name="results")
Given = Annotated[Context, Parameter(parse=False)]


@results.command(name="list")
async def list_results(
    brief: int, /, *, limit: Annotated[int | None, Parameter(name=["--limit", "-n"])] = None, context: Given
) -> int:
    """Print the results of a brief: a table, or with --json each result's own JSON on a line.

    Example: aishoot --sandbox results list 1 --limit 10

    Parameters
    ----------
    brief
        The brief's number.
    limit
        Print so many at most.
    """
    async with context.session() as session:
        if context.json:
            async with session.briefs.results(brief, into=bytes).pages() as walk:
                left = limit
                async for page in walk:
                    print_data(lines(page.raw[:left]))
                    left = None if left is None else left - len(page.raw)
                    if left is not None and left <= 0:
                        break
            return DONE
        rows = await session.briefs.results(brief).collect(limit)
        print_rows(rows, choose_columns(rows))
    return DONE


@results.command(name="export")
async def export(brief: int, /, *, to: Path, context: Given) -> int:
    """Write all results of a brief to a JSON Lines file, each on a line as the service sent it.

    The file appears whole or not at all; one of that name is replaced only then.

    Example: aishoot --sandbox results export 1 --to results.jsonl

    Parameters
    ----------
    brief
        The brief's number.
    to
        The file; its name ends in .jsonl.
    """
    begun = time.monotonic()
    async with context.session() as session:
        with context.talk.progress(f"brief {brief}") as update:

            def show(progress: ExportProgress) -> None:
                update(progress.items, progress.total)

            report = await export_results(session, [brief], to, on_progress=show)
    seconds = time.monotonic() - begun
    context.talk.note(
        f"{report.items} results of brief {brief} in {to} ({report.bytes_written / 1e6:.1f} MB, {report.pages} pages, "
        f"{seconds:.1f} s)",
        items=report.items,
        destination=str(to),
        complete=report.complete,
    )
    if report.complete:
        return DONE
    context.talk.warn("the brief changed while it was read: results may be missing or twice there. Run it again.")
    return PARTLY
