"""Pure: whether a failed attempt is made again, and after how long.

    what happened                                    GET HEAD PUT DELETE    POST
    ------------------------------------------------------------------------------
    no connection was obtained                       again                  again
    connection lost, time-out, broken answer         again                  never
    408, 500, 502, 503, 504                          again                  never
    429                                              again                  again
    too large; any other status                      never                  never

"Never" for a POST, because the service may have created what it was asked for, and there is no idempotency key.
(401 is not here: it is answered with a new token, once.)
"""

from collections.abc import Callable
from typing import Final

from ..config import RetryPolicy
from ..errors import APIStatusError, ResponseTooLargeError, TransportError

REPEATABLE_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
_NOT_DONE: Final = frozenset({429})


def may_repeat(method: str, failure: TransportError | APIStatusError) -> bool:
    """Look the failure up in the table above."""
    if isinstance(failure, ResponseTooLargeError):
        return False
    if isinstance(failure, APIStatusError):
        return failure.status in (_PASSING if method in REPEATABLE_METHODS else _NOT_DONE)
    return not failure.maybe_sent or method in REPEATABLE_METHODS


def wait_before_next(
    policy: RetryPolicy,
    method: str,
    failure: TransportError | APIStatusError,
    *,
    number: int,
    time_left: float,
    random: Callable[[], float],
) -> float | None:
    """Give the seconds to wait before the next attempt, or ``None`` when there is none.

    Args:
        policy: the session's.
        method: the request's method.
        failure: what the attempt came to.
        number: how many attempts have been made.
        time_left: seconds until the call's deadline.
        random: gives a number from 0 to 1.
    """
    if number >= policy.attempts or not may_repeat(method, failure):
        return None
    # The exponent is bounded: 2.0 ** 1024 overflows.
    wait = random() * min(policy.backoff_max, policy.backoff * 2.0 ** min(number - 1, 60))
    if isinstance(failure, APIStatusError) and failure.retry_after is not None:
        wait = max(wait, min(failure.retry_after, policy.backoff_max))
    return wait if wait < time_left else None
