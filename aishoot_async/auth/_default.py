"""What a session's ``auth`` argument stands for, and what it takes when there is none."""

import logging
import os
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from typing import Final

from ..errors import ConfigurationError, LoginRequiredError
from ..secret import Secret
from ._means import Means
from ._own_source import OwnSource
from ._reentry import check_reentry
from ._source import AttachedSource, SessionSource, StaticToken, TokenSource

logger: Final = logging.getLogger("aishoot_async.auth")


def _warning_once() -> Callable[[str], Awaitable[None]]:
    warned = False

    async def warn(_: str) -> None:
        nonlocal warned
        if not warned:
            logger.warning(
                "the auth server has given a new refresh token: the one in AUTORETOUCH_REFRESH_TOKEN is dead, and the "
                "new one ends with this process. `aishoot login` writes a file that keeps it"
            )
        warned = True

    return warn


class DefaultSource(SessionSource):
    """``AISHOOT_TOKEN``, then ``AUTORETOUCH_REFRESH_TOKEN``, then the credential file; looked at on the first call."""

    def __init__(self) -> None:
        """Look at nothing yet."""
        self._chosen: StaticToken | SessionSource | None = None

    def __repr__(self) -> str:
        """Show what was chosen."""
        return f"DefaultSource({self._chosen!r})"

    async def ask(self, refused: Secret | None, means: Means) -> Secret:
        """Give the token of what was found first.

        Raises:
            ConfigurationError: a variable holds what cannot be a token.
            LoginRequiredError: there is nothing.
        """
        self._chosen = self._chosen or await self._choose()
        if isinstance(self._chosen, StaticToken):
            return Secret(await self._chosen.token())
        return await self._chosen.ask(refused, means)

    async def _choose(self) -> StaticToken | SessionSource:
        # No variable holds a token, which a traceback may show.
        if os.environ.get("AISHOOT_TOKEN"):
            return StaticToken(os.environ["AISHOOT_TOKEN"])
        # Only now: who has a token does not wait for the import of all about how one is renewed.
        from ._credential_file import CredentialFile  # noqa: PLC0415
        from ._disk import credentials_path, nothing_there  # noqa: PLC0415
        from ._refresh_token import RefreshToken  # noqa: PLC0415

        if os.environ.get("AUTORETOUCH_REFRESH_TOKEN"):
            return RefreshToken(os.environ["AUTORETOUCH_REFRESH_TOKEN"], on_rotate=_warning_once())
        path = credentials_path()
        if await to_thread(os.path.lexists, path):
            return CredentialFile(path)
        raise LoginRequiredError(nothing_there(path))


def token_source(auth: object) -> TokenSource:
    """Read a session's ``auth`` argument.

    Raises:
        ConfigurationError: it is no token, no `TokenSource` and not ``None``.
    """
    if auth is None:
        return DefaultSource()
    if isinstance(auth, str):
        try:
            return StaticToken(auth)
        finally:
            del auth  # a traceback may show this frame's variables
    if isinstance(auth, TokenSource) and not isinstance(auth, type):
        return auth
    msg = f"auth must be a token, a TokenSource or None, not a {type(auth).__name__}"
    raise ConfigurationError(msg)


def attached(source: TokenSource, means: Means) -> TokenSource:
    """Lend a session's means to a source."""
    if isinstance(source, SessionSource):
        return source.attach(means)
    return source if type(source) is StaticToken else OwnSource(source, means)


def check_not_inside(source: TokenSource) -> None:
    """Refuse a call that is made by the very code that gives it its token; before it takes a place in the throttle.

    Raises:
        AuthError: it is.
    """
    check_reentry(source.source if isinstance(source, AttachedSource | OwnSource) else source)
