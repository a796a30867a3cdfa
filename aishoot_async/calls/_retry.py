"""Pure: whether a failed attempt is made again, and after how long. No I/O, no clock.

    what happened                                    GET HEAD PUT DELETE    POST
    ------------------------------------------------------------------------------
    no connection was obtained                       again                  again
    connection lost, time-out, broken answer         again                  never
    408, 500, 502, 503, 504                          again                  never
    429                                              again                  again
    too large; any other status                      never                  never

"Never" for a POST, because the service may have created what it was asked for, and there is no idempotency key.
(401 is not here: it is answered with a new token, once.) A POST that can be looked up, an upload, is like a PUT.

    what happened                                    the wait before attempt n, of step = backoff * 2 ** (n - 2)
    ------------------------------------------------------------------------------------------------------------
    429 while others were on their way               0 to step; before the second attempt a tenth of it: there will be
                                                     fewer on their way, which is all that it asks for
    429 while no other was on its way                half of step to step: even one is too fast
    all else                                         0 to step (full jitter)
    any of these with Retry-After                    not less than that

A step, and a Retry-After, is at most ``backoff_max``. A wait that would outlast the deadline is none: the call fails.

Every repetition spends one of the session's `RetryBudget`. So when nothing is answered, the traffic stays what it was
plus that budget, however many calls there are, and the service is not kept down by its own clients.
"""

from collections.abc import Callable
from typing import Final

from ..config import RetryPolicy
from ..errors import APIStatusError, RateLimitedError, ResponseTooLargeError, TransportError

REPEATABLE_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
LATER: Final = frozenset({429, 503})
"""These are about the service, and not about one request: their ``Retry-After`` is for all requests of a session."""
_NOT_DONE: Final = frozenset({429})
_QUICK: Final = 0.1
_REWARD: Final = 0.2


def may_repeat(method: str, failure: TransportError | APIStatusError) -> bool:
    """Look the failure up in the first table above."""
    if isinstance(failure, ResponseTooLargeError):
        return False
    if isinstance(failure, APIStatusError):
        return failure.status in (_PASSING if method in REPEATABLE_METHODS else _NOT_DONE)
    return not failure.maybe_sent or method in REPEATABLE_METHODS


def pause_asked_for(policy: RetryPolicy, failure: TransportError | APIStatusError) -> float:
    """Give the seconds for which the service wants to be left alone: its ``Retry-After``, clamped."""
    asked = failure.retry_after if isinstance(failure, APIStatusError) else None
    return 0.0 if asked is None else min(asked, policy.backoff_max)


def wait_before_next(
    policy: RetryPolicy,
    failure: TransportError | APIStatusError,
    *,
    number: int,
    level: int,
    time_left: float,
    random: Callable[[], float],
) -> float | None:
    """Give the seconds to wait before the next attempt, or ``None`` when the deadline leaves no room for it.

    Args:
        policy: the session's.
        failure: what the attempt came to.
        number: how many attempts have been made.
        level: how many requests were on their way with it.
        time_left: seconds until the call's deadline.
        random: gives a number from 0 to 1.
    """
    # The exponent is bounded: 2.0 ** 1024 overflows.
    step = min(policy.backoff_max, policy.backoff * 2.0 ** min(number - 1, 60))
    wait = random() * step
    if isinstance(failure, RateLimitedError):
        if level == 1:
            wait = (step + wait) / 2
        elif number == 1:
            wait *= _QUICK
    wait = max(wait, pause_asked_for(policy, failure))
    return wait if wait < time_left else None


class RetryBudget:
    """How many repetitions a session has left.

    A call that is answered gives back what its own repetitions took, and a fifth of one more: the budget runs out when
    more than about half of all attempts come to nothing, and fills again when the service does.
    """

    def __init__(self, most: int) -> None:
        """Begin with as much as there may be."""
        self._most = most
        self._left = float(most)

    def take(self) -> bool:
        """Take one repetition, or say that there is none."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self, repetitions: int) -> None:
        """Hear of a call that was answered, after so many repetitions."""
        self._left = min(self._most, self._left + repetitions + _REWARD)
