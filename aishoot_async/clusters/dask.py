"""Bulk jobs on Dask (``pip install 'aishoot-async[dask]'``): one unit is one task.

The engine is Dask's; the pipeline is that of `aishoot_async.jobs`, and so are the parts, byte for byte. The API's
limits are those of an account: where they are what holds one machine back, more machines add nothing.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, Unpack, cast

import attrs
from anyio import CancelScope

from .. import jobs
from .._version import __version__
from ..callbacks import check_plain
from ..errors import ConfigurationError, JobError, RequestValidationError
from ..export import ExportOptions, ExportProgress, ExportReport, results_export
from ..jobs import CONCURRENCY, Job, JobReport
from ..session import AIShootSession
from ..storage.destinations import ObjectStore
from ..validation import check_int, check_seconds

try:
    from dask import config
    from dask.utils import parse_timedelta
    from distributed import Client
except ImportError:
    raise ConfigurationError("this needs dask.distributed: pip install 'aishoot-async[dask]'") from None

from ._messages import BriefTask
from ._runner import ClusterRunner
from ._token_message import pickled
from ._window import Window
from ._worker_pool import WorkerPool

logger: Final = logging.getLogger("aishoot_async.clusters")
_STALL: Final = 60.0
_TELL_AFTER: Final = 1.0
_PREFETCH: Final = 32


@attrs.frozen(kw_only=True)
class ClusterReport(ExportReport):
    """What an export on a cluster came to.

    Attributes:
        refetched_pages: pages that were fetched once more because a worker was lost that had them; as far as it had
            told of them.
    """

    refetched_pages: int = 0


async def export_results(
    client: Client | str,
    briefs: Iterable[int],
    destination: str | os.PathLike[str],
    *,
    session: AIShootSession | None = None,
    in_flight: int | None = None,
    window: int | None = None,
    stall: float = _STALL,
    connect_timeout: float | None = None,
    on_progress: Callable[[ExportProgress], object] | None = None,
    **options: Unpack[ExportOptions],
) -> ClusterReport:
    """Write all results of briefs, read by the workers of a Dask cluster; see `aishoot_async.export.export_results`.

    This process drives: it alone renews the login, keeps the journal and publishes, so that each brief stands at the
    destination once, however often workers die. Run again it goes on, whatever ended it, and so does the one-machine
    export. Workers get access tokens, in memory alone. They need this package in the same release, and for a folder a
    file system that they share with this process.

    Args:
        client: the cluster: a `distributed.Client`, or the scheduler's address.
        briefs: the briefs' ids.
        destination: a folder, or an object store's URL.
        session: says where the API is, and whose token, limits and time-outs hold; ``None`` for
            ``AIShootSession()``. Its hooks are not told of what workers do.
        in_flight: see `run_job`, as all that follows.
        window: likewise.
        stall: likewise.
        connect_timeout: likewise.
        on_progress: called as workers tell how far they are, about once a second for each brief.
        options: see `aishoot_async.export.ExportOptions`. ``patience`` holds for each worker; ``prefetch`` is never
            more than a brief's share of ``in_flight``; ``store_options`` are plain values, as they are sent.

    Raises:
        AIShootError: as the one-machine export does.
        ConfigurationError: a package is missing, or the session has what cannot be sent (``ssl``).
        ExportError: besides, the scheduler cannot be reached, or the workers cannot do this.
    """
    check_plain("on_progress", on_progress)
    async with AsyncExitStack() as stack:
        if session is None:
            session = await stack.enter_async_context(AIShootSession())
        job = results_export(session, briefs, destination, **options)
        report, refetched = await run_job(
            client,
            session,
            job,
            on_progress,
            in_flight=in_flight,
            window=window,
            stall=stall,
            connect_timeout=connect_timeout,
        )
        return ClusterReport(destination=report.destination, outcomes=report.outcomes, refetched_pages=refetched)


async def run_job(
    client: Client | str,
    session: AIShootSession,
    job: Job,
    on_progress: Callable[..., object] | None = None,
    *,
    in_flight: int | None = None,
    window: int | None = None,
    stall: float = _STALL,
    connect_timeout: float | None = None,
) -> tuple[JobReport, int]:
    """Run a job of any kind on a cluster; return its report, and how many pages were fetched once more.

    Args:
        client: the cluster: a `distributed.Client`, or the scheduler's address.
        session: says where the API is, and whose token, limits and time-outs hold.
        job: what is to be done. Its kind is pickled, and its module must be there on the workers.
        on_progress: called as workers tell how far they are.
        in_flight: requests on their way at most, of all workers together; ``None`` for the session's.
        window: units that are out at once at most, each with the same share of ``in_flight``; ``None`` for as many as
            the workers have threads now. For a cluster that grows when there is something to do, say how many. A
            request that is refused (429) halves it for a while.
        stall: seconds of which the scheduler hears nothing of a worker, after which its units are given to others.
        connect_timeout: seconds for which the scheduler is tried; ``None`` for Dask's own setting
            (``distributed.comm.timeouts.connect``), which is 30 unless somebody has set it.

    Raises:
        AIShootError: as on one machine.
        ConfigurationError: the session has what cannot be sent (``ssl``), or an option cannot work.
        JobError: besides, the scheduler cannot be reached, or the workers cannot do this.
    """
    limit = _check(session, job, in_flight=in_flight, window=window, stall=stall)
    async with _connected(client, connect_timeout, job.kind.error) as cluster:
        widest = min(limit, len(job.own_units) or 1, window or await _threads(cluster))
        staging = _staging_of(job)
        pool = WorkerPool(
            cluster,
            session._tokens,  # noqa: SLF001
            make_task=_task_maker(session, job, staging=staging, widest=widest, in_flight=limit, stall=stall),
            window=Window(widest, clock=asyncio.get_running_loop().time),
            stall=stall,
            secrets={"proxy": session._settings.proxy, "store_options": dict(job.store_options)},  # noqa: SLF001
            error=job.kind.error,
        )
        report = await jobs.run_job(session, job, on_progress, runner=ClusterRunner(pool, staging))
        return report, pool.refetched


def _check(session: AIShootSession, job: Job, *, in_flight: object, window: object, stall: object) -> int:
    """Refuse what a cluster cannot do; return how many requests may be on their way."""
    settings = session._settings  # noqa: SLF001
    if job.destination.is_single:
        raise RequestValidationError(
            "a cluster writes to a folder or below a URL; one file is for one brief, and for one machine",
            field="destination",
        )
    if settings.has_own_tls:
        raise ConfigurationError("a session with an ssl.SSLContext of its own cannot be sent to workers")
    limit = settings.limits.in_flight if in_flight is None else check_int("in_flight", in_flight, 1)
    check_int("window", 1 if window is None else window, 1)
    if not check_seconds("stall", stall):
        raise ConfigurationError("stall must be more than 0 seconds")
    try:
        pickled(dict(job.store_options))
    except Exception:  # noqa: BLE001  # objects refuse in ways of their own
        problem = "store_options hold what cannot be sent to workers; their own environment may say it"
    else:
        return limit
    raise ConfigurationError(problem)


def _staging_of(job: Job) -> str:
    """Name what a job stages in, whatever folder this process works in."""
    if isinstance(job.destination, ObjectStore):
        return f"{job.destination.display_name} {job.shard.name}"
    return str(job.staging_dir.absolute())


def _task_maker(
    session: AIShootSession, job: Job, *, staging: str, widest: int, in_flight: int, stall: float
) -> Callable[..., BriefTask]:
    """Return what makes the tasks of a run."""
    settings = session._settings  # noqa: SLF001
    rate, share = settings.limits.rate, in_flight // widest
    return partial(
        BriefTask,
        release=__version__,
        kind=job.kind,
        store=job.destination.display_name if isinstance(job.destination, ObjectStore) else None,
        shard=job.shard.name,
        staging=staging,
        base_url=session.base_url,
        timeouts=settings.timeouts,
        retry=settings.retry,
        share=share,
        in_flight=in_flight,
        rate=None if rate is None else rate / widest,
        response_bytes=settings.limits.response_bytes,
        stall=stall,
        paging={**job.paging, "prefetch": min(job.paging.get("prefetch", _PREFETCH), share)},
    )


async def _threads(client: Any) -> int:
    """Count the workers' threads; of a cluster that has no worker yet, take what one machine would do."""
    threads: int = sum((await client.nthreads()).values())
    if not threads:
        logger.warning("the cluster has no worker yet; the job begins when there is one")
    return threads or CONCURRENCY


