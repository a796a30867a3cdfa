"""Where a session's token comes from."""

import os
from typing import Protocol, runtime_checkable

from ..errors import ConfigurationError, LoginRequiredError
from ..secret import Secret


@runtime_checkable
class TokenSource(Protocol):
    """Anything that can give a session an access token."""

    async def token(self, rejected: str | None = None) -> str:
        """Give the access token to use now.

        Args:
            rejected: the token that the API has just refused with 401; ``None`` otherwise. Giving the same one again
                says that there is no other.
        """
        ...


class StaticToken:
    """One bearer token for the whole session; when the API refuses it, there is no other.

    Raises:
        ConfigurationError: it cannot stand in a header.
    """

    def __init__(self, token: str) -> None:
        """Keep the token; it never shows in ``repr``."""
        try:
            self._secret = Secret(token)
        finally:
            del token  # a traceback may show this frame's variables

    async def token(self, rejected: str | None = None) -> str:  # noqa: ARG002  # the protocol's name
        """Give the token."""
        return self._secret.reveal()

    def __repr__(self) -> str:
        """Hide the token."""
        return "StaticToken([token])"


class Environment:
    """The token that the environment holds, looked at on the first call."""

    async def token(self, rejected: str | None = None) -> str:  # noqa: ARG002  # the protocol's name
        """Give ``AISHOOT_TOKEN``.

        Raises:
            ConfigurationError: it cannot stand in a header.
            LoginRequiredError: it is not set.
        """
        if os.environ.get("AISHOOT_TOKEN"):  # held by no variable, which a traceback may show
            return Secret(os.environ["AISHOOT_TOKEN"]).reveal()
        msg = (
            "no token: pass one to the session or set AISHOOT_TOKEN. (This version does not yet read "
            "AUTORETOUCH_REFRESH_TOKEN or the credential file ~/.config/autoretouch-credentials.json, "
            "and has no `aishoot login`.)"
        )
        raise LoginRequiredError(msg)


def token_source(auth: object) -> TokenSource:
    """Read a session's ``auth`` argument.

    Raises:
        ConfigurationError: it is no token, no `TokenSource` and not ``None``.
    """
    if auth is None:
        return Environment()
    if isinstance(auth, str):
        try:
            return StaticToken(auth)
        finally:
            del auth  # a traceback may show this frame's variables
    if isinstance(auth, TokenSource) and not isinstance(auth, type):
        return auth
    msg = f"auth must be a token, a TokenSource or None, not a {type(auth).__name__}"
    raise ConfigurationError(msg)
