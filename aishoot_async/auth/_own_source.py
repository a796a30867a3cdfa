"""A user's own source of tokens, in the hands of one session: asked once for each token that was refused.

Many calls are on their way with one token, and the API refuses them all when it ends. The source hears of it once; what
it answers, a token or an error, is for all of them, also for those whose refusal comes a little later.
"""

import inspect
from typing import Final

from ..concurrency import SingleFlight
from ..errors import AuthError, ConfigurationError, SessionClosedError
from ..secret import Secret
from ._means import Means
from ._reentry import asking, check_reentry
from ._source import TokenSource

_REMEMBERED: Final = 8  # refused tokens, and what came in their stead


class OwnSource:
    """Asks a user's source, and checks what it gives."""

    def __init__(self, source: TokenSource, means: Means) -> None:
        """Keep both; ask nothing yet."""
        self.source = source
        self._means = means
        self._last = Secret("-")
        self._renewing: SingleFlight[Secret, Secret] = SingleFlight(self._cut_off)
        self._newer: dict[Secret, Secret] = {}
        self._renewals = 0

    def __repr__(self) -> str:
        """Show the source."""
        return repr(self.source)

    async def token(self, rejected: str | None = None) -> str:
        """See `TokenSource.token`.

        Raises:
            AuthError: the source makes a call that needs its own token.
            ConfigurationError: it gives what cannot be a token.
            Exception: whatever it raises.
        """
        refused, rejected = None if rejected is None else Secret(rejected), None  # a traceback may show this frame
        check_reentry(self.source)
        return (await (self._current() if refused is None else self._other_than(refused))).reveal()

    async def _current(self) -> Secret:
        before = self._renewals
        token = await self._ask(None)
        if before == self._renewals:
            self._newer.pop(token, None)  # the source holds it for good again
        return token

    async def _other_than(self, refused: Secret) -> Secret:
        if refused in self._newer:
            while refused in self._newer:
                refused = self._newer[refused]
            return refused
        return await self._renewing.run(refused, lambda: self._means.spawn_until_closed(self._renew(refused)))

    def _cut_off(self) -> SessionClosedError | AuthError:
        if self._means.closed():
            return SessionClosedError("the session is closed")
        return AuthError("the renewal of the login was cut off")

    async def _renew(self, refused: Secret) -> Secret:
        token = await self._ask(refused)
        self._renewals += 1
        self._newer.pop(token, None)  # so that no two lead to each other
        if token != refused:
            self._newer[refused] = token
            if len(self._newer) > _REMEMBERED:
                del self._newer[next(iter(self._newer))]
        return token

    async def _ask(self, refused: Secret | None) -> Secret:
        with asking(self.source):
            given: object = self.source.token(None if refused is None else refused.reveal())
            if inspect.isawaitable(given):
                given = await given
        try:
            self._last = self._last.or_other(given)
        except ConfigurationError as error:
            problem = f"{type(self.source).__name__}.token() gave a {type(given).__name__}: {error}"
        else:
            return self._last
        finally:
            del given  # a traceback may show this frame's variables
        raise ConfigurationError(problem)
