"""How many briefs are out at once. Additive increase, multiplicative decrease, as congestion control has it."""

from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter

HOLD: Final = 5.0
"""Seconds in which refusals count as one: those of requests that were on their way together."""


class Window:
    """Halved when the service refuses; one wider when as many briefs as it has room for have come without.

    Attributes:
        widest: briefs at most.
        place: what a brief takes while it is out.
    """

    def __init__(self, widest: int, clock: Callable[[], float]) -> None:
        """Begin as wide as it can be."""
        self.widest = widest
        self.place = CapacityLimiter(widest)
        self._clock = clock
        self._clean = 0
        self._held_until = 0.0

    @property
    def size(self) -> int:
        """How wide it is."""
        return int(self.place.total_tokens)

    def refused(self) -> None:
        """Halve the window: the service has refused a request (429)."""
        self._clean = 0
        if self._clock() >= self._held_until:
            self._held_until = self._clock() + HOLD
            self.place.total_tokens = max(1, self.size // 2)

    def brought(self) -> None:
        """Count a brief that came without a refusal."""
        self._clean += 1
        if self._clean >= self.size and self.size < self.widest:
            self._clean = 0
            self.place.total_tokens = self.size + 1
