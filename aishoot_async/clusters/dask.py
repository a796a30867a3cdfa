"""Export on Dask (``pip install 'aishoot-async[dask]'``): one brief is one task.

The engine is Dask's; the pipeline is that of `aishoot_async.export`, and so are the parts, byte for byte. The API's
limits are those of an account: where they are what holds one machine back, more machines add nothing.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, cast

import attrs
from anyio import CancelScope

from .._version import __version__
from ..callbacks import check_plain
from ..errors import ConfigurationError, ExportError, RequestValidationError
from ..export import ExportProgress, ExportReport
from ..export._driver import IN_HAND
from ..export._export import Options, make_job, paging_options, results_of, run
from ..export._job import Job, unit_names
from ..export._stores import Store
from ..session import AIShootSession
from ..validation import check_int, check_seconds

try:
    from dask import config
    from dask.utils import parse_timedelta
    from distributed import Client
except ImportError:
    raise ConfigurationError("this needs dask.distributed: pip install 'aishoot-async[dask]'") from None

from ._driver import ClusterDriver, staging_of
from ._fleet import Fleet
from ._grant import pickled
from ._order import Order
from ._window import Window

logger: Final = logging.getLogger("aishoot_async.clusters")
_PATIENCE: Final = 1800.0
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
    format: str | None = None,  # noqa: A002  # the public name
    columns: Sequence[str] | None = None,
    bom: bool = False,
    refresh: bool = False,
    restart: bool = False,
    strict: bool = False,
    shard: tuple[int, int] | None = None,
    patience: float = _PATIENCE,
    prefetch: int | None = None,
    in_flight: int | None = None,
    window: int | None = None,
    stall: float = _STALL,
    connect_timeout: float | None = None,
    state: str | os.PathLike[str] | None = None,
    store_options: Mapping[str, Any] | None = None,
    on_progress: Callable[[ExportProgress], object] | None = None,
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
        format: see `aishoot_async.export.export_results`, as all that is not said here.
        columns: likewise.
        bom: likewise.
        refresh: likewise.
        restart: likewise.
        strict: likewise.
        shard: likewise.
        patience: likewise, for each worker.
        prefetch: pages of each brief in flight or ready; never more than its share of ``in_flight``.
        in_flight: requests on their way at most, of all workers together; ``None`` for the session's.
        window: briefs that are out at once at most, each with the same share of ``in_flight``; ``None`` for as many as
            the workers have threads now. For a cluster that grows when there is something to do, say how many. A
            request that is refused (429) halves it for a while.
        stall: seconds of which the scheduler hears nothing of a worker, after which its briefs are given to others.
        connect_timeout: seconds for which the scheduler is tried; ``None`` for Dask's own setting
            (``distributed.comm.timeouts.connect``), which is 30 unless somebody has set it.
        state: likewise.
        store_options: likewise; plain values, as they are sent.
        on_progress: called as workers tell how far they are, about once a second for each brief.

    Raises:
        AIShootError: as the one-machine export does.
        ConfigurationError: a package is missing, or the session has what cannot be sent (``ssl``).
        ExportError: besides, the scheduler cannot be reached, or the workers cannot do this.
    """
    options = Options(
        format=format,
        columns=columns,
        shard=shard,
        refresh=refresh,
        restart=restart,
        strict=strict,
        patience=patience,
        prefetch=prefetch,
        state=state,
        store_options=store_options,
        bom=bom,
    )
    check_plain("on_progress", on_progress)
    async with AsyncExitStack() as stack:
        if session is None:
            session = await stack.enter_async_context(AIShootSession())
        units = unit_names([briefs] if isinstance(briefs, int) else list(briefs))
        job = make_job(session, units, destination, options, filters={})
        limit = _check(session, job, options, in_flight=in_flight, window=window, stall=stall)
        cluster = await stack.enter_async_context(_connected(client, connect_timeout))
        widest = min(limit, len(job.own_units) or 1, window or await _threads(cluster))
        share = limit // widest
        paging = paging_options(options, alone=False) | {"prefetch": min(prefetch or _PREFETCH, share)}
        fleet = Fleet(
            cluster,
            session._tokens,  # noqa: SLF001
            order=_order(session, job, widest=widest, share=share, in_flight=limit, stall=stall, paging=paging),
            window=Window(widest, clock=asyncio.get_running_loop().time),
            stall=stall,
            secrets={"proxy": session._settings.proxy, "store_options": dict(store_options or {})},  # noqa: SLF001
        )
        report = await run(
            session,
            job,
            partial(results_of, session, paging),
            on_progress,
            driver=partial(ClusterDriver, fleet=fleet),
            traffic=lambda: fleet.traffic,
        )
        return ClusterReport(destination=report.destination, outcomes=report.outcomes, refetched_pages=fleet.refetched)


def _check(
    session: AIShootSession, job: Job, options: Options, *, in_flight: object, window: object, stall: object
) -> int:
    """Refuse what a cluster cannot do; give how many requests may be on their way."""
    settings = session._settings  # noqa: SLF001
    if job.place.is_single:
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
        pickled(dict(options.store_options or {}))
    except Exception:  # noqa: BLE001  # objects refuse in ways of their own
        problem = "store_options hold what cannot be sent to workers; their own environment may say it"
    else:
        return limit
    raise ConfigurationError(problem)


def _order(
    session: AIShootSession,
    job: Job,
    *,
    widest: int,
    share: int,
    in_flight: int,
    stall: float,
    paging: dict[str, Any],
) -> Callable[..., Order]:
    """Make what all orders of a run have in common."""
    settings = session._settings  # noqa: SLF001
    rate = settings.limits.rate
    return partial(
        Order,
        release=__version__,
        store=job.place.title if isinstance(job.place, Store) else None,
        shard=job.shard.name,
        staging=staging_of(job),
        base_url=session.base_url,
        format=job.format.name,
        columns=job.columns,
        timeouts=settings.timeouts,
        retry=settings.retry,
        share=share,
        in_flight=in_flight,
        rate=None if rate is None else rate / widest,
        response_bytes=settings.limits.response_bytes,
        stall=stall,
        paging=paging,
    )


async def _threads(client: Any) -> int:
    """Count the workers' threads; of a cluster that has no worker yet, take what one machine would do."""
    threads: int = sum((await client.nthreads()).values())
    if not threads:
        logger.warning("the cluster has no worker yet; the export begins when there is one")
    return threads or IN_HAND


@asynccontextmanager
async def _connected(client: Any, connect_timeout: float | None) -> AsyncGenerator[Any]:
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
        await _started(own, address, limit)
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


async def _started(client: Any, address: str, limit: float) -> None:
    """Wait for the connection; that it takes long is told while it does.

    Raises:
        ConfigurationError: it is no address.
        ExportError: nothing answers there within the limit, or something else than a scheduler does.
    """
    telling = asyncio.get_running_loop().call_later(
        _TELL_AFTER, logger.warning, "the Dask scheduler at %s does not answer; it is tried for %g s", address, limit
    )
    try:
        async with asyncio.timeout(limit):
            await client
    except ValueError as error:
        problem: Exception = ConfigurationError(f"{address} is no scheduler's address: {error}")
    except TimeoutError:
        problem = ExportError(f"the Dask scheduler at {address} cannot be reached: nothing answered within {limit:g} s")
    except Exception as error:  # noqa: BLE001  # what is no scheduler may answer anything
        problem = ExportError(
            f"the Dask scheduler at {address} cannot be reached: {type(error).__name__}: {error}. Is it a scheduler, "
            f"and of the same release of Dask?"
        )
    else:
        return
    finally:
        telling.cancel()
    raise problem
