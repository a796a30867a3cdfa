"""Admission: how many requests are in flight at once, how many start in a second, and when none may start.

Requests wait in three lanes. Retries of admitted calls go first. Then single calls and the pages of walks take turns,
so that neither lane blocks the other. Each lane is first come, first served.
"""

import asyncio
from collections import OrderedDict
from typing import Final, Literal

import attrs

from ..errors import CallTimeoutError
from ._lifecycle import SessionLifecycle, closed_error
from ._limit import AdaptiveLimit, Outcome, Permit

Lane = Literal["retry", "single", "walk"]

# Seconds. A timer may be that late; the time is made up for, or a high rate would never be reached.
_LATENESS: Final = 0.01


@attrs.frozen(kw_only=True)
class Traffic:
    """What a session has on its way.

    Attributes:
        in_flight: requests in flight.
        waiting: requests that wait for admission.
        limit: the most requests that may be in flight now.
        retries: requests that were sent again.
    """

    in_flight: int
    waiting: int
    limit: int
    retries: int


class Throttle:
    """Admits all requests of a session. The outcome of one request can slow all others."""

    def __init__(
        self, lifecycle: SessionLifecycle, *, limit: int, rate: float | None, limited_by: str = "in_flight"
    ) -> None:
        """Keep the limits: requests at once, and requests a second (``None`` for any number).

        ``limited_by`` names the field of `Limits` that must be raised for more requests at once.
        """
        self._max = limit
        self._limited_by = limited_by
        self._lifecycle = lifecycle
        self._limit = AdaptiveLimit(limit)
        self.set_rate(rate)
        self._in_flight = 0
        self._next_start = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: dict[Lane, OrderedDict[asyncio.Future[Permit], None]] = {
            "retry": OrderedDict(),
            "single": OrderedDict(),
            "walk": OrderedDict(),
        }
        self._turn: Literal["single", "walk"] = "single"

    def set_rate(self, rate: float | None) -> None:
        """Set how many requests may start in a second."""
        self._interval = 0.0 if rate is None else 1.0 / rate

    @property
    def limit(self) -> int:
        """How many requests may be in flight at once now."""
        return self._limit.value

    @property
    def in_flight(self) -> int:
        """How many requests are in flight."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many requests wait for admission."""
        return sum(map(len, self._lanes.values()))

    async def acquire(self, lane: Lane, max_wait: float | None) -> Permit:
        """Wait for admission, for at most ``max_wait`` seconds; return the permit, which must be given to `release`.

        Raises:
            CallTimeoutError: admission took too long; nothing was sent.
            SessionClosedError: the session was closed meanwhile.
        """
        # The event loop and the process of every call were checked before.
        self._lifecycle.check_open()
        self._loop = self._loop or self._lifecycle.check()
        now = self._loop.time()
        if not any(self._lanes.values()) and self._may_start(now):
            return self._admit(now, due=now)
        turn: asyncio.Future[Permit] = self._loop.create_future()
        self._lanes[lane][turn] = None
        self._admit_waiting()
        try:
            await asyncio.wait([turn], timeout=max_wait)
        except BaseException:
            if turn.done() and not turn.exception():
                self.release(turn.result())
            raise
        finally:
            self._lanes[lane].pop(turn, None)
        if turn.done():
            return turn.result()
        msg = f"no request could start for {max_wait} s (Timeouts.pool): {self._reason()}"
        raise CallTimeoutError(msg, maybe_sent=False)

    def release(self, permit: Permit, outcome: Outcome = Outcome.IGNORED) -> None:
        """Give a permit back with the outcome of its request; admit the next requests."""
        self._in_flight -= 1
        self._limit.note(permit, outcome)
        self._admit_waiting()

    def pause(self, seconds: float) -> None:
        """Admit nothing for so many seconds: the service has asked for it."""
        if self._loop is not None:
            self._next_start = max(self._next_start, self._loop.time() + seconds)

    def close(self) -> None:
        """Refuse all requests that wait."""
        for lane in self._lanes.values():
            while lane:
                turn, _ = lane.popitem()
                if not turn.done():
                    turn.set_exception(closed_error())
        if self._timer is not None:
            self._timer.cancel()

    def _reason(self) -> str:
        """Return why nothing is admitted, and what to do."""
        if self._in_flight < self._limit.value:
            if self._interval:
                return f"{1 / self._interval:g} may start in a second; raise Limits(rate=…), or Timeouts(pool=…)"
            return "the service has asked for a pause; raise Timeouts(pool=…)"
        on_their_way = f"{self._in_flight} are on their way"
        if self._limit.value < self._max:
            return f"{on_their_way}, and the service has refused more; raise Timeouts(pool=…)"
        return f"{on_their_way}, as many as Limits allows; raise Limits({self._limited_by}=…), or Timeouts(pool=…)"

    def _may_start(self, now: float) -> bool:
        return self._in_flight < self._limit.value and now >= self._next_start

    def _admit(self, now: float, *, due: float) -> Permit:
        self._in_flight += 1
        if self._interval:
            self._next_start = max(due, now - _LATENESS) + self._interval
        return self._limit.admit(self._in_flight)

    def _admit_waiting(self) -> None:
        if self._loop is None or not any(self._lanes.values()):
            return
        now = self._loop.time()
        while self._may_start(now):
            lane = self._next_lane()
            if lane is None:
                return
            turn, _ = lane.popitem(last=False)
            if not turn.done():
                turn.set_result(self._admit(now, due=self._next_start))
        if self._in_flight < self._limit.value and self._timer is None:
            self._timer = self._loop.call_at(self._next_start, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._admit_waiting()

    def _next_lane(self) -> "OrderedDict[asyncio.Future[Permit], None] | None":
        if self._lanes["retry"]:
            return self._lanes["retry"]
        self._turn = "walk" if self._turn == "single" else "single"
        other: Literal["single", "walk"] = "walk" if self._turn == "single" else "single"
        return self._lanes[self._turn] or self._lanes[other] or None
