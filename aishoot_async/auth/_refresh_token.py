"""A login that is a refresh token in memory."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from ..callbacks import call_and_await
from ..errors import AuthError, ConfigurationError, LoginRejectedError
from ..secret import Secret, scrub_text
from ._keeper import Keeper, Need
from ._life import Held
from ._means import Means
from ._reentry import asking, check_reentry
from ._source import SessionSource

logger: Final = logging.getLogger("aishoot_async.auth")
OnRotate = Callable[[str], Awaitable[None]]
SECONDS: Final = 60.0  # for a callback


class RefreshToken(SessionSource):
    """A refresh token: an access token is had for it when one is needed, through the session that it is given to.

    The auth server may answer with a new refresh token, and then the old one is dead. It is kept here, and handed to
    ``on_rotate`` before the access token that came with it is used. When that callback raises, or takes more than a
    minute, nothing is lost: the caller gets an `AuthError`, and the next call hands the same token to it again. A call
    that it makes itself with this login would wait for it for ever, and is refused with an `AuthError`.

    Belongs to one event loop at a time. Two processes must not share a refresh token: use a `CredentialFile`.

    Raises:
        ConfigurationError: the token cannot be one, or ``on_rotate`` cannot be called.
    """

    def __init__(self, refresh_token: str, *, on_rotate: OnRotate | None = None) -> None:
        """Keep the token.

        Args:
            refresh_token: as the login gave it; it never shows in ``repr``.
            on_rotate: an async callback that stores a new refresh token.
        """
        try:
            self._refresh = Secret(refresh_token)
        finally:
            del refresh_token  # a traceback may show this frame's variables
        if on_rotate is not None and not callable(on_rotate):
            msg = "on_rotate must be an async callable that takes the new refresh token"
            raise ConfigurationError(msg)
        self._on_rotate = on_rotate
        self._keeper = Keeper(self._renew)
        self._handed_on = True
        self._brought: Held | None = None
        self._ended: LoginRejectedError | None = None

    def __repr__(self) -> str:
        """Hide the token."""
        return "RefreshToken([token])"

    async def ask(self, refused: Secret | None, means: Means) -> Secret:
        """Give the access token; see `SessionSource`."""
        check_reentry(self)
        return await self._keeper.ask(refused, means)

    async def _renew(self, need: Need) -> Held:
        # Before it is sent itself: what came of that would be told in its stead.
        await self._hand_on()
        if self._brought is None or self._keeper.now() >= self._brought.over_at:
            self._brought = await self._refreshed(need.means)
        held, self._brought = self._brought, None
        return held

    async def _refreshed(self, means: Means) -> Held:
        if self._ended is not None:
            raise self._ended
        means.check_open()
        asked_at = self._keeper.now()
        try:
            tokens = await means.server.refresh(self._refresh)
        except LoginRejectedError as error:
            self._ended = error
            raise
        if tokens.refresh is not None and tokens.refresh != self._refresh:
            # At once: whatever comes next, the old one is dead.
            self._refresh = tokens.refresh
            self._handed_on = self._on_rotate is None
        self._brought = None if tokens.access is None else self._keeper.received(tokens.access, tokens, asked_at)
        await self._hand_on()
        if self._brought is None:
            raise tokens.complaint()
        return self._brought

    async def _hand_on(self) -> None:
        if self._on_rotate is None or self._handed_on:
            return
        try:
            async with asyncio.timeout(SECONDS):
                with asking(self):
                    await call_and_await(self._on_rotate, self._refresh.reveal())
        except Exception as error:  # noqa: BLE001  # it is the user's code
            why = scrub_text(f"{type(error).__name__}: {error}", [self._refresh])
        else:
            self._handed_on = True
            return
        logger.error("on_rotate failed with %s; the new refresh token is kept in memory only", why)
        msg = f"on_rotate failed with {why}. The new refresh token is kept, and handed to it again with the next call"
        raise AuthError(msg)
