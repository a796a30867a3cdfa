"""``--dask``: a cluster that is there, or one for this command alone.

The workers of a local cluster import this file, so it imports nothing of the command line.
"""

import contextlib
import logging
import signal
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any, Final

LOCAL: Final = "local"
_THREADS: Final = 4  # briefs that a worker reads at once: they wait for the network, and not for each other


@contextlib.asynccontextmanager
async def exporting_on(where: str, *, verbose: bool) -> AsyncGenerator[Any]:
    """Yield `aishoot_async.clusters.dask.export_results`, bound to its cluster.

    Raises:
        ConfigurationError: Dask is not installed.
    """
    from aishoot_async.clusters.dask import export_results  # noqa: PLC0415  # slow to import

    _take_over_logs(verbose=verbose)
    if where != LOCAL:
        yield partial(export_results, where)
        return
    async with _local_cluster() as client:
        yield partial(export_results, client)


@contextlib.asynccontextmanager
async def _local_cluster() -> AsyncGenerator[Any]:
    """Start a worker process for each CPU, and end them."""
    from dask.system import CPU_COUNT  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415

    start: Any = LocalCluster
    connect: Any = Client
    async with (
        start(
            n_workers=CPU_COUNT,
            threads_per_worker=_THREADS,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # a server there is all the same
            silence_logs=logging.CRITICAL,
            asynchronous=True,
        ) as cluster,
        connect(cluster, asynchronous=True, set_as_default=False) as client,
    ):
        await client.run(_ignore_interrupts)
        await client.forward_logging("aishoot_async")  # what workers warn of is said in our way
        yield client


def _ignore_interrupts() -> None:
    """Leave the end to the command: a terminal sends Ctrl-C to all of its processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _take_over_logs(*, verbose: bool) -> None:
    """Let what Dask logs be said in our way, and only to those who want to know more."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"distributed", "tornado"}:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
    logging.getLogger("distributed").setLevel(logging.WARNING if verbose else logging.CRITICAL)
