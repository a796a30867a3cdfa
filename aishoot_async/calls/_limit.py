"""Pure: how many requests may be on their way at once. Additive increase, multiplicative decrease, and a memory.

    what came back                              the limit
    ------------------------------------------------------------------------------------------------------------
    an answer, while the limit was in use       grows by one a round, up to the most; but see the last row
    408, 429, 503, a time-out                   times 0.7, once for all requests that were admitted before the cut
    429, with n on their way                    besides: n is too many. The limit grows to n - 1, and is quiet there
                                                for 200 answers before it tries n; twice as long after each time that
                                                n is refused again
    anything else                               stays

The memory is what keeps a bulk job near a service's own limit from being refused again and again: plain additive
increase would run into it once a round.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from ..errors import APIStatusError, CallTimeoutError, ServerError, TransportError

DECREASE: Final = 0.7
_QUIET: Final = 200
_QUIET_AT_MOST: Final = 1600
# With nothing else on its way, a refused request says that requests come too fast, not that they are too many.
_FEWEST_TOO_MANY: Final = 2


class Outcome(Enum):
    """What an attempt says about how many there may be."""

    ANSWERED = auto()
    TOO_MANY = auto()
    STRAINED = auto()
    NOTHING = auto()


def outcome_of(failure: TransportError | APIStatusError) -> Outcome:
    """Look a failed attempt up in the table above."""
    if isinstance(failure, APIStatusError):
        usual = Outcome.NOTHING if isinstance(failure, ServerError) else Outcome.ANSWERED
        return {408: Outcome.STRAINED, 429: Outcome.TOO_MANY, 503: Outcome.STRAINED}.get(failure.status, usual)
    return Outcome.STRAINED if isinstance(failure, CallTimeoutError) and failure.maybe_sent else Outcome.NOTHING


class Admission(NamedTuple):
    """What was so when a request was let in.

    Attributes:
        level: how many were on their way, with this one.
        cuts: how often the limit had been cut.
    """

    level: int
    cuts: int


class AdaptiveLimit:
    """The limit of one session."""

    def __init__(self, most: int) -> None:
        """Begin with the most there may be."""
        self._most = most
        self._limit = float(most)
        self._cuts = 0
        self._too_many: int | None = None
        self._last_refused: int | None = None
        self._quiet = 0
        self._quiet_needed = _QUIET

    @property
    def value(self) -> int:
        """How many requests may be on their way at once."""
        return int(self._limit)

    def admit(self, level: int) -> Admission:
        """Note what is so while a request is let in as number ``level``."""
        return Admission(level, self._cuts)

    def note(self, admission: Admission, outcome: Outcome) -> None:
        """Learn from what an admitted request came to."""
        if outcome is Outcome.ANSWERED:
            if admission.level >= self.value:
                self._grow()
        elif outcome is Outcome.TOO_MANY:
            self._cut(admission, min(self._limit, admission.level))
            self._remember(max(_FEWEST_TOO_MANY, admission.level))
        elif outcome is Outcome.STRAINED:
            self._cut(admission, self._limit)

    def _grow(self) -> None:
        grown = min(self._most, self._limit + 1 / self._limit)
        if self._too_many is None or int(grown) < self._too_many:
            self._limit = grown
            return
        self._quiet += 1
        if self._quiet >= self._quiet_needed:
            self._too_many = None

    def _cut(self, admission: Admission, limit: float) -> None:
        if admission.cuts == self._cuts:
            self._cuts += 1
            self._limit = max(1.0, limit * DECREASE)

    def _remember(self, level: int) -> None:
        if self._too_many is not None and level >= self._too_many:
            return
        again = self._too_many is None and self._last_refused is not None and level <= self._last_refused
        self._quiet_needed = min(2 * self._quiet_needed, _QUIET_AT_MOST) if again else _QUIET
        self._too_many = self._last_refused = level
        self._quiet = 0
        self._limit = max(1.0, min(self._limit, level - 1))
