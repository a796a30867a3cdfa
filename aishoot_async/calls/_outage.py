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

import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ..errors import APIStatusError, TransportError

if TYPE_CHECKING:
    import asyncio

    from ._lifetime import Lifetime

logger: Final = logging.getLogger("aishoot_async.calls")
EVERY: Final = 30.0
"""Seconds between two attempts while nothing is answered."""
STRIKES: Final = 5
_LATER: Final = frozenset({429, 503})


class Turn(Enum):
    """What a patient call may do now."""

    FREE = auto()  # ask, as often as the policy has it
    LOOK = auto()  # ask once, for all who wait
    LAST = auto()  # ask once, and fail if that comes to nothing


def says_later(failure: TransportError | APIStatusError) -> bool:
    """Whether the service itself has asked for patience."""
    return isinstance(failure, APIStatusError) and failure.status in _LATER


class Outage:
    """Whether the service is out of reach, and whose turn it is to look."""

    def __init__(self, lifetime: "Lifetime") -> None:
        """Begin with a service that answers."""
        self._lifetime = lifetime
        self._since: float | None = None
        self._next_look = 0.0
        self._over: asyncio.Future[None] | None = None
        self.answers = 0

    def answered(self) -> None:
        """Hear that a call of the session was answered."""
        self.answers += 1
        if self._over is not None:
            logger.warning("the service answers again")
            self._since = None
            self._over.set_result(None)
            self._over = None

    def begin(self, failure: Exception, patience: float) -> None:
        """Hear that a call has failed, and none was answered meanwhile."""
        if self._over is None:
            loop = self._lifetime.check()
            self._over = loop.create_future()
            self._since = loop.time()
            self._next_look = self._since + EVERY
            logger.warning(
                "the service is out of reach (%s); asking every %.0f s for up to %.0f s", failure, EVERY, patience
            )

    async def turn(self, patience: float) -> Turn:
        """Wait until a call may ask.

        Raises:
            SessionClosedError: the session was closed meanwhile.
        """
        loop = self._lifetime.check()
        while self._since is not None:
            now, end = loop.time(), self._since + patience
            if now >= end:
                return Turn.LAST
            if now >= self._next_look:
                self._next_look = now + EVERY
                return Turn.LOOK
            await self._lifetime.wait_for(self._over, min(self._next_look, end) - now)
        return Turn.FREE
