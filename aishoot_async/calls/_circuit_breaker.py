"""The circuit breaker: how the patient calls of a session wait together for the end of an outage.

A call with patience does not fail after its last attempt, if it may be retried at all:

    since it failed last, or began         it
    ------------------------------------------------------------------------------------------------------------
    no call of the session was answered    waits with all others: the service is out of reach. Every 30 s one of them
                                           sends one request; the first answer to any call ends the wait of all
    others were answered                   waits 30 s by itself, and fails the fifth time: the service cannot answer
                                           this call. A "later" of the service (429, 503) does not count
    its patience is over                   fails. Patience counts from the beginning of the outage, not of the call:
                                           a job of many calls waits once, not once for each call
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final, TypeVar

from ..errors import APIStatusError, TransportError
from ._call import CallState
from ._lifecycle import SessionLifecycle
from ._retry import LATER, is_retryable

T = TypeVar("T")

logger: Final = logging.getLogger("aishoot_async.calls")
PROBE_INTERVAL: Final = 30.0
"""Seconds between two requests while nothing is answered."""
MAX_FAILURES: Final = 5


class _State(Enum):
    """What a patient call may do now."""

    CLOSED = auto()  # send as often as the policy allows
    HALF_OPEN = auto()  # send once, as a probe for all calls that wait
    FINAL = auto()  # send once, and fail if that fails


def _says_later(failure: TransportError | APIStatusError) -> bool:
    return isinstance(failure, APIStatusError) and failure.status in LATER


class CircuitBreaker:
    """Whether the service is out of reach, and which call sends the next probe."""

    def __init__(self, lifecycle: SessionLifecycle) -> None:
        """Assume a service that answers."""
        self._lifecycle = lifecycle
        self._since: float | None = None
        self._next_probe = 0.0
        self._over: asyncio.Future[None] | None = None
        self._answers = 0

    def answered(self) -> None:
        """Record that a call of the session was answered; end an outage."""
        self._answers += 1
        if self._over is not None:
            logger.warning("the service answers again")
            self._since = None
            self._over.set_result(None)
            self._over = None

    async def call_with_patience(
        self, call: CallState, probe: Callable[[], Awaitable[T]], send: Callable[[], Awaitable[T]]
    ) -> T:
        """Make a call with patience: ``probe`` makes one attempt, ``send`` as many as the policy allows.

        Raises:
            AIShootError: as these do, once patience is over.
        """
        patience, answers, failures, ends = call.options.patience, self._answers, 0, math.inf
        while True:
            state = await self._wait(patience)
            call.record_outage_wait()
            try:
                return await (send if state is _State.CLOSED else probe)()
            except (TransportError, APIStatusError) as error:
                if state is _State.FINAL or not is_retryable(call.retry_method, error):
                    raise
                call.failed_at = call.loop.time()
                ends = min(ends, call.failed_at + patience)
                others_were_answered, answers = self._answers > answers, self._answers
                failures += others_were_answered and not _says_later(error)
                if failures == MAX_FAILURES or call.failed_at >= ends:
                    raise
                if not others_were_answered:
                    self._open(error, patience)
                    continue
            await self._lifecycle.sleep(PROBE_INTERVAL)

    def _open(self, failure: Exception, patience: float) -> None:
        if self._over is None:
            loop = self._lifecycle.check()
            self._over = loop.create_future()
            self._since = loop.time()
            self._next_probe = self._since + PROBE_INTERVAL
            logger.warning(
                "the service is out of reach (%s); asking every %.0f s for up to %.0f s",
                failure,
                PROBE_INTERVAL,
                patience,
            )

    async def _wait(self, patience: float) -> _State:
        """Wait until a call may send.

        Raises:
            SessionClosedError: the session was closed meanwhile.
        """
        loop = self._lifecycle.check()
        while self._since is not None:
            now, end = loop.time(), self._since + patience
            if now >= end:
                return _State.FINAL
            if now >= self._next_probe:
                self._next_probe = now + PROBE_INTERVAL
                return _State.HALF_OPEN
            await self._lifecycle.wait_for(self._over, min(self._next_probe, end) - now)
        return _State.CLOSED
