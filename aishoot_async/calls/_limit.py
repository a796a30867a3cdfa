"""Pure: how many requests may be in flight at once. Additive increase, multiplicative decrease, and a memory.

    outcome                                     the limit
    ------------------------------------------------------------------------------------------------------------
    an answer, while the limit was reached      grows by one a round, up to the maximum; but see the third row
    408, 429, 503, a time-out                   is multiplied by 0.7, once for all requests admitted before the cut
    429, with n requests in flight              besides, n is too many: the limit grows to n - 1, and stays there for
                                                200 answers before it tries n; twice as long after each further 429
    anything else                               stays

The memory keeps a bulk job near a service's own limit from being refused again and again: additive increase alone would
reach that limit once a round.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from ..errors import APIStatusError, CallTimeoutError, ServerError, TransportError

DECREASE: Final = 0.7
_QUIET: Final = 200
_MAX_QUIET: Final = 1600
# With nothing else in flight, a refusal is about the rate of requests, not about their number.
_MIN_TOO_MANY: Final = 2


class Outcome(Enum):
    """What an attempt says about the limit."""

    ANSWERED = auto()
    RATE_LIMITED = auto()
    OVERLOADED = auto()
    IGNORED = auto()


def outcome_of(failure: TransportError | APIStatusError) -> Outcome:
    """Return the outcome of a failed attempt, by the table above."""
    if isinstance(failure, APIStatusError):
        usual = Outcome.IGNORED if isinstance(failure, ServerError) else Outcome.ANSWERED
        return {408: Outcome.OVERLOADED, 429: Outcome.RATE_LIMITED, 503: Outcome.OVERLOADED}.get(failure.status, usual)
    return Outcome.OVERLOADED if isinstance(failure, CallTimeoutError) and failure.maybe_sent else Outcome.IGNORED


class Permit(NamedTuple):
    """The limiter's state when a request was admitted.

    Attributes:
        in_flight: how many requests were in flight, with this one.
        epoch: how often the limit had been cut.
    """

    in_flight: int
    epoch: int


class AdaptiveLimit:
    """The limit of one session."""

    def __init__(self, maximum: int) -> None:
        """Begin at the maximum."""
        self._max = maximum
        self._limit = float(maximum)
        self._epoch = 0
        self._too_many: int | None = None
        self._last_refused: int | None = None
        self._quiet = 0
        self._quiet_needed = _QUIET

    @property
    def value(self) -> int:
        """How many requests may be in flight at once."""
        return int(self._limit)

    def admit(self, in_flight: int) -> Permit:
        """Return the permit of a request that is admitted as number ``in_flight``."""
        return Permit(in_flight, self._epoch)

    def note(self, permit: Permit, outcome: Outcome) -> None:
        """Adjust the limit to the outcome of an admitted request."""
        if outcome is Outcome.ANSWERED:
            if permit.in_flight >= self.value:
                self._grow()
        elif outcome is Outcome.RATE_LIMITED:
            self._cut(permit, min(self._limit, permit.in_flight))
            self._remember(max(_MIN_TOO_MANY, permit.in_flight))
        elif outcome is Outcome.OVERLOADED:
            self._cut(permit, self._limit)

    def _grow(self) -> None:
        grown = min(self._max, self._limit + 1 / self._limit)
        if self._too_many is None or int(grown) < self._too_many:
            self._limit = grown
            return
        self._quiet += 1
        if self._quiet >= self._quiet_needed:
            self._too_many = None

    def _cut(self, permit: Permit, limit: float) -> None:
        if permit.epoch == self._epoch:
            self._epoch += 1
            self._limit = max(1.0, limit * DECREASE)

    def _remember(self, level: int) -> None:
        if self._too_many is not None and level >= self._too_many:
            return
        again = self._too_many is None and self._last_refused is not None and level <= self._last_refused
        self._quiet_needed = min(2 * self._quiet_needed, _MAX_QUIET) if again else _QUIET
        self._too_many = self._last_refused = level
        self._quiet = 0
        self._limit = max(1.0, min(self._limit, level - 1))
