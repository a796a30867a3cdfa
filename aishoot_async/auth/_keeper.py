"""Holds the token of one login: gives it, renews it, and lets all who wait share one renewal."""

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import attrs

from ..concurrency import SingleFlight
from ..errors import AIShootError, AuthError, LoginRejectedError, SessionClosedError, WrongLoopError
from ..secret import Secret
from ._life import Held, Life, Random, Step, hold, life_of, next_step, postponed
from ._means import Means
from ._wire import Tokens

logger: Final = logging.getLogger("aishoot_async.auth")
_REMEMBERED: Final = 8  # refused tokens; an old one may come back with a file that was restored


@attrs.frozen(kw_only=True)
class Need:
    """What a renewal has to know.

    Attributes:
        means: what to renew with.
        held: the token so far.
        refused: tokens that the API has refused.
    """

    means: Means
    held: Held | None
    refused: Collection[Secret]


class Keeper:
    """One token, one renewal at a time."""

    def __init__(
        self,
        renew: Callable[[Need], Awaitable[Held]],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random = random.random,
    ) -> None:
        """Keep how to renew; hold no token yet."""
        self._renew = renew
        self._clock = clock
        self._random = random
        self._held: Held | None = None
        self._refused: deque[Secret] = deque(maxlen=_REMEMBERED)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._renewing: SingleFlight[None, Held] = SingleFlight(_cut_off)

    def __repr__(self) -> str:
        """Show nothing of the token."""
        return f"Keeper({life_of(self._held, self._refused, self._clock()).name})"

    def now(self) -> float:
        """Read the monotonic clock."""
        return self._clock()

    def is_good(self, held: Held | None) -> bool:
        """Tell whether a token is neither over nor refused."""
        return life_of(held, self._refused, self._clock()) in {Life.FRESH, Life.DUE}

    def received(self, access: Secret, tokens: Tokens, asked_at: float) -> Held:
        """Set the times of a token that has just come."""
        return hold(access, tokens.expires_in, tokens.expires_in, now=asked_at, random=self._random)

    def soon_again(self, held: Held) -> Held:
        """Let it be looked at again in a while, although it is still good."""
        later = postponed(held, now=self._clock(), random=self._random)
        return later if later.due_at < held.due_at else held

    def found(self, access: Secret, left: float | None, life: float | None) -> Held:
        """Set the times of a token that was stored."""
        return hold(access, left, life, now=self._clock(), random=self._random)

    async def ask(self, refused: Secret | None, means: Means) -> Secret:
        """Give the token, as the table of its life says.

        Raises:
            AIShootError: it had to be renewed, and could not be.
        """
        self._bind()
        if refused is not None and refused not in self._refused:
            self._refused.append(refused)
        while True:
            life = life_of(self._held, self._refused, self._clock())
            just_refused = self._held is not None and refused == self._held.access
            step = next_step(life, just_refused=just_refused)
            if self._held is not None and step is not Step.RENEW:
                if step is Step.RENEW_BESIDE:
                    self._renewing.start(None, lambda: means.spawn(self._fly(means)))
                return self._held.access
            try:
                return (await self._renewing.run(None, lambda: means.spawn(self._fly(means)))).access
            except SessionClosedError:
                if means.closed():
                    raise
                # The renewal was another session's, which closed before it sent anything.

    def _bind(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop and self._loop is not None and not self._loop.is_closed():
            # Two loops, or two processes after a fork, would renew one login at once, and lose it.
            msg = "this source of tokens is in use on another event loop or in another process; make one for each"
            raise WrongLoopError(msg)
        if self._loop is not loop:
            self._loop = loop
            self._renewing.clear()

    async def _fly(self, means: Means) -> Held:
        need = Need(means=means, held=self._held, refused=tuple(self._refused))
        try:
            held = await self._renew(need)
        except AIShootError as error:
            failure = error
        else:
            self._held = attrs.evolve(held, last=held.access in need.refused)
            return self._held
        failure.__traceback__ = None
        self._note(failure)
        raise failure

    def _note(self, failure: AIShootError) -> None:
        """Let a token that is still good live on."""
        if self._held is None or not self.is_good(self._held):
            return  # those who wait for it are told
        if isinstance(failure, LoginRejectedError):
            self._held = attrs.evolve(self._held, due_at=math.inf)
        else:
            self._held = postponed(self._held, now=self._clock(), random=self._random)
        if not isinstance(failure, SessionClosedError):
            logger.warning("the login could not be renewed ahead of its end: %s", failure)


def _cut_off() -> AuthError:
    """Make the error of those who wait for a renewal whose event loop ends."""
    return AuthError("the renewal of the login was cut off")
