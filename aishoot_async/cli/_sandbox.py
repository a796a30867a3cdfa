"""``aishoot sandbox``."""

import asyncio
import contextlib
from typing import Annotated

from cyclopts import App, Parameter

from ._context import Context
from ._failures import DONE, FAILED, USAGE

sandbox = App(name="sandbox")


@sandbox.default
async def serve(
    *,
    port: int = 0,
    skus: int = 24,
    results: int = 250,
    seed: int = 0,
    database: str = ":memory:",
    context: Annotated[Context, Parameter(parse=False)],
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

    try:
        server = Sandbox(port=port, skus=skus, briefs={1: results}, seed=seed, database=database)
        await server.start()
    except (ValueError, OSError) as error:
        context.talk.error(f"the sandbox cannot be started: {error}")
        return USAGE if isinstance(error, ValueError) else FAILED
    async with contextlib.aclosing(server):
        print(f"export AISHOOT_BASE_URL={server.url}", flush=True)  # noqa: T201  # data
        print(f"export AISHOOT_AUTH_URL={server.url}", flush=True)  # noqa: T201
        print(f"export AISHOOT_TOKEN={server.token}", flush=True)  # noqa: T201  # a demo token, good nowhere else
        context.talk.note("serving until Ctrl-C")
        await asyncio.Event().wait()
    return DONE
