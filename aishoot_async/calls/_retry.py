"""Pure: whether a failed attempt is retried, and after which delay. No I/O, no clock.

    what happened                                    GET HEAD PUT DELETE    POST
    ------------------------------------------------------------------------------
    no connection was obtained                       again                  again
    connection lost, time-out, broken answer         again                  never
    408, 500, 502, 503, 504                          again                  never
    429                                              again                  again
    too large; any other status                      never                  never

"Never" for a POST, because the service may have created the SKU, and there is no idempotency key. (401 is not here: it
is retried with a new token, once.) A POST whose outcome can be verified, an upload, is like a PUT.

    what happened                                    the delay before attempt n, of step = backoff * 2 ** (n - 2)
    ------------------------------------------------------------------------------------------------------------
    429 while others were in flight                  0 to step; before the second attempt a tenth of it: fewer will be
                                                     in flight, which is all that the service asks for
    429 while no other was in flight                 half of step to step: even one is too fast
    all else                                         0 to step (full jitter)
    any of these with Retry-After                    not less than that

A step and a Retry-After are at most ``backoff_max``. If the delay would outlast the deadline, the call fails at once.

Every retry takes one from the session's `RetryBudget`. In an outage the traffic is the number of calls plus that
budget, so the clients of a service do not keep it down.
"""

from collections.abc import Callable
from typing import Final

from ..config import RetryPolicy
from ..errors import APIStatusError, RateLimitedError, ResponseTooLargeError, TransportError

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})
LATER: Final = frozenset({429, 503})
"""These are about the service and not about one request: their ``Retry-After`` pauses all requests of a session."""
_NOT_DONE: Final = frozenset({429})
_QUICK: Final = 0.1
_REWARD: Final = 0.2


def is_retryable(method: str, failure: TransportError | APIStatusError) -> bool:
    """Tell whether a failed attempt may be retried, by the first table above."""
    if isinstance(failure, ResponseTooLargeError):
        return False
    if isinstance(failure, APIStatusError):
        return failure.status in (_TRANSIENT if method in IDEMPOTENT_METHODS else _NOT_DONE)
    return not failure.maybe_sent or method in IDEMPOTENT_METHODS


def retry_after_delay(policy: RetryPolicy, failure: TransportError | APIStatusError) -> float:
    """Return the ``Retry-After`` of a response in seconds, clamped; 0 without one."""
    asked = failure.retry_after if isinstance(failure, APIStatusError) else None
    return 0.0 if asked is None else min(asked, policy.backoff_max)


def backoff_delay(
    policy: RetryPolicy,
    failure: TransportError | APIStatusError,
    *,
    number: int,
    in_flight: int,
    time_left: float,
    random: Callable[[], float],
) -> float | None:
    """Return the seconds to wait before the next attempt, or ``None`` if the deadline comes first.

    Args:
        policy: the session's policy.
        failure: the error of the attempt.
        number: how many attempts have been made.
        in_flight: how many requests were in flight with it, itself included.
        time_left: seconds until the call's deadline.
        random: returns a number from 0 to 1.
    """
    # The exponent is bounded: 2.0 ** 1024 overflows.
    step = min(policy.backoff_max, policy.backoff * 2.0 ** min(number - 1, 60))
    wait = random() * step
    if isinstance(failure, RateLimitedError):
        if in_flight == 1:
            wait = (step + wait) / 2
        elif number == 1:
            wait *= _QUICK
    wait = max(wait, retry_after_delay(policy, failure))
    return wait if wait < time_left else None


class RetryBudget:
    """How many retries a session has left.

    An answered call gives back what its own retries took, and a fifth of one more. So the budget runs out if more than
    about half of all attempts fail, and fills again when the service answers.
    """

    def __init__(self, maximum: int) -> None:
        """Begin at the maximum."""
        self._max = maximum
        self._left = float(maximum)

    def try_acquire(self) -> bool:
        """Take one retry; return False if none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def release(self, repetitions: int) -> None:
        """Give the retries of an answered call back."""
        self._left = min(self._max, self._left + repetitions + _REWARD)
