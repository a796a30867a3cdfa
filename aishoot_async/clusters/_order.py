"""What the driver tells a worker, and what comes back. Nothing here holds a secret: all of it is pickled, and shown."""

from typing import Any

import attrs

from ..config import Limits, RetryPolicy, Timeouts
from ..errors import AIShootError
from ..export._life import Content


@attrs.frozen(kw_only=True)
class Order:
    """One brief, to be brought into parts.

    Attributes:
        run: names the run that orders it.
        key: names the task.
        destination: where the parts will appear in the end: a folder or a URL.
        staging: the folder to stage them in; ``None`` where the destination is an object store.
        unit: the brief, as the journal has it.
        base_url: where the API is.
        format, columns: of the parts.
        timeouts, retry: of the session.
        limits: of the session: its share of all.
        paging: options of the walk.
    """

    run: str
    key: str
    destination: str
    staging: str | None
    unit: str
    base_url: str
    format: str
    columns: tuple[str, ...]
    timeouts: Timeouts
    retry: RetryPolicy
    limits: Limits
    paging: dict[str, Any]


@attrs.frozen(kw_only=True)
class Delivery:
    """What a worker brings.

    Attributes:
        attempt: names the attempt, and what it has staged.
        content: what its walk brought, all of it staged; ``None`` if it failed, or was told to end.
        error: why it failed.
        pages: pages that it fetched.
    """

    attempt: str
    content: Content | None = None
    error: AIShootError | None = None
    pages: int = 0


@attrs.frozen(kw_only=True)
class Sign:
    """A sign of life of an attempt, as it goes through the scheduler.

    Attributes:
        attempt, unit, worker: which, and where.
        fetched: pages that it has fetched.
        pages, items, total: of the walk in hand; see `aishoot_async.export.ExportProgress`.
        retries: requests that were repeated so far.
        refused: requests that the service has refused so far (429).
        limit: requests that it has on their way at most, as things stand.
    """

    attempt: str
    unit: str
    worker: str
    fetched: int = 0
    pages: int = 0
    items: int = 0
    total: int | None = None
    retries: int = 0
    refused: int = 0
    limit: int = 0
