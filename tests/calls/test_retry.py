"""Pure: the table of what is made again, and after how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ConnectError, ResponseTooLargeError, RetryPolicy, TransportError
from aishoot_async.calls._retry import may_repeat, wait_before_next
from aishoot_async.errors import APIStatusError, CallTimeoutError

METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST"]
PASSING = {408, 429, 500, 502, 503, 504}


def answered(status: int, retry_after: float | None = None) -> APIStatusError:
    return APIStatusError(status, method="GET", path="/", retry_after=retry_after)


@pytest.mark.parametrize("method", METHODS)
def test_statuses(method: str) -> None:
    repeated = {status for status in range(100, 600) if may_repeat(method, answered(status))}
    assert repeated == ({429} if method == "POST" else PASSING)


@pytest.mark.parametrize("method", METHODS)
def test_what_happens_on_the_way(method: str) -> None:
    repeatable = method != "POST"
    assert may_repeat(method, ConnectError("refused", maybe_sent=False))
    assert may_repeat(method, CallTimeoutError("late", maybe_sent=False))
    assert may_repeat(method, TransportError("lost")) is repeatable
    assert may_repeat(method, CallTimeoutError("late")) is repeatable
    assert not may_repeat(method, ResponseTooLargeError("large"))


seconds = st.floats(min_value=0, allow_nan=False)


@given(
    st.integers(1, 10),
    st.floats(1e-9, 1e300),
    st.floats(1e-9, 1e300),
    st.none() | seconds,
    st.integers(1, 2000),
    seconds,
    st.floats(0, 1),
)
def test_a_wait_stays_within_its_bounds(
    attempts: int, backoff: float, most: float, after: float | None, number: int, left: float, dice: float
) -> None:
    policy = RetryPolicy(attempts=attempts, backoff=backoff, backoff_max=most)
    failure = answered(503, after)
    wait = wait_before_next(policy, "GET", failure, number=number, time_left=left, random=lambda: dice)
    if wait is None:
        return
    assert number < attempts
    assert 0 <= wait < left
    assert wait <= most
    assert after is None or wait >= min(after, most)


def test_full_jitter_doubles_up_to_its_cap() -> None:
    policy = RetryPolicy(attempts=100, backoff=1.0, backoff_max=5.0)

    def wait(number: int, dice: float) -> float | None:
        return wait_before_next(
            policy, "GET", TransportError("lost"), number=number, time_left=1e9, random=lambda: dice
        )

    assert [wait(number, 1.0) for number in (1, 2, 3, 4, 99)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert [wait(number, 0.5) for number in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 2.5]
    assert wait(1, 0.0) == 0.0


def test_the_last_attempt_and_the_deadline_end_it() -> None:
    policy = RetryPolicy(attempts=2, backoff=1.0)

    def wait(number: int, left: float) -> float | None:
        return wait_before_next(
            policy, "GET", TransportError("lost"), number=number, time_left=left, random=lambda: 1.0
        )

    assert wait(1, 10.0) == 1.0
    assert wait(2, 10.0) is None
    assert wait(1, 1.0) is None
