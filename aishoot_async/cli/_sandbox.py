"""``aishoot sandbox``."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

from cyclopts import App, Group

from ._context import ContextArg
from ._errors import DONE, FAILED, USAGE
from ._files import check_outputs
from ._options import Integer

sandbox = App(name="sandbox", group_parameters=Group("Parameters"))


@sandbox.default
async def serve(
    *,
    port: Integer = 0,
    skus: Integer = 24,
    results: Integer = 250,
    seed: Integer = 0,
    database: Path | None = None,
    context: ContextArg,
) -> int:
    """Serve demo data on loopback until Ctrl-C. stdout gets the settings for another shell.

    Example: aishoot sandbox --port 8080

    Parameters
    ----------
    port
        The port; 0 takes a free one.
    skus
        How many SKUs there are.
    results
        How many results brief 1 has.
    seed
        Other data for another number.
    database
        A SQLite file that keeps the data; none by default.
    """
    from aishoot_async.sandbox import Sandbox  # noqa: PLC0415  # a server that most runs do without

    check_outputs({"--database": database}, {})
    try:
        server = Sandbox(port=port, skus=skus, briefs={1: results}, seed=seed, database=str(database or ":memory:"))
        await server.start()
    except (ValueError, OverflowError, OSError, sqlite3.Error) as error:
        where = f"{database}: " if isinstance(error, sqlite3.Error) else ""
        context.console.error(
            f"the sandbox cannot be started: {where}{error}", advice=f"See {context.console.command} --help."
        )
        return USAGE if isinstance(error, ValueError | OverflowError) else FAILED
    async with contextlib.aclosing(server):
        settings = {
            "AISHOOT_BASE_URL": server.url,
            "AISHOOT_AUTH_URL": server.url,
            "AISHOOT_TOKEN": server.token,  # a demo token, good nowhere else
        }
        told = json.dumps(settings) if context.json else "\n".join(f"export {k}={v}" for k, v in settings.items())
        print(told, flush=True)  # noqa: T201  # data
        context.console.note("serving until Ctrl-C")
        await asyncio.Event().wait()
    return DONE
