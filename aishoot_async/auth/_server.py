"""The auth server: asked through a pool of connections, without a token in the header, outside of any throttle."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from yarl import URL

from ..errors import (
    AIShootError,
    AuthError,
    CallTimeoutError,
    LoginRejectedError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from ..secret import Secret, scrub_error
from ..transport import Request, Response, SendState, Transport
from ._wire import Device, Endpoints, Refusal, Tokens, read_device, read_revoked, read_tokens

T = TypeVar("T")
logger: Final = logging.getLogger("aishoot_async.auth")
SECONDS: Final = 30.0  # for one request, from its beginning to the last byte of its answer
_ENDED: Final = (Refusal.INVALID_GRANT, Refusal.ACCESS_DENIED, Refusal.EXPIRED_TOKEN)


class AuthServer:
    """Asks one auth server. What it raises holds neither a token nor any text of an answer."""

    def __init__(
        self,
        auth_url: URL,
        transport: Transport,
        *,
        pause: float = 0.5,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        """Keep the parts; ``pause`` is the longest wait, in seconds, before a lost refresh is tried once more."""
        self._endpoints = Endpoints(auth_url)
        self._transport = transport
        self._pause = pause
        self._sleep = sleep
        self._random = random

    async def refresh(self, token: Secret) -> Tokens:
        """Renew a login. If the answer is lost, ask once more with the same token.

        A new refresh token is given even where no access token that can be used came with it.

        Raises:
            AuthError: the server refuses for a reason that no new login would change.
            LoginRejectedError: the login has ended.
            RateLimitedError, ServerError, TransportError, UnexpectedResponseError: no tokens came.
        """
        try:
            return self._renewed(await self._ask_for_tokens(token), lost=False)
        except (TransportError, ServerError, UnexpectedResponseError):
            pass  # the answer was lost
        await self._sleep(self._pause * self._random())
        return self._renewed(await self._ask_for_tokens(token), lost=True)

    async def _ask_for_tokens(self, token: Secret) -> Tokens | Refusal:
        answer = await self._ask(self._endpoints.refresh(token), read_tokens, token)
        if isinstance(answer, Tokens) and answer.access is None and answer.refresh == token:
            raise answer.complaint()
        return _checked(answer)

    @staticmethod
    def _renewed(answer: Tokens | Refusal, *, lost: bool) -> Tokens:
        if isinstance(answer, Tokens):
            return answer
        if answer in _ENDED:
            why = "an answer was lost on its way" if lost else "it has ended, was revoked, or was renewed elsewhere"
            msg = f"the auth server no longer takes this login ({answer}): {why}. Log in again: aishoot login"
            raise LoginRejectedError(msg)
        msg = f"the auth server refuses to renew the login ({answer})"
        raise AuthError(msg)

    async def begin_device_login(self) -> Device:
        """Ask for a code that a user can confirm; raises as `refresh` does, but asks once only."""
        answer = await self._ask(self._endpoints.device(), read_device)
        if isinstance(answer, Refusal):
            msg = f"the auth server refuses to begin a login ({answer})"
            raise AuthError(msg)
        return answer

    async def poll(self, code: Secret) -> Tokens | Refusal:
        """Ask once whether the user has confirmed the code; raises what shows that no answer came."""
        return _checked(await self._ask(self._endpoints.poll(code), read_tokens, code))

    async def revoke(self, token: Secret) -> None:
        """End a login; its refresh token is dead afterwards. Raises as `refresh` does, but asks once only."""
        refusal = await self._ask(self._endpoints.revoke(token), read_revoked, token)
        # A token that is not known is revoked already (RFC 7009, 2.2).
        if refusal not in {None, Refusal.INVALID_GRANT}:
            msg = f"the auth server refuses to revoke the login ({refusal})"
            raise AuthError(msg)

    async def _ask(self, request: Request, read: Callable[[Response], T], *secrets: Secret) -> T:
        try:
            return read(await self._send(request))
        except AIShootError as error:
            failure = error
        scrub_error(failure, secrets)
        # The frames below hold the answer, and tools that show locals would show what stands in it.
        failure.__traceback__ = None
        raise failure

    async def _send(self, request: Request) -> Response:
        failure: TransportError
        try:
            async with asyncio.timeout(SECONDS):
                return await self._transport.send(request, None, SendState())
        except TransportError as error:
            # Of the call that needed the token nothing was sent, whatever became of this request.
            failure = type(error)(f"no answer from the auth server: {error}", maybe_sent=False)
        except TimeoutError:
            failure = CallTimeoutError(f"no answer from the auth server within {SECONDS:.0f} s", maybe_sent=False)
        raise failure


def _checked(answer: Tokens | Refusal) -> Tokens | Refusal:
    if isinstance(answer, Tokens) and answer.is_refresh_unreadable:
        logger.warning("the auth server's answer holds a refresh token that cannot be used; it is left out")
    return answer
