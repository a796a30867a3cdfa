"""Admission: how many requests are on their way at once, how many start in a second, and when none may start.

Who waits stands in one of three lanes. A call that was admitted before and is made again goes first. Then single calls
and the pages of walks take turns, so that neither keeps the other waiting. Within a lane, first come is first served.
"""

import asyncio
from collections import OrderedDict
from typing import Final, Literal

import attrs

from ..errors import CallTimeoutError
from ._lifetime import Lifetime, closed_error
from ._limit import AdaptiveLimit, Admission, Outcome

Lane = Literal["again", "single", "walk"]

# A timer may ring so late; what was lost by that is caught up with, or a high rate would never be reached.
_LATENESS: Final = 0.01


@attrs.frozen(kw_only=True)
class Traffic:
    """What a session has on its way.

    Attributes:
        in_flight: requests on their way.
        waiting: requests that wait for admission.
        limit: requests on their way at most, as things stand.
        retries: requests that have been repeated.
    """

    in_flight: int
    waiting: int
    limit: int
    retries: int


class Throttle:
    """A session's one way in. What one request learns of the service slows all of them."""

    def __init__(self, lifetime: Lifetime, *, limit: int, rate: float | None, limited_by: str = "in_flight") -> None:
        """Keep the limits: requests at once at most, and requests a second (``None`` for any number).

        ``limited_by`` is the name in `Limits` of what must be raised for more requests at once.
        """
        self._most = limit
        self._limited_by = limited_by
        self._lifetime = lifetime
        self._limit = AdaptiveLimit(limit)
        self.pace(rate)
        self._in_flight = 0
        self._next_start = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: dict[Lane, OrderedDict[asyncio.Future[Admission], None]] = {
            "again": OrderedDict(),
            "single": OrderedDict(),
            "walk": OrderedDict(),
        }
        self._turn: Literal["single", "walk"] = "single"

    def pace(self, rate: float | None) -> None:
        """Let so many requests start in a second, from now on."""
        self._interval = 0.0 if rate is None else 1.0 / rate

    @property
    def limit(self) -> int:
        """How many requests may be on their way at once, as things stand."""
        return self._limit.value

    @property
    def in_flight(self) -> int:
        """How many requests are on their way."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many requests wait for admission."""
        return sum(map(len, self._lanes.values()))

    async def enter(self, lane: Lane, at_most: float | None) -> Admission:
        """Wait for admission, at most so many seconds. Who has entered must `leave`.

        Raises:
            CallTimeoutError: admission took too long; nothing was sent.
            SessionClosedError: the session was closed meanwhile.
        """
        # Which loop it is, and which process, every call has been asked already.
        self._lifetime.check_open()
        self._loop = self._loop or self._lifetime.check()
        now = self._loop.time()
        if not any(self._lanes.values()) and self._may_start(now):
            return self._admit(now, due=now)
        turn: asyncio.Future[Admission] = self._loop.create_future()
        self._lanes[lane][turn] = None
        self._let_in()
        try:
            await asyncio.wait([turn], timeout=at_most)
        except BaseException:
            if turn.done() and not turn.exception():
                self.leave(turn.result())
            raise
        finally:
            self._lanes[lane].pop(turn, None)
        if turn.done():
            return turn.result()
        msg = f"no request could start for {at_most} s (Timeouts.pool): {self._reason()}"
        raise CallTimeoutError(msg, maybe_sent=False)

    def leave(self, admission: Admission, outcome: Outcome = Outcome.NOTHING) -> None:
        """Learn from what the request came to, and let the next ones in."""
        self._in_flight -= 1
        self._limit.note(admission, outcome)
        self._let_in()

    def pause(self, seconds: float) -> None:
        """Start nothing for so long: the service has asked for it."""
        if self._loop is not None:
            self._next_start = max(self._next_start, self._loop.time() + seconds)

    def close(self) -> None:
        """Turn away everyone who waits."""
        for lane in self._lanes.values():
            while lane:
                turn, _ = lane.popitem()
                if not turn.done():
                    turn.set_exception(closed_error())
        if self._timer is not None:
            self._timer.cancel()

    def _reason(self) -> str:
        """Say why nobody is let in, and what helps."""
        if self._in_flight < self._limit.value:
            if self._interval:
                return f"{1 / self._interval:g} may start in a second; raise Limits(rate=…), or Timeouts(pool=…)"
            return "the service has asked for a pause; raise Timeouts(pool=…)"
        on_their_way = f"{self._in_flight} are on their way"
        if self._limit.value < self._most:
            return f"{on_their_way}, and the service has refused more; raise Timeouts(pool=…)"
        return f"{on_their_way}, as many as Limits allows; raise Limits({self._limited_by}=…), or Timeouts(pool=…)"

    def _may_start(self, now: float) -> bool:
        return self._in_flight < self._limit.value and now >= self._next_start

    def _admit(self, now: float, *, due: float) -> Admission:
        self._in_flight += 1
        if self._interval:
            self._next_start = max(due, now - _LATENESS) + self._interval
        return self._limit.admit(self._in_flight)

    def _let_in(self) -> None:
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
            self._timer = self._loop.call_at(self._next_start, self._rung)

    def _rung(self) -> None:
        self._timer = None
        self._let_in()

    def _next_lane(self) -> "OrderedDict[asyncio.Future[Admission], None] | None":
        if self._lanes["again"]:
            return self._lanes["again"]
        self._turn = "walk" if self._turn == "single" else "single"
        other: Literal["single", "walk"] = "walk" if self._turn == "single" else "single"
        return self._lanes[self._turn] or self._lanes[other] or None
