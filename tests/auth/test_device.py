"""How a device login is polled (RFC 8628), with a clock that nobody waits for."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import (
    AuthError,
    CallTimeoutError,
    ConnectError,
    LoginRejectedError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from aishoot_async.auth import DevicePrompt, Secret
from aishoot_async.auth._device import LONGEST_WAIT, wait_for_tokens
from aishoot_async.auth._wire import Device, Refusal, Tokens

TOKENS = Tokens(access=Secret("at"), refresh=Secret("rt"), scope=None, token_type="Bearer", expires_in=None)
PENDING, SLOW = Refusal.AUTHORIZATION_PENDING, Refusal.SLOW_DOWN
OVER_LIMIT = RateLimitedError(429, method="POST", path="/oauth/token")
FAULTS = [
    ConnectError("no connection", maybe_sent=False),
    CallTimeoutError("nothing came"),
    TransportError("cut short"),
    ServerError(503, method="POST", path="/oauth/token"),
    UnexpectedResponseError("no JSON"),
]


class World:
    """A clock, and a server that answers as it is told and then says pending for ever."""

    def __init__(self, *answers, took: float = 0.0) -> None:
        self.now = 100.0
        self.polls: list[float] = []
        self._answers = list(answers)
        self._took = took

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    async def poll(self, code: Secret):
        assert code == Secret("device-code")
        self.polls.append(self.now)
        self.now += self._took
        answer = self._answers.pop(0) if self._answers else PENDING
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self, *, interval: float = 5.0, expires_in: float = 900.0) -> Tokens:
        prompt = DevicePrompt(
            verification_uri="https://a/", verification_uri_complete=None, user_code="A", expires_in=expires_in
        )
        device = Device(code=Secret("device-code"), prompt=prompt, interval=interval)
        return asyncio.run(
            wait_for_tokens(device, self.poll, ends=100.0 + expires_in, clock=lambda: self.now, sleep=self.sleep)
        )

    @property
    def waits(self) -> list[float]:
        return [after - before for before, after in pairwise([100.0, *self.polls])]


def test_it_waits_the_interval_before_every_poll() -> None:
    world = World(PENDING, PENDING, TOKENS)
    assert world.run(interval=7.0) is TOKENS
    assert world.waits == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("slow", [SLOW, OVER_LIMIT])
def test_slow_down_adds_five_seconds_for_good(slow) -> None:
    world = World(PENDING, slow, PENDING, slow, PENDING, PENDING, TOKENS)
    world.run()
    assert world.waits == [5, 5, 10, 10, 15, 15, 15]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_passing_fault_is_survived_and_backed_off_from(fault) -> None:
    world = World(PENDING, fault, fault, fault, PENDING, fault, TOKENS)
    assert world.run() is TOKENS
    assert world.waits == [5, 5, 10, 20, 40, 5, 10]


def test_the_back_off_has_a_bound_and_never_undercuts_the_interval() -> None:
    world = World(*[FAULTS[0]] * 10, TOKENS)
    world.run()
    assert max(world.waits) == LONGEST_WAIT
    world = World(*[FAULTS[0]] * 4, TOKENS)
    world.run(interval=100.0)
    assert world.waits == [100.0] * 5


@pytest.mark.parametrize(
    ("refusal", "kind", "said"),
    [
        (Refusal.ACCESS_DENIED, LoginRejectedError, "denied"),
        (Refusal.EXPIRED_TOKEN, LoginRejectedError, "not confirmed in time"),
        (Refusal.INVALID_GRANT, LoginRejectedError, "not confirmed in time"),
        (Refusal.INVALID_CLIENT, AuthError, "invalid_client"),
        (Refusal.UNAUTHORIZED_CLIENT, AuthError, "unauthorized_client"),
        (AuthError("a redirect"), AuthError, "a redirect"),
    ],
)
def test_what_ends_it(refusal, kind, said) -> None:
    world = World(PENDING, refusal, TOKENS)
    with pytest.raises(kind, match=said):
        world.run()
    assert len(world.polls) == 2


@pytest.mark.parametrize("took", [0.0, 1.0])
def test_it_stops_when_the_code_has_expired(took: float) -> None:
    world = World(took=took)
    with pytest.raises(LoginRejectedError, match="not confirmed in time"):
        world.run(expires_in=60.0)
    assert world.now == 160.0
    assert max(world.polls) < 160.0
    assert len(world.polls) == (11 if took == 0 else 10)


def test_after_faults_it_still_asks_shortly_before_the_end() -> None:
    world = World(*[FAULTS[0]] * 4, TOKENS)
    assert world.run(expires_in=100.0) is TOKENS
    assert world.waits == [5, 10, 20, 40, 5]


def test_a_code_that_lives_shorter_than_the_interval_is_never_asked_for() -> None:
    world = World(TOKENS)
    with pytest.raises(LoginRejectedError):
        world.run(expires_in=3.0)
    assert world.polls == []


@given(st.lists(st.sampled_from([PENDING, SLOW, OVER_LIMIT, *FAULTS]), max_size=60), st.floats(1, 30))
def test_it_never_polls_faster_than_it_was_told(answers, interval: float) -> None:
    world = World(*answers)
    with pytest.raises(LoginRejectedError):
        world.run(interval=interval)
    least = interval
    for wait, answer in zip(world.waits, [*answers, *[PENDING] * len(world.waits)], strict=False):
        assert wait >= least - 1e-6
        least += 5.0 * (answer in (SLOW, OVER_LIMIT))
    assert world.now == pytest.approx(1000.0)
