"""``aishoot results``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from aishoot_async import AIShootSession
from aishoot_async.export import ExportProgress, ExportReport, export_results

from ._context import ContextArg
from ._dask import exporting_on
from ._errors import DONE
from ._exports import ExportOptions, read_shard, run_export
from ._files import read_numbers
from ._options import Integer, Limit
from ._output import choose_columns, print_listing, print_rows

results = App(name="results")


@results.command(name="list")
async def list_results(brief: Integer, /, *, limit: Limit = None, context: ContextArg) -> int:
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
async def export(
    *briefs: Integer,
    briefs_from: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    shard: str | None = None,
    dask: str | None = None,
    options: ExportOptions,
    context: ContextArg,
) -> int:
    """Write all results of briefs to a file, a folder or an object store, each result as the service sent it.

    A file holds one brief, and appears whole or not at all. A folder holds a folder for each brief, and a file named
    _SUCCESS once all of it is whole. The same command again goes on where it stood.

    Example: aishoot --sandbox results export 1 --to results.jsonl
    Example: aishoot --sandbox results export 1 2 3 --to results/ --format parquet
    Example: aishoot results export --briefs-from briefs.txt --to s3://bucket/results --dask tcp://scheduler:8786

    Parameters
    ----------
    briefs
        The briefs' numbers.
    briefs_from
        A file with more of them, one a line, or - for stdin.
    shard
        Only the briefs of shard I of N, written I/N; run the others elsewhere, into the same folder.
    dask
        Let the workers of a Dask cluster read them: its scheduler's address, or local for one on this machine.
    """
    numbers = [*briefs, *([] if briefs_from is None else read_numbers(briefs_from))]
    part = read_shard(shard)

    async def run(session: AIShootSession, tell: Callable[[ExportProgress], object]) -> ExportReport:
        how: dict[str, Any] = {"shard": part, "on_progress": tell, **options.chosen()}
        if dask is None:
            return await export_results(session, numbers, options.to, **how)
        async with exporting_on(dask, verbose=context.console.verbose) as run_on_dask:
            report: ExportReport = await run_on_dask(numbers, options.to, session=session, **how)
            return report

    what = f"results of brief {numbers[0]}" if len(numbers) == 1 else "results"
    return await run_export(context, options, what, run, briefs_from=briefs_from)
