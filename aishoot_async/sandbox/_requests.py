"""What a sandbox remembers of the requests it got."""

import asyncio
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from attrs import define, evolve, field, frozen

from aishoot_async.sandbox._wire import Call

_KEPT_BODY_BYTES = 65_536


@frozen(kw_only=True)
class RecordedRequest:
    """A request as it arrived, and what became of it.

    `index` counts arrivals from 1; `path` is raw, without the query; `operation` is `unknown` for unknown routes;
    `body` holds the first 64 KiB; `status` is None while it is being served, and for good when the connection was
    dropped instead of answered.
    """

    index: int
    method: str
    path: str
    query: Mapping[str, str]
    operation: str
    subject: str
    token: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None = None


@define
class Outcome:
    """The status of a request on its way, to be filled in."""

    status: int | None = None


class RequestLog:
    """The latest requests, and counters of all of them."""

    def __init__(self, keep: int) -> None:
        """Keep so many requests."""
        self._keep = keep
        self._kept: dict[int, RecordedRequest] = {}
        self._in_flight = 0
        self._waiting: list[asyncio.Future[None]] = []
        self.count = 0
        self.calls: Counter[str] = Counter()
        self.max_in_flight = 0

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest requests, by arrival."""
        return list(self._kept.values())

    def clear(self) -> None:
        """Forget the requests and start counting anew; indexes go on."""
        self._kept.clear()
        self.calls.clear()
        self.max_in_flight = self._in_flight

    def next_index(self) -> int:
        """Count an arrival and return its number."""
        self.count += 1
        return self.count

    async def wait_for(self, count: int, operation: str | None) -> None:
        """Return once an operation (None: any) was called so many times."""
        while (self.calls.total() if operation is None else self.calls[operation]) < count:
            arrival = asyncio.get_running_loop().create_future()
            self._waiting.append(arrival)
            await arrival

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for arrival in waiting:
            if not arrival.done():
                arrival.set_result(None)

    @contextmanager
    def track(self, call: Call) -> Generator[Outcome]:
        """Record a request from its arrival on, with its outcome once that is known."""
        self._kept[call.index] = record = RecordedRequest(
            index=call.index,
            method=call.method,
            path=call.path,
            query=call.query,
            operation=call.operation,
            subject=call.subject,
            token=call.token,
            headers=call.headers,
            body=call.body[:_KEPT_BODY_BYTES],
        )
        if len(self._kept) > self._keep:
            del self._kept[next(iter(self._kept))]
        self.calls[call.operation] += 1
        self._wake()
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        outcome = Outcome()
        try:
            yield outcome
        finally:
            self._in_flight -= 1
            if call.index in self._kept:
                self._kept[call.index] = evolve(record, status=outcome.status)
