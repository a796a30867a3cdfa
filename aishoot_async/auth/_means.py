"""What a session lends to a source of tokens."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from yarl import URL

from ..errors import SessionClosedError
from ..transport import Transport

if TYPE_CHECKING:
    from ._server import AuthServer


class Spawn(Protocol):
    """Runs work in a task that closing the session waits for, and that no caller's end cancels."""

    def __call__(self, work: Coroutine[Any, Any, Any], /) -> "asyncio.Task[Any]":
        """Start the task, or raise `SessionClosedError`."""
        ...


class Means:
    """What a session lends to a source of tokens.

    Attributes:
        spawn: starts a task that a cancelled caller does not cancel.
        spawn_until_closed: starts one that closing the session cancels.
        closed: whether the session is closed.
    """

    def __init__(
        self,
        *,
        auth_url: URL,
        transport: Transport,
        pause: float,
        spawn: Spawn,
        spawn_until_closed: Spawn,
        closed: Callable[[], bool],
    ) -> None:
        """Keep the parts; for those of the auth server see `AuthServer`."""
        self._auth_url = auth_url
        self._transport = transport
        self._pause = pause
        self.spawn = spawn
        self.spawn_until_closed = spawn_until_closed
        self.closed = closed

    @cached_property
    def server(self) -> "AuthServer":
        """The auth server, through the session's pool."""
        from ._server import AuthServer  # noqa: PLC0415  # who has a token asks none, and need not import all about it

        return AuthServer(self._auth_url, self._transport, pause=self._pause)

    def check_open(self) -> None:
        """Begin nothing that closing would have to wait for.

        Raises:
            SessionClosedError: the session is closed.
        """
        if self.closed():
            msg = "the session is closed"
            raise SessionClosedError(msg)
