"""What happens around one request: admission, the token, the attempts, the deadline, and the error at the end."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import attrs
from yarl import URL

from ..auth import Secret, TokenSource, scrub_error
from ..config import RetryPolicy, Timeouts
from ..errors import (
    AIShootError,
    AmbiguousWriteError,
    APIStatusError,
    Attempt,
    AuthenticationError,
    CallTimeoutError,
    NotFoundError,
    ServerError,
    SessionClosedError,
    TransportError,
    UnexpectedResponseError,
)
from ..transport import Request, Response, Sending, Transport
from ._answers import is_success, request_id, status_error
from ._gate import Gate
from ._hooks import CallEvent, Hook, Moment, tell
from ._lifetime import Lifetime, closed_error
from ._retry import wait_before_next

T = TypeVar("T")
EXCERPT: Final = 2048


@attrs.define
class _Call:
    """One call under way."""

    request: Request
    path: str
    deadline: float
    attempts: list[Attempt] = attrs.field(factory=list)
    secrets: list[Secret] = attrs.field(factory=list)
    renewed: bool = False
    without_token: bool = False

    @property
    def may_have_happened(self) -> bool:
        """Whether the service may have done what an attempt asked for, without saying so."""
        return any(
            attempt.sent == "maybe" or (attempt.status is not None and attempt.status >= 500)  # noqa: PLR2004
            for attempt in self.attempts
        )


class Caller:
    """Makes calls to one origin, with one pool, one gate and one source of tokens."""

    def __init__(
        self,
        *,
        base_url: URL,
        transport: Transport,
        tokens: TokenSource,
        lifetime: Lifetime,
        gate: Gate,
        timeouts: Timeouts,
        retry: RetryPolicy,
        hooks: Sequence[Hook] = (),
    ) -> None:
        """Keep the parts."""
        self._prefix = str(base_url).rstrip("/")
        self._transport = transport
        self._tokens = tokens
        self.lifetime = lifetime
        self._gate = gate
        self._timeouts = timeouts
        self._retry = retry
        self._hooks = tuple(hooks)

    async def call(
        self, method: str, path: str, read: Callable[[Response], T], *, query: str = "", body: bytes | None = None
    ) -> T:
        """Call one operation, and read its answer.

        Args:
            method: the HTTP method.
            path: the path below the base URL, percent-encoded.
            read: makes the result of a 2xx; it may raise `UnexpectedResponseError`.
            query: the query, percent-encoded.
            body: the JSON to send.

        Raises:
            AmbiguousWriteError: a POST may or may not have happened.
            APIStatusError: the API answered with an error.
            SessionClosedError, WrongLoopError: the session cannot be used, or was closed meanwhile.
            TransportError: no whole answer came.
            UnexpectedResponseError: the answer cannot be read.
        """
        loop = self.lifetime.check()
        url = URL(f"{self._prefix}{path}{'?' if query else ''}{query}", encoded=True)
        request = Request(method=method, url=url, body=body)
        await self._gate.enter(self._timeouts.pool)
        call = _Call(request, path, loop.time() + (self._timeouts.call or math.inf))
        failure: AIShootError
        try:
            return read(await self._until_answered(call, loop))
        except (TransportError, APIStatusError, UnexpectedResponseError) as error:
            failure = error
        finally:
            self._gate.leave()
        raise self._final(call, failure)

    async def _until_answered(self, call: _Call, loop: asyncio.AbstractEventLoop) -> Response:
        scope = asyncio.timeout_at(None if math.isinf(call.deadline) else call.deadline)
        try:
            async with scope:
                self.lifetime.began(scope)
                return await self._attempts(call, loop)
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self.lifetime.ended(scope)
        if self.lifetime.closed:
            # `_final` makes a `SessionClosedError` of it where nothing can have happened.
            msg = "the session was closed before a whole answer came"
            raise TransportError(msg, maybe_sent=call.may_have_happened)
        msg = f"no whole answer within {self._timeouts.call} s (Timeouts.call)"
        raise CallTimeoutError(msg, maybe_sent=call.may_have_happened)

    async def _attempts(self, call: _Call, loop: asyncio.AbstractEventLoop) -> Response:
        token = await self._token(call, None)
        while True:
            doubtful = call.may_have_happened
            try:
                return await self._attempt(call, token, loop)
            except (TransportError, APIStatusError) as error:
                failure = error
            if call.request.method == "DELETE" and doubtful and isinstance(failure, NotFoundError):
                # An earlier attempt has deleted it.
                return Response(status=failure.status, reason="", headers={}, body=failure.body)
            if isinstance(failure, AuthenticationError) and not call.renewed:
                call.renewed = True
                fresh = await self._token(call, token)
                if fresh != token:
                    token = fresh
                    continue
            await self._before_next(call, failure, loop)

    async def _before_next(
        self, call: _Call, failure: TransportError | APIStatusError, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Wait until the call may be made again, or raise the failure."""
        wait = wait_before_next(
            self._retry,
            call.request.method,
            failure,
            number=len(call.attempts),
            time_left=call.deadline - loop.time(),
            random=random.random,
        )
        if wait is None or self.lifetime.closed:
            raise failure
        call.attempts[-1] = attrs.evolve(call.attempts[-1], wait=wait)
        self._tell("retrying", call, call.attempts[-1])
        await self.lifetime.sleep(wait)

    async def _token(self, call: _Call, rejected: Secret | None) -> Secret:
        call.without_token = True
        # The text itself is held by no variable: a traceback may show it.
        token = Secret(await self._tokens.token(None if rejected is None else rejected.reveal()))
        call.without_token = False
        call.secrets.append(token)
        return token

    async def _attempt(self, call: _Call, token: Secret, loop: asyncio.AbstractEventLoop) -> Response:
        if call.attempts:
            await self._gate.pace()
        # The session may have been closed while its token was fetched, and nothing would close a pool opened now.
        self.lifetime.check_open()
        self._tell("before_attempt", call, None)
        begun = loop.time()
        sending = Sending()
        try:
            response = await self._transport.send(call.request, token, sending)
        except TransportError as error:
            failure: TransportError | APIStatusError = error
            self._note(call, begun, "maybe" if error.maybe_sent else "no", error=type(error).__name__)
        except BaseException:
            # A deadline or the caller cuts it off; it stands in the ledger too.
            self._note(call, begun, "maybe" if sending.obtained else "no", error="cut off")
            raise
        else:
            self._note(call, begun, "yes", response)
            if is_success(response.status):
                return response
            now = datetime.now(UTC)
            failure = status_error(response, method=call.request.method, path=call.path, now=now, secrets=call.secrets)
        raise failure

    def _note(
        self,
        call: _Call,
        begun: float,
        sent: Literal["yes", "maybe", "no"],
        response: Response | None = None,
        error: str | None = None,
    ) -> None:
        attempt = Attempt(
            number=len(call.attempts) + 1,
            sent=sent,
            status=None if response is None else response.status,
            error=error,
            elapsed=asyncio.get_running_loop().time() - begun,
            request_id=None if response is None else request_id(response.headers, call.secrets),
        )
        call.attempts.append(attempt)
        self._tell("after_attempt", call, attempt)

    def _tell(self, moment: Moment, call: _Call, attempt: Attempt | None) -> None:
        if self._hooks:
            number = len(call.attempts) + (attempt is None)
            tell(
                self._hooks,
                moment,
                CallEvent(method=call.request.method, path=call.path, number=number, attempt=attempt),
            )

    def _final(self, call: _Call, failure: AIShootError) -> AIShootError:
        """Make what the caller gets of what was seen."""
        if isinstance(failure, SessionClosedError):
            return failure
        if isinstance(failure, TransportError | APIStatusError | UnexpectedResponseError):
            failure.attempts = tuple(call.attempts)
        scrub_error(failure, call.secrets)
        # The frames below hold the answer as it came, and tools that show locals would show a token echoed there.
        failure.__traceback__ = None
        if isinstance(failure, UnexpectedResponseError):
            # Cut after the tokens were taken out, or half of one could be left.
            failure.body = failure.body[:EXCERPT]
        # What a token could not be had for was not sent with it.
        if call.request.method == "POST" and not call.without_token and self._is_ambiguous(failure):
            msg = (
                f"POST {call.path} may or may not have happened ({failure}). It was not sent again; "
                f"list what is there before you repeat it"
            )
            return AmbiguousWriteError(msg, cause=failure)
        if self.lifetime.closed and isinstance(failure, TransportError):
            return closed_error()
        return failure

    @staticmethod
    def _is_ambiguous(failure: AIShootError) -> bool:
        if isinstance(failure, TransportError):
            return failure.maybe_sent
        return isinstance(failure, ServerError | UnexpectedResponseError)
