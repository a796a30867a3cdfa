"""Riding out an outage: what the patient calls of a session share.

A call with patience does not fail when its attempts have come to nothing, as long as they may be repeated at all:

    since it failed last, or began         it
    ------------------------------------------------------------------------------------------------------------
    no call of the session was answered    waits with all the others: the service is out of reach. Every 30 s one of
                                           them asks, once; the first answer that any call gets sets all of them free
    others were answered                   waits 30 s by itself. At the fifth time it fails, unless the service says
                                           "later" (429, 503): it is this call that the service cannot answer
    its patience is over                   fails. Patience counts from the beginning of the outage, not of the call:
                                           a job of many calls is not patient for each of them anew
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final, TypeVar

from ..errors import APIStatusError, TransportError
from ._call import Call
from ._lifetime import Lifetime
from ._retry import LATER, may_repeat

T = TypeVar("T")

logger: Final = logging.getLogger("aishoot_async.calls")
EVERY: Final = 30.0
"""Seconds between two attempts while nothing is answered."""
STRIKES: Final = 5


class _Turn(Enum):
    """What a patient call may do now."""

    FREE = auto()  # ask, as often as the policy has it
    LOOK = auto()  # ask once, for all who wait
    LAST = auto()  # ask once, and fail if that comes to nothing


def _says_later(failure: TransportError | APIStatusError) -> bool:
    return isinstance(failure, APIStatusError) and failure.status in LATER


class Outage:
    """Whether the service is out of reach, and whose turn it is to look."""

    def __init__(self, lifetime: Lifetime) -> None:
        """Begin with a service that answers."""
        self._lifetime = lifetime
        self._since: float | None = None
        self._next_look = 0.0
        self._over: asyncio.Future[None] | None = None
        self._answers = 0

    def answered(self) -> None:
        """Hear that a call of the session was answered."""
        self._answers += 1
        if self._over is not None:
            logger.warning("the service answers again")
            self._since = None
            self._over.set_result(None)
            self._over = None

    async def ride_out(self, call: Call, look: Callable[[], Awaitable[T]], ask: Callable[[], Awaitable[T]]) -> T:
        """Make a call with patience: ``look`` makes one attempt, ``ask`` as many as there may be.

        Raises:
            AIShootError: as these do, once patience is over.
        """
        patience, answers, strikes, ends = call.options.patience, self._answers, 0, math.inf
        while True:
            turn = await self._turn(patience)
            call.was_put_off()
            try:
                return await (ask if turn is _Turn.FREE else look)()
            except (TransportError, APIStatusError) as error:
                if turn is _Turn.LAST or not may_repeat(call.repeats_as, error):
                    raise
                call.failed_at = call.loop.time()
                ends = min(ends, call.failed_at + patience)
                others_were_answered, answers = self._answers > answers, self._answers
                strikes += others_were_answered and not _says_later(error)
                if strikes == STRIKES or call.failed_at >= ends:
                    raise
                if not others_were_answered:
                    self._begin(error, patience)
                    continue
            await self._lifetime.sleep(EVERY)

    def _begin(self, failure: Exception, patience: float) -> None:
        if self._over is None:
            loop = self._lifetime.check()
            self._over = loop.create_future()
            self._since = loop.time()
            self._next_look = self._since + EVERY
            logger.warning(
                "the service is out of reach (%s); asking every %.0f s for up to %.0f s", failure, EVERY, patience
            )

    async def _turn(self, patience: float) -> _Turn:
        """Wait until a call may ask.

        Raises:
            SessionClosedError: the session was closed meanwhile.
        """
        loop = self._lifetime.check()
        while self._since is not None:
            now, end = loop.time(), self._since + patience
            if now >= end:
                return _Turn.LAST
            if now >= self._next_look:
                self._next_look = now + EVERY
                return _Turn.LOOK
            await self._lifetime.wait_for(self._over, min(self._next_look, end) - now)
        return _Turn.FREE
