"""Export on Dask (``pip install 'aishoot-async[dask]'``): one brief is one task.

The engine is Dask's; the pipeline is that of `aishoot_async.export`, and so are the parts, byte for byte. The API's
limits are those of an account: where they are what holds one machine back, more machines add nothing.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from fractions import Fraction
from functools import partial
from typing import Any, Final

import attrs

from ..config import Limits
from ..errors import ConfigurationError, Cursor, RequestValidationError
from ..export import ExportProgress, ExportReport
from ..export._export import Options, make_job, paging_options, run
from ..export._job import Job, brief_of, unit_names
from ..export._opening import STAGING
from ..export._stores import Store
from ..paging import Pager
from ..session import AIShootSession

try:
    from distributed import Client
except ImportError:
    raise ConfigurationError("this needs dask.distributed: pip install 'aishoot-async[dask]'") from None

from ._driver import ClusterDriver, destination_name
from ._fleet import Fleet
from ._order import Order
from ._window import Window

_PATIENCE: Final = 1800.0
_STALL: Final = 60.0
_PREFETCH: Final = 8


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
    refresh: bool = False,
    restart: bool = False,
    strict: bool = False,
    shard: tuple[int, int] | None = None,
    patience: float = _PATIENCE,
    prefetch: int | None = None,
    in_flight: int | None = None,
    stall: float = _STALL,
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
        refresh: likewise.
        restart: likewise.
        strict: likewise.
        shard: likewise.
        patience: likewise, for each worker.
        prefetch: pages of each brief in flight or ready; ``None`` for what its share of ``in_flight`` allows, 8 at
            most.
        in_flight: requests on their way at most, of all workers together; ``None`` for the session's. A request that
            is refused (429) narrows the number of briefs that are out.
        stall: seconds without a sign of life after which a brief is given to another worker.
        state: likewise.
        store_options: likewise; plain values, as they are sent.
        on_progress: called as workers tell how far they are, about once a second for each brief.

    Raises:
        AIShootError: as the one-machine export does.
        ConfigurationError: a package is missing, or the session has what cannot be sent (``ssl``).
        OSError: the scheduler cannot be reached.
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
    )
    async with AsyncExitStack() as stack:
        if session is None:
            session = await stack.enter_async_context(AIShootSession())
        units = unit_names([briefs] if isinstance(briefs, int) else list(briefs))
        job = make_job(session, units, destination, options, filters={})
        limit = _check(session, job, in_flight)
        cluster = await stack.enter_async_context(_own_client(client))
        await cluster.wait_for_workers(1)
        widest = min(limit, len(units), max(1, sum((await cluster.nthreads()).values())))
        paging = {**paging_options(options, alone=False), "prefetch": prefetch or min(_PREFETCH, limit // widest)}
        fleet = Fleet(
            cluster,
            session._tokens,  # noqa: SLF001
            order=_order(session, job, share=Fraction(1, widest), in_flight=limit // widest, paging=paging),
            window=Window(widest, clock=asyncio.get_running_loop().time),
            stall=stall,
            secrets={"proxy": session._settings.proxy, "store_options": dict(store_options or {})},  # noqa: SLF001
        )
        report = await run(
            session,
            job,
            partial(_listing, session, paging),
            on_progress,
            driver=partial(ClusterDriver, fleet=fleet),
            traffic=lambda: fleet.traffic,
        )
        return ClusterReport(destination=report.destination, outcomes=report.outcomes, refetched_pages=fleet.refetched)


def _check(session: AIShootSession, job: Job, in_flight: object) -> int:
    """Refuse what a cluster cannot do; give how many requests may be on their way."""
    settings = session._settings  # noqa: SLF001
    if job.place.is_single:
        raise RequestValidationError(
            "a cluster writes to a folder or below a URL; one file is for one brief, and for one machine",
            field="destination",
        )
    if settings.has_own_tls:
        raise ConfigurationError("a session with an ssl.SSLContext of its own cannot be sent to workers")
    limit = settings.limits.in_flight if in_flight is None else in_flight
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ConfigurationError(f"in_flight must be a whole number from 1, not {in_flight!r}")
    return limit


def _order(
    session: AIShootSession, job: Job, *, share: Fraction, in_flight: int, paging: dict[str, Any]
) -> Callable[..., Order]:
    """Make what all orders of a run have in common."""
    settings = session._settings  # noqa: SLF001
    rate = settings.limits.rate
    return partial(
        Order,
        destination=destination_name(job.place),
        staging=None if isinstance(job.place, Store) else str(job.place.home.absolute() / job.shard.name / STAGING),
        base_url=session.base_url,
        format=job.format.name,
        columns=job.columns,
        timeouts=settings.timeouts,
        retry=settings.retry,
        limits=Limits(
            connections=in_flight,
            in_flight=in_flight,
            rate=None if rate is None else rate * float(share),
            response_bytes=settings.limits.response_bytes,
        ),
        paging=paging,
    )


def _listing(session: AIShootSession, paging: dict[str, Any], unit: str, start: Cursor | None) -> Pager[bytes]:
    return session.briefs.results(brief_of(unit) or 0, into=bytes, start=start, **paging)


def _own_client(client: Any) -> Any:
    """Connect to the same scheduler on this event loop; the caller's client may be of another, or of none."""
    is_address = isinstance(client, str)
    connect: Any = Client
    return connect(
        client if is_address else client.scheduler.address,
        asynchronous=True,
        security=None if is_address else client.security,
        set_as_default=False,
        name="aishoot-async",
    )
