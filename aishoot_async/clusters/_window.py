"""How many briefs are out at once. Additive increase, multiplicative decrease, as congestion control has it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

HOLD: Final = 5.0
"""Seconds in which refusals count as one: those of requests that were on their way together."""


class Window:
    """Halved when the service refuses; one wider when as many briefs as it has room for have come without."""

    def __init__(self, widest: int, clock: Callable[[], float]) -> None:
        """Begin as wide as it can be."""
        self.widest = widest
        self.size = widest
        self._clock = clock
        self._out = 0
        self._clean = 0
        self._held_until = 0.0
        self._room = asyncio.Condition()

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a place, and hold it."""
        async with self._room:
            await self._room.wait_for(lambda: self._out < self.size)
            self._out += 1
        try:
            yield
        finally:
            self._out -= 1
            async with self._room:
                self._room.notify_all()

    def refused(self) -> None:
        """Hear that the service has refused a request for there being too many."""
        self._clean = 0
        if self._clock() >= self._held_until:
            self._held_until = self._clock() + HOLD
            self.size = max(1, self.size // 2)

    def brought(self) -> None:
        """Hear that a brief has come without a refusal."""
        self._clean += 1
        if self._clean >= self.size and self.size < self.widest:
            self._clean = 0
            self.size += 1
