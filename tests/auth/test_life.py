"""How long a token is good, and what is done when it is asked for: all of it without a clock."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aishoot_async.auth import Secret
from aishoot_async.auth._life import AHEAD, Life, Step, hold, left_on_disk, life_of, next_step, postponed

TOKEN, OTHER = Secret("token"), Secret("other")
DAY = 86_400.0
moments = st.floats(0, 1e10)
lives = st.floats(1, 1e7)
chances = st.floats(0, 1)


@pytest.mark.parametrize(
    ("life", "asked", "refused"),
    [
        (Life.ABSENT, Step.RENEW, Step.RENEW),
        (Life.FRESH, Step.GIVE, Step.RENEW),
        (Life.DUE, Step.RENEW_BESIDE, Step.RENEW),
        (Life.OVER, Step.RENEW, Step.RENEW),
        (Life.REFUSED, Step.RENEW, Step.RENEW),
        (Life.LAST, Step.GIVE, Step.GIVE),
    ],
)
def test_the_table(life: Life, asked: Step, refused: Step) -> None:
    assert (next_step(life, just_refused=False), next_step(life, just_refused=True)) == (asked, refused)


@given(moments, lives, chances)
def test_a_token_is_fresh_then_due_then_over(now: float, life: float, chance: float) -> None:
    held = hold(TOKEN, life, life, now=now, random=lambda: chance)
    assert now < held.due_at < held.over_at == now + life
    assert life_of(held, [], now) is Life.FRESH
    assert life_of(held, [], held.due_at) is Life.DUE
    assert life_of(held, [], held.over_at) is Life.OVER
    assert life_of(held, [OTHER, TOKEN], now) is Life.REFUSED
    assert life_of(held, [OTHER], now) is Life.FRESH
    assert life_of(None, [], now) is Life.ABSENT


@given(chances)
def test_it_is_renewed_some_minutes_ahead_and_not_by_all_at_once(chance: float) -> None:
    held = hold(TOKEN, DAY, DAY, now=0.0, random=lambda: chance)
    assert DAY - 2 * AHEAD <= held.due_at <= DAY - AHEAD
    assert held.due_at == DAY - AHEAD * (1 + chance)


def test_a_token_without_an_end_is_good_until_it_is_refused() -> None:
    held = hold(TOKEN, None, None, now=0.0, random=lambda: 0.5)
    assert life_of(held, [], math.nextafter(math.inf, 0)) is Life.FRESH
    assert life_of(held, [TOKEN], 0.0) is Life.REFUSED


@given(moments, lives, chances)
def test_after_a_renewal_that_failed_it_waits(now: float, life: float, chance: float) -> None:
    held = hold(TOKEN, life, life, now=now, random=lambda: chance)
    later = postponed(held, now=held.due_at, random=lambda: chance)
    assert later.due_at - held.due_at + 1e-5 * now >= 15
    assert later.over_at == held.over_at


@given(moments, lives)
def test_where_the_clock_is_right_both_witnesses_agree(written_at: float, life: float) -> None:
    for age in (0.0, life / 2, life, 2 * life):
        left = left_on_disk(expires_in=life, expires_at=written_at + life, written_at=written_at, now=written_at + age)
        assert left == pytest.approx(life - age, abs=1e-4)


@given(st.one_of(st.none(), lives), st.one_of(st.none(), moments), st.one_of(st.none(), moments), moments)
def test_whatever_stands_there_it_is_never_trusted_beyond_its_life(expires_in, expires_at, written_at, now) -> None:
    left = left_on_disk(expires_in=expires_in, expires_at=expires_at, written_at=written_at, now=now)
    witnesses = (expires_at is not None) or (expires_in is not None and written_at is not None)
    assert (left is None) is not witnesses
    if left is not None and expires_in is not None:
        assert left <= expires_in


@pytest.mark.parametrize("wrong_by", [-DAY, DAY])
def test_a_clock_that_is_wrong_all_the_time_does_not_matter(wrong_by: float) -> None:
    now = 2e9 + wrong_by
    left = left_on_disk(expires_in=DAY, expires_at=now + DAY, written_at=now, now=now + 60)
    assert left == DAY - 60


@given(moments, lives, lives)
def test_of_two_witnesses_the_earlier_counts(written_at: float, life: float, shift: float) -> None:
    assume(shift < life)
    soon = left_on_disk(expires_in=life, expires_at=written_at + life - shift, written_at=written_at, now=written_at)
    late = left_on_disk(expires_in=life, expires_at=written_at + life + shift, written_at=written_at, now=written_at)
    assert soon == pytest.approx(life - shift, abs=1e-4)
    assert late == pytest.approx(life, abs=1e-4)
