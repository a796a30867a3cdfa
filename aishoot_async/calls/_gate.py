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
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, timeout: float | None) -> None:
        """Wait for admission, at most ``timeout`` seconds. Who has entered must `leave`.

        Raises:
            CallTimeoutError: admission took too long; nothing was sent.
            SessionClosedError: the session was closed meanwhile.
        """
        loop = self._lifetime.check()
        if self._free > 0 and not self._waiting:
            self._free -= 1
        else:
            await self._wait(loop, timeout)
        if self._interval:
            try:
                await self._pace(loop)
            except BaseException:
                self.leave()
                raise

    async def _wait(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> None:
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait([turn], timeout=timeout)
        except BaseException:
            if turn.done() and not turn.exception():
                self.leave()
            raise
        finally:
            if not turn.done():
                self._waiting.remove(turn)
        if not turn.done():
            msg = f"no request could start for {timeout} s (Timeouts.pool): as many are on their way as Limits allows"
            raise CallTimeoutError(msg, maybe_sent=False)
        turn.result()

    async def _pace(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        if start > now:
            await self._lifetime.sleep(start - now)

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
