"""What the driver tells a worker, and what comes back. Nothing here holds a secret: all of it is pickled, and shown."""

from typing import Any, Final

import attrs

from ..config import RetryPolicy, Timeouts
from ..errors import AIShootError
from ..export._life import Content

TOPIC: Final = "aishoot-export"
"""Where workers tell of themselves. One for all runs: a scheduler keeps the latest events of each topic for ever."""


@attrs.frozen(kw_only=True)
class Order:
    """One brief, to be brought into parts.

    Attributes:
        release: of this package, at the driver.
        run: names the run that orders it.
        key: names the task.
        unit: the brief, as the journal has it.
        store: the destination, where that is an object store; ``None`` where it is a folder.
        shard: of the job.
        staging: the folder to stage in; of an object store, what names the same.
        base_url: where the API is.
        format, columns: of the parts.
        timeouts, retry: of the session.
        share: requests that a brief has on its way at most.
        in_flight: requests that all briefs have on their way at most.
        rate: requests a second that a brief starts at most, on an average; ``None`` for any number.
        response_bytes: of the session.
        stall: seconds after which the driver may take a worker that hangs for lost.
        paging: options of the walk.
    """

    release: str
    run: str
    key: str
    unit: str
    store: str | None
    shard: str
    staging: str
    base_url: str
    format: str
    columns: tuple[str, ...]
    timeouts: Timeouts
    retry: RetryPolicy
    share: int
    in_flight: int
    rate: float | None
    response_bytes: int
    stall: float
    paging: dict[str, Any]


@attrs.frozen(kw_only=True)
class Delivery:
    """What a worker brings.

    Attributes:
        attempt: names the attempt.
        fetched: pages that it fetched.
        content: what its walk brought, all of it staged; ``None`` if it failed, or was told to end.
        error: why it failed.
    """

    attempt: str
    fetched: int
    content: Content | None = None
    error: AIShootError | None = None


@attrs.frozen(kw_only=True)
class Sight:
    """How far an attempt is.

    Attributes:
        attempt, unit: which.
        fetched: pages that it has fetched.
        pages, items, total: of the walk in hand; see `aishoot_async.export.ExportProgress`.
    """

    attempt: str
    unit: str
    fetched: int
    pages: int
    items: int
    total: int | None


@attrs.frozen(kw_only=True)
class Sign:
    """What a worker tells of a run, through the scheduler.

    Attributes:
        run: the run.
        worker: its address.
        shift: names what the worker does for the run; a worker that is started again at the same address begins
            another.
        refused: requests that the service has refused so far (429).
        retries: requests that were repeated so far.
        limit: requests that it has on their way at most, as things stand.
        attempts: what it has in hand.
    """

    run: str
    worker: str
    shift: str
    refused: int
    retries: int
    limit: int
    attempts: tuple[Sight, ...]


def read_sign(plain: dict[str, Any]) -> Sign:
    """Read what `attrs.asdict` made of a sign."""
    attempts: Any = tuple(Sight(**sight) for sight in plain["attempts"])
    return Sign(**{**plain, "attempts": attempts})
