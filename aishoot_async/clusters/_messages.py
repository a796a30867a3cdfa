"""What the driver tells a worker, and what comes back. Nothing here holds a secret: all of it is pickled, and shown."""

from typing import Any, Final

import attrs

from ..config import RetryPolicy, Timeouts
from ..errors import AIShootError
from ..jobs import JobKind, PartSet

TOPIC: Final = "aishoot-export"
"""Where workers tell of themselves. One for all runs: a scheduler keeps the latest events of each topic for ever."""


@attrs.frozen(kw_only=True)
class BriefTask:
    """One unit, to be staged.

    Attributes:
        release: of this package, at the driver.
        run: the id of the driver's run.
        key: names the task.
        unit: the unit's name.
        kind: the kind of job.
        store: the destination, where that is an object store; ``None`` where it is a folder.
        shard: of the job.
        staging: the folder to stage in; of an object store, what names the same.
        base_url: where the API is.
        timeouts, retry: of the session.
        share: requests that a unit has on their way at most.
        in_flight: requests that all units have on their way at most.
        rate: requests a second that a unit starts at most, on an average; ``None`` for any number.
        response_bytes: of the session.
        stall: seconds after which the driver may take a worker that hangs for lost.
        paging: options of the walk.
    """

    release: str
    run: str
    key: str
    unit: str
    kind: JobKind
    store: str | None
    shard: str
    staging: str
    base_url: str
    timeouts: Timeouts
    retry: RetryPolicy
    share: int
    in_flight: int
    rate: float | None
    response_bytes: int
    stall: float
    paging: dict[str, Any]


@attrs.frozen(kw_only=True)
class TaskResult:
    """What a worker has staged.

    Attributes:
        attempt: names the attempt.
        fetched: pages that it fetched.
        parts: what the unit came to, all of it staged; ``None`` if it failed, or was told to end.
        error: why it failed.
    """

    attempt: str
    fetched: int
    parts: PartSet | None = None
    error: AIShootError | None = None


@attrs.frozen(kw_only=True)
class AttemptProgress:
    """How far an attempt is.

    Attributes:
        attempt, unit: which.
        fetched: pages that it has fetched.
        pages, items, total: of the walk; see `aishoot_async.jobs.ReadProgress`.
    """

    attempt: str
    unit: str
    fetched: int
    pages: int
    items: int
    total: int | None


@attrs.frozen(kw_only=True)
class Heartbeat:
    """What a worker tells of a run, through the scheduler.

    Attributes:
        run: the run.
        worker: its address.
        worker_run: what the worker does for the run; a worker that is started again at the same address begins another.
        refused: requests that the service has refused so far (429).
        retries: requests that were repeated so far.
        limit: requests that it has on their way at most, as things stand.
        attempts: what it has in hand.
    """

    run: str
    worker: str
    worker_run: str
    refused: int
    retries: int
    limit: int
    attempts: tuple[AttemptProgress, ...]


def read_heartbeat(plain: dict[str, Any]) -> Heartbeat:
    """Read what `attrs.asdict` made of a heartbeat."""
    attempts: Any = tuple(AttemptProgress(**progress) for progress in plain["attempts"])
    return Heartbeat(**{**plain, "attempts": attempts})
