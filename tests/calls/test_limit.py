"""Pure: the adaptive limit, by its table and by simulation."""

import heapq
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import CallTimeoutError, ConnectError, TransportError
from aishoot_async.calls._limit import AdaptiveLimit, Outcome, Permit, outcome_of
from aishoot_async.errors import APIStatusError, AuthenticationError, RateLimitedError, ServerError


def answered(status):
    kind = RateLimitedError if status == 429 else ServerError if status >= 500 else APIStatusError
    return kind(status, method="GET", path="/")


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (answered(429), Outcome.RATE_LIMITED),
        (answered(503), Outcome.OVERLOADED),
        (answered(408), Outcome.OVERLOADED),
        (answered(500), Outcome.IGNORED),
        (answered(502), Outcome.IGNORED),
        (answered(404), Outcome.ANSWERED),
        (AuthenticationError(401, method="GET", path="/"), Outcome.ANSWERED),
        (CallTimeoutError("nothing came"), Outcome.OVERLOADED),
        (CallTimeoutError("not admitted", maybe_sent=False), Outcome.IGNORED),
        (ConnectError("refused", maybe_sent=False), Outcome.IGNORED),
        (TransportError("lost"), Outcome.IGNORED),
    ],
)
def test_what_an_attempt_says(failure, outcome):
    assert outcome_of(failure) is outcome


def test_it_is_cut_once_for_all_that_were_on_their_way():
    limit = AdaptiveLimit(20)
    permits = [limit.admit(level) for level in range(1, 21)]
    for permit in permits:
        limit.note(permit, Outcome.OVERLOADED)
    assert limit.value == 14
    limit.note(limit.admit(14), Outcome.OVERLOADED)
    assert limit.value == 9


def test_it_grows_by_one_a_round_and_only_while_it_is_used():
    limit = AdaptiveLimit(20)
    limit.note(limit.admit(20), Outcome.OVERLOADED)
    for _ in range(100):
        limit.note(limit.admit(3), Outcome.ANSWERED)
    assert limit.value == 14
    for _ in range(15):
        limit.note(limit.admit(limit.value), Outcome.ANSWERED)
    assert limit.value == 15
    for _ in range(1000):
        limit.note(limit.admit(limit.value), Outcome.ANSWERED)
    assert limit.value == 20


def test_it_remembers_how_many_were_too_many():
    limit = AdaptiveLimit(64)
    limit.note(limit.admit(7), Outcome.RATE_LIMITED)
    tried = []
    for answers in range(1, 3000):
        if limit.value == 7:
            tried.append(answers)
            limit.note(limit.admit(7), Outcome.RATE_LIMITED)
        limit.note(limit.admit(limit.value), Outcome.ANSWERED)
    assert tried[0] >= 200
    gaps = [later - sooner for sooner, later in itertools.pairwise(tried)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 800


def test_it_grows_on_when_more_are_no_longer_too_many():
    limit = AdaptiveLimit(20)
    limit.note(limit.admit(7), Outcome.RATE_LIMITED)
    for _ in range(500):
        limit.note(limit.admit(limit.value), Outcome.ANSWERED)
    assert limit.value == 20


moves = st.lists(st.tuples(st.integers(1, 64), st.integers(0, 3), st.sampled_from(Outcome)))


@given(st.integers(1, 64), moves)
def test_it_stays_between_one_and_the_most(most, moves):
    limit = AdaptiveLimit(most)
    for level, ago, outcome in moves:
        limit.note(Permit(level, max(0, limit.admit(level).epoch - ago)), outcome)
        assert 1 <= limit.value <= most


class Simulation:
    """A service that takes ``room`` requests at once and refuses more, under a job that always has one more."""

    def __init__(self, limit, room, dice):
        self.limit, self.room, self.dice = limit, room, dice
        self.now = self.busy = self.in_flight = self.refused = self.answered = 0
        self.events = []

    def run(self, answers):
        while self.answered < answers:
            while self.in_flight < self.limit.value:
                self.send()
            self.now, _, taken, permit = heapq.heappop(self.events)
            self.in_flight -= 1
            self.busy -= taken
            self.answered += taken
            self.refused += not taken
            self.limit.note(permit, Outcome.ANSWERED if taken else Outcome.RATE_LIMITED)
        return self

    def send(self):
        self.in_flight += 1
        taken = self.busy < self.room
        self.busy += taken
        takes = (1 if taken else 0.1) * (1 + self.dice.random() / 5)
        heapq.heappush(self.events, (self.now + takes, self.dice.random(), taken, self.limit.admit(self.in_flight)))


@pytest.mark.parametrize("room", [1, 2, 6, 20, 50])
@pytest.mark.parametrize("seed", range(5))
def test_near_a_service_s_limit_few_are_refused_and_little_is_lost(room, seed):
    ours = Simulation(AdaptiveLimit(64), room, random.Random(seed)).run(2000)
    best = Simulation(AdaptiveLimit(room), room, random.Random(seed)).run(2000)
    assert ours.refused / (ours.refused + ours.answered) < 0.05
    assert best.now / ours.now > 0.85
