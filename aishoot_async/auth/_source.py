"""Where a session's token comes from."""

import abc
from typing import Protocol, runtime_checkable

from ..errors import ConfigurationError
from ..secret import Secret
from ._means import Means


@runtime_checkable
class TokenSource(Protocol):
    """Anything that can give a session an access token."""

    async def token(self, rejected: str | None = None) -> str:
        """Give the access token to use now.

        Calls that were refused with one token at the same time ask once, and all take what is given. A call that this
        makes itself through a session that gets its token here would wait for itself, and is refused.

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


class SessionSource(abc.ABC):
    """A source that renews its token through the session that it is given to: its auth server, its pool."""

    _means: Means | None = None

    @abc.abstractmethod
    async def ask(self, refused: Secret | None, means: Means) -> Secret:
        """Give the token; ``refused`` is the one that the API has just refused."""

    def attach(self, means: Means) -> "AttachedSource":
        """Give it to a session. Given to several, it renews through the one that asks."""
        self._means = means
        return AttachedSource(self, means)

    async def token(self, rejected: str | None = None) -> str:
        """Give the access token to use now, renewed where that is due; see `TokenSource`.

        Raises:
            ConfigurationError: it was not given to a session yet.
            AuthError: there is no login, or it has ended.
            ServerError, TransportError, UnexpectedResponseError: the auth server gave no new token.
        """
        refused, rejected = None if rejected is None else Secret(rejected), None  # a traceback may show this frame
        if self._means is None:
            msg = f"a {type(self).__name__} works through a session: AIShootSession({type(self).__name__}(...))"
            raise ConfigurationError(msg)
        return (await self.ask(refused, self._means)).reveal()


class AttachedSource:
    """A source in the hands of one session."""

    def __init__(self, source: SessionSource, means: Means) -> None:
        """Keep both."""
        self.source: TokenSource = source
        self._source = source
        self._means = means

    async def token(self, rejected: str | None = None) -> str:
        """See `SessionSource.token`."""
        refused, rejected = None if rejected is None else Secret(rejected), None  # a traceback may show this frame
        return (await self._source.ask(refused, self._means)).reveal()

    def __repr__(self) -> str:
        """Show the source, which hides its token."""
        return repr(self._source)
