"""Admission: how many requests are on their way at once, and how many start in a second. First come, first served."""

import asyncio
from collections import deque

from ..errors import CallTimeoutError
from ._lifetime import Lifetime, closed_error


class Gate:
    """A session's one way in."""

    def __init__(self, lifetime: Lifetime, *, limit: int, rate: float | None) -> None:
        """Keep the limits: requests at once, and requests a second (``None`` for any number)."""
        self._lifetime = lifetime
        self._free = limit
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._next_start = 0.0
        self._pacing = asyncio.Lock()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, at_most: float | None) -> None:
        """Wait for admission, at most so many seconds. Who has entered must `leave`.

        Raises:
            CallTimeoutError: admission took too long; nothing was sent.
            SessionClosedError: the session was closed meanwhile.
        """
        loop = self._lifetime.check()
        ends = None if at_most is None else loop.time() + at_most
        if self._free > 0 and not self._waiting:
            self._free -= 1
            admitted = True
        else:
            admitted = await self._wait(loop, at_most)
        if admitted and self._interval:
            admitted = False
            try:
                admitted = await self._pace_until(ends)
            finally:
                if not admitted:
                    self.leave()
        if not admitted:
            msg = f"no request could start for {at_most} s (Timeouts.pool): as many are on their way as Limits allows"
            raise CallTimeoutError(msg, maybe_sent=False)

    async def _wait(self, loop: asyncio.AbstractEventLoop, at_most: float | None) -> bool:
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait([turn], timeout=at_most)
        except BaseException:
            if turn.done() and not turn.exception():
                self.leave()
            raise
        finally:
            if not turn.done():
                self._waiting.remove(turn)
        if turn.done():
            turn.result()
            return True
        return False

    async def _pace_until(self, ends: float | None) -> bool:
        scope = asyncio.timeout_at(ends)
        try:
            async with scope:
                await self.pace()
        except TimeoutError:
            return False
        return True

    async def pace(self) -> None:
        """Wait until the rate lets one more request start; whoever gives up waiting takes nothing from the others.

        Raises:
            SessionClosedError: the session was closed meanwhile.
        """
        if self._interval:
            loop = self._lifetime.check()
            async with self._pacing:  # first come, first served
                if self._next_start > loop.time():
                    await self._lifetime.sleep(self._next_start - loop.time())
                self._next_start = max(loop.time(), self._next_start) + self._interval

    def leave(self) -> None:
        """Let the next one in."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        """Turn away everyone who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(closed_error())
