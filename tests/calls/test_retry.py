"""Pure: the table of what is made again, and after how long."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ConnectError, RateLimitedError, ResponseTooLargeError, RetryPolicy, TransportError
from aishoot_async.calls._retry import RetryBudget, backoff_delay, is_retryable, retry_after_delay
from aishoot_async.errors import APIStatusError, CallTimeoutError

METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST"]
PASSING = {408, 429, 500, 502, 503, 504}


def answered(status: int, retry_after: float | None = None) -> APIStatusError:
    kind = RateLimitedError if status == 429 else APIStatusError
    return kind(status, method="GET", path="/", retry_after=retry_after)


@pytest.mark.parametrize("method", METHODS)
def test_statuses(method: str) -> None:
    repeated = {status for status in range(100, 600) if is_retryable(method, answered(status))}
    assert repeated == ({429} if method == "POST" else PASSING)


@pytest.mark.parametrize("method", METHODS)
def test_what_happens_on_the_way(method: str) -> None:
    repeatable = method != "POST"
    assert is_retryable(method, ConnectError("refused", maybe_sent=False))
    assert is_retryable(method, CallTimeoutError("late", maybe_sent=False))
    assert is_retryable(method, TransportError("lost")) is repeatable
    assert is_retryable(method, CallTimeoutError("late")) is repeatable
    assert not is_retryable(method, ResponseTooLargeError("large"))


seconds = st.floats(min_value=0, allow_nan=False)


@given(
    st.floats(1e-9, 1e300),
    st.floats(1e-9, 1e300),
    st.sampled_from([429, 503]),
    st.none() | seconds,
    st.integers(1, 2000),
    st.integers(1, 64),
    seconds,
    st.floats(0, 1),
)
def test_a_wait_stays_within_its_bounds(
    backoff: float,
    most: float,
    status: int,
    after: float | None,
    number: int,
    level: int,
    left: float,
    dice: float,
) -> None:
    policy = RetryPolicy(backoff=backoff, backoff_max=most)
    failure = answered(status, after)
    wait = backoff_delay(policy, failure, number=number, in_flight=level, time_left=left, random=lambda: dice)
    asked = retry_after_delay(policy, failure)
    assert asked == (0 if after is None else min(after, most))
    if wait is None:
        return
    assert 0 <= wait < left
    assert asked <= wait <= most


def wait(
    number: int,
    dice: float,
    *,
    failure: TransportError | APIStatusError = TransportError("lost"),  # noqa: B008
    level: int = 8,
    left: float = 1e9,
) -> float | None:
    policy = RetryPolicy(backoff=1.0, backoff_max=5.0)
    return backoff_delay(policy, failure, number=number, in_flight=level, time_left=left, random=lambda: dice)


def test_full_jitter_doubles_up_to_its_cap() -> None:
    assert [wait(number, 1.0) for number in (1, 2, 3, 4, 99)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert [wait(number, 0.5) for number in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 2.5]
    assert wait(1, 0.0) == 0.0


def test_a_refusal_among_others_is_tried_again_soon() -> None:
    crowded = answered(429)
    assert [wait(number, 1.0, failure=crowded) for number in (1, 2, 3)] == [0.1, 2.0, 4.0]
    assert wait(1, 0.0, failure=crowded) == 0.0


def test_a_refusal_of_the_only_request_is_left_alone_for_half_a_step_at_least() -> None:
    alone = answered(429)
    assert [wait(number, 0.0, failure=alone, level=1) for number in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert [wait(number, 1.0, failure=alone, level=1) for number in (1, 2, 3)] == [1.0, 2.0, 4.0]


def test_what_the_service_asks_for_is_kept_up_to_the_cap() -> None:
    for status in (429, 503):
        assert wait(1, 0.0, failure=answered(status, 3.0)) == 3.0
        assert wait(1, 0.0, failure=answered(status, 1e9)) == 5.0


def test_the_deadline_ends_it() -> None:
    assert wait(1, 1.0, left=1.1) == 1.0
    assert wait(1, 1.0, left=1.0) is None


def test_without_answers_the_budget_is_spent_once() -> None:
    budget = RetryBudget(100)
    assert sum(budget.try_acquire() for _ in range(1000)) == 100


def test_what_is_answered_gives_back_what_it_took_and_a_fifth() -> None:
    budget = RetryBudget(3)
    assert [budget.try_acquire() for _ in range(4)] == [True, True, True, False]
    budget.release(2)
    assert [budget.try_acquire() for _ in range(3)] == [True, True, False]
    for _ in range(5):
        budget.release(0)
    assert [budget.try_acquire() for _ in range(2)] == [True, False]
    for _ in range(1000):
        budget.release(3)
    assert [budget.try_acquire() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(("share", "lasts"), [(0.05, True), (0.3, True), (0.45, True), (0.8, False)])
def test_the_budget_outlasts_scattered_faults_and_no_breaker(share: float, lasts: bool) -> None:  # noqa: FBT001
    dice, budget, refused = random.Random(1), RetryBudget(100), 0
    for _ in range(5000):
        repetitions = 0
        while (failed := dice.random() < share) and repetitions < 3 and not refused:
            repetitions += 1
            refused += not budget.try_acquire()
        if not failed:
            budget.release(repetitions)
    assert (refused == 0) is lasts
