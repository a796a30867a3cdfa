"""Pure: how long a token is good, and what is done when it is asked for.

    the token held    asked for                    asked for, because the API has just refused it
    ---------------------------------------------------------------------------------------------
    ABSENT            renew it, and wait           renew it, and wait
    FRESH             give it                      renew it, and wait
    DUE               give it, renew it beside     renew it, and wait
    OVER              renew it, and wait           renew it, and wait
    REFUSED           renew it, and wait           renew it, and wait
    LAST              give it                      give it

FRESH turns DUE some minutes before its end, each token at another moment, so that many processes do not come at once;
DUE turns OVER at its end. REFUSED: the API has refused it, whatever the clock says. LAST: it was refused, and renewing
brought the same one, so there is no other. A token whose end is not known stays FRESH until it is refused.

A token that this process received is timed by its monotonic clock, from the moment it was asked for, so a wrong clock
does not matter. One that was found on disk is timed by the earlier of two witnesses: the end that stands in the file,
and the time when the file was written plus the token's life. Neither is trusted beyond the token's life. Where both
are wrong, it is renewed once too early, or the API's 401 renews it.
"""

import enum
import math
from collections.abc import Callable, Collection
from typing import Final

import attrs

from ..secret import Secret

AHEAD: Final = 300.0  # seconds before its end, at least, that a token is renewed; of a short life a tenth
PAUSE: Final = 30.0  # seconds, about, until a renewal ahead of time that failed is tried again
Random = Callable[[], float]


class Life(enum.Enum):
    """The rows of the table."""

    ABSENT = enum.auto()
    FRESH = enum.auto()
    DUE = enum.auto()
    OVER = enum.auto()
    REFUSED = enum.auto()
    LAST = enum.auto()


class Step(enum.Enum):
    """The entries of the table."""

    GIVE = enum.auto()
    RENEW_BESIDE = enum.auto()
    RENEW = enum.auto()


_TABLE: Final = {
    Life.ABSENT: (Step.RENEW, Step.RENEW),
    Life.FRESH: (Step.GIVE, Step.RENEW),
    Life.DUE: (Step.RENEW_BESIDE, Step.RENEW),
    Life.OVER: (Step.RENEW, Step.RENEW),
    Life.REFUSED: (Step.RENEW, Step.RENEW),
    Life.LAST: (Step.GIVE, Step.GIVE),
}


@attrs.frozen(kw_only=True)
class Held:
    """An access token and its times, by a monotonic clock.

    Attributes:
        access: the token.
        due_at: when to renew it; infinite when its end is not known.
        over_at: when it ends.
        last: whether renewing it brought the same one.
    """

    access: Secret
    due_at: float = math.inf
    over_at: float = math.inf
    last: bool = False


def hold(access: Secret, left: float | None, life: float | None, *, now: float, random: Random) -> Held:
    """Set the times of a token that is good for ``left`` seconds of its whole ``life``; ``None`` when not known."""
    if left is None:
        return Held(access=access)
    ahead = min(AHEAD, (left if life is None else life) / 10) * (1.0 + random())
    return Held(access=access, due_at=now + left - ahead, over_at=now + left)


def postponed(held: Held, *, now: float, random: Random) -> Held:
    """Renew it later, after a renewal ahead of time that failed."""
    return attrs.evolve(held, due_at=now + PAUSE * (0.5 + random()))


def left_on_disk(
    *, expires_in: float | None, expires_at: float | None, written_at: float | None, now: float
) -> float | None:
    """Give the seconds that a token in a file is good for, by the wall clock; ``None`` when nothing says so."""
    witnesses: list[float] = []
    if expires_at is not None:
        witnesses.append(expires_at - now)
    if expires_in is not None and written_at is not None:
        witnesses.append(written_at + expires_in - now)
    if not witnesses:
        return None
    return min(*witnesses, math.inf if expires_in is None else expires_in)


def life_of(held: Held | None, refused: Collection[Secret], now: float) -> Life:
    """Find the row."""
    if held is None:
        return Life.ABSENT
    if held.last:
        return Life.LAST
    if held.access in refused:
        return Life.REFUSED
    if now >= held.over_at:
        return Life.OVER
    return Life.DUE if now >= held.due_at else Life.FRESH


def next_step(life: Life, *, just_refused: bool) -> Step:
    """Look it up in the table."""
    return _TABLE[life][just_refused]
