"""An event loop whose clock leaps to the next timer whenever nothing else happens: hours pass in milliseconds."""

import asyncio
import selectors
import time
from typing import Any

# What a peer on the same loop answers comes at once; so long is waited to be sure that nothing does.
_GRACE = 0.004


class _LeapingSelector(selectors.DefaultSelector):
    leapt = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= _GRACE:
            return super().select(timeout)
        events = super().select(_GRACE)
        if not events:
            self.leapt += timeout - _GRACE
        return events


class LeapingLoop(asyncio.SelectorEventLoop):
    """For servers and clients of one loop; work in other threads would be leapt over."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return time.monotonic() + self._leaping.leapt


LEAPING = ("asyncio", {"loop_factory": LeapingLoop})
"""A backend for anyio's pytest plugin."""
