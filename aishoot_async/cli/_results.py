"""``aishoot results``."""

import time
from pathlib import Path

from cyclopts import App

from aishoot_async.export import ExportProgress, export_results

from ._failures import DONE, PARTLY
from ._options import Given, Limit, Whole
from ._tables import choose_columns, print_listing, print_rows

results = App(name="results")


@results.command(name="list")
async def list_results(brief: Whole, /, *, limit: Limit = None, context: Given) -> int:
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
            await print_listing(session.briefs.results(brief, into=bytes), limit)
        else:
            rows = await session.briefs.results(brief).collect(limit)
            print_rows(rows, choose_columns(rows))
    return DONE


@results.command(name="export")
async def export(brief: Whole, /, *, to: Path, context: Given) -> int:
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