@asynccontextmanager
async def _connected(client: Any, connect_timeout: float | None, error: type[JobError]) -> AsyncGenerator[Any]:
    """Connect to the same scheduler on this event loop; the caller's client may be of another, or of none."""
    if not isinstance(client, str | Client):
        raise ConfigurationError("client must be a distributed.Client, or the address of a scheduler")
    given, connect = cast("Any", client), cast("Any", Client)
    address, security = (given, None) if isinstance(client, str) else (given.scheduler.address, given.security)
    limit = _seconds_to_connect(connect_timeout)
    own = connect(
        address, asynchronous=True, security=security, set_as_default=False, name="aishoot-async", timeout=limit
    )
    try:
        await _started(own, address, limit, error)
        yield own
    finally:
        with CancelScope(shield=True):
            await own.close()


def _seconds_to_connect(connect_timeout: float | None) -> float:
    if connect_timeout is None:
        setting = cast("Any", config).get("distributed.comm.timeouts.connect")
        seconds: float = cast("Any", parse_timedelta)(setting)
        return seconds
    if not check_seconds("connect_timeout", connect_timeout):
        raise ConfigurationError("connect_timeout must be more than 0 seconds")
    return connect_timeout


async def _started(client: Any, address: str, limit: float, error: type[JobError]) -> None:
    """Wait for the connection; that it takes long is told while it does.

    Raises:
        ConfigurationError: it is no address.
        JobError: nothing answers there within the limit, or something else than a scheduler does.
    """
    telling = asyncio.get_running_loop().call_later(
        _TELL_AFTER, logger.warning, "the Dask scheduler at %s does not answer; it is tried for %g s", address, limit
    )
    try:
        async with asyncio.timeout(limit):
            await client
    except ValueError as said:
        problem: Exception = ConfigurationError(f"{address} is no scheduler's address: {said}")
    except TimeoutError:
        problem = error(f"the Dask scheduler at {address} cannot be reached: nothing answered within {limit:g} s")
    except Exception as said:  # noqa: BLE001  # what is no scheduler may answer anything
        problem = error(
            f"the Dask scheduler at {address} cannot be reached: {type(said).__name__}: {said}. Is it a scheduler, "
            f"and of the same release of Dask?"
        )
    else:
        return
    finally:
        telling.cancel()
    raise problem
