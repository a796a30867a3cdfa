"""What happens around one request: admission, the token, the attempts, the deadline, and the error at the end.

A call holds a place in the throttle while an attempt of it is on its way, and none while it waits to be made again.
"""

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
from ._hooks import CallEvent, Hook, Moment, tell
from ._lifetime import Lifetime, closed_error
from ._limit import Admission, Outcome, outcome_of
from ._outage import EVERY, STRIKES, Outage, Turn, says_later
from ._retry import RetryBudget, may_repeat, pause_asked_for, wait_before_next
from ._throttle import Lane, Throttle

T = TypeVar("T")
EXCERPT: Final = 2048


@attrs.frozen(kw_only=True)
class CallOptions:
    """How a call stands beside the others of its session.

    Attributes:
        lane: where it waits for admission: with single calls, or with the pages of walks.
        patience: seconds for which it rides out an outage; 0 fails when its attempts have come to nothing.
    """

    lane: Lane = "single"
    patience: float = 0.0


_USUAL: Final = CallOptions()


@attrs.define
class _Call:
    """One call under way."""

    request: Request
    path: str
    options: CallOptions
    attempts: list[Attempt] = attrs.field(factory=list)
    secrets: list[Secret] = attrs.field(factory=list)
    failed_at: float = 0.0
    deadline: float = math.inf
    admission: Admission | None = None
    attempts_left: int = 0
    repetitions: int = 0
    renewed: bool = False

    @property
    def may_have_happened(self) -> bool:
        """Whether the service may have done what an attempt asked for, without saying so."""
        return any(
            attempt.sent == "maybe" or (attempt.status is not None and attempt.status >= 500)  # noqa: PLR2004
            for attempt in self.attempts
        )

    def note_wait(self, now: float) -> None:
        """Put the time since the latest attempt into the ledger."""
        if self.attempts:
            self.attempts[-1] = attrs.evolve(self.attempts[-1], wait=now - self.failed_at)


class Caller:
    """Makes calls to one origin, with one pool, one throttle, one retry budget and one source of tokens."""

    def __init__(
        self,
        *,
        base_url: URL,
        transport: Transport,
        tokens: TokenSource,
        lifetime: Lifetime,
        throttle: Throttle,
        timeouts: Timeouts,
        retry: RetryPolicy,
        hooks: Sequence[Hook] = (),
    ) -> None:
        """Keep the parts."""
        self._prefix = str(base_url).rstrip("/")
        self._transport = transport
        self._tokens = tokens
        self.lifetime = lifetime
        self._throttle = throttle
        self._timeouts = timeouts
        self._retry = retry
        self._budget = RetryBudget(retry.budget)
        self._outage = Outage(lifetime)
        self._hooks = tuple(hooks)
        self.retries = 0

    async def call(
        self,
        method: str,
        path: str,
        read: Callable[[Response], T],
        *,
        query: str = "",
        body: bytes | None = None,
        options: CallOptions = _USUAL,
    ) -> T:
        """Call one operation, and read its answer.

        Args:
            method: the HTTP method.
            path: the path below the base URL, percent-encoded.
            read: makes the result of a 2xx; it may raise `UnexpectedResponseError`.
            query: the query, percent-encoded.
            body: the JSON to send.
            options: how the call stands beside others.

        Raises:
            AmbiguousWriteError: a POST may or may not have happened.
            APIStatusError: the API answered with an error.
            SessionClosedError, WrongLoopError: the session cannot be used, or was closed meanwhile.
            TransportError: no whole answer came.
            UnexpectedResponseError: the answer cannot be read.
        """
        loop = self.lifetime.check()
        url = URL(f"{self._prefix}{path}{'?' if query else ''}{query}", encoded=True)
        call = _Call(Request(method=method, url=url, body=body), path, options)
        if options.patience:
            return await self._patiently(call, read, loop)
        return await self._once(call, read, loop)

    async def _patiently(self, call: _Call, read: Callable[[Response], T], loop: asyncio.AbstractEventLoop) -> T:
        """Make a call again and again while the service is out of reach: see the table of `_outage`."""
        patience, answers, strikes, ends = call.options.patience, self._outage.answers, 0, math.inf
        while True:
            turn = await self._outage.turn(patience)
            call.note_wait(loop.time())
            try:
                return await self._once(call, read, loop, self._retry.attempts if turn is Turn.FREE else 1)
            except (TransportError, APIStatusError) as error:
                if turn is Turn.LAST or not may_repeat(call.request.method, error):
                    raise
                call.failed_at = loop.time()
                ends = min(ends, call.failed_at + patience)
                others_were_answered, answers = self._outage.answers > answers, self._outage.answers
                strikes += others_were_answered and not says_later(error)
                if strikes == STRIKES or call.failed_at >= ends:
                    raise
                if not others_were_answered:
                    self._outage.begin(error, patience)
                    continue
            await self.lifetime.sleep(EVERY)

    async def _once(
        self,
        call: _Call,
        read: Callable[[Response], T],
        loop: asyncio.AbstractEventLoop,
        attempts: int | None = None,
    ) -> T:
        call.attempts_left = self._retry.attempts if attempts is None else attempts
        call.admission = await self._throttle.enter(call.options.lane, self._timeouts.pool)
        call.deadline = loop.time() + (self._timeouts.call or math.inf)
        failure: AIShootError
        try:
            return read(await self._until_answered(call, loop))
        except (TransportError, APIStatusError, UnexpectedResponseError) as error:
            failure = error
        finally:
            self._leave(call)
        raise self._final(call, failure)

    def _leave(self, call: _Call, outcome: Outcome = Outcome.NOTHING) -> None:
        if call.admission is not None:
            self._throttle.leave(call.admission, outcome)
            call.admission = None
        if outcome is Outcome.ANSWERED:
            self._budget.give_back(call.repetitions)
            call.repetitions = 0
            self._outage.answered()

    async def _until_answered(self, call: _Call, loop: asyncio.AbstractEventLoop) -> Response:
        scope = asyncio.timeout_at(None if math.isinf(call.deadline) else call.deadline)
        try:
            async with scope:
                self.lifetime.began(scope)
                response = await self._attempts(call, loop)
        except TimeoutError:
            if not scope.expired():
                raise
        else:
            self._leave(call, Outcome.ANSWERED)
            return response
        finally:
            self.lifetime.ended(scope)
        if self.lifetime.closed:
            # `_final` makes a `SessionClosedError` of it where nothing can have happened.
            msg = "the session was closed before a whole answer came"
            raise TransportError(msg, maybe_sent=call.may_have_happened)
        self._leave(call, Outcome.STRAINED)
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
        outcome, level = outcome_of(failure), call.admission.level if call.admission else 0
        self._leave(call, outcome)
        wait = self._wait_before_next(call, failure, level, loop)
        if isinstance(failure, APIStatusError) and outcome is not Outcome.ANSWERED:
            # With nothing else on its way, a refusal is about how fast requests come: all of them wait.
            self._throttle.pause(wait if wait and level == 1 else pause_asked_for(self._retry, failure))
        if wait is None:
            raise failure
        self.retries += 1
        call.attempts[-1] = attrs.evolve(call.attempts[-1], wait=wait)
        self._tell("retrying", call, call.attempts[-1])
        await self.lifetime.sleep(wait)
        call.admission = await self._throttle.enter("again", None)

    def _wait_before_next(
        self, call: _Call, failure: TransportError | APIStatusError, level: int, loop: asyncio.AbstractEventLoop
    ) -> float | None:
        call.attempts_left -= 1
        if self.lifetime.closed or not call.attempts_left or not may_repeat(call.request.method, failure):
            return None
        wait = wait_before_next(
            self._retry,
            failure,
            number=self._retry.attempts - call.attempts_left,
            level=level,
            time_left=call.deadline - loop.time(),
            random=random.random,
        )
        if wait is None or not self._budget.take():
            return None
        call.repetitions += 1
        return wait

    async def _token(self, call: _Call, rejected: Secret | None) -> Secret:
        # The text itself is held by no variable: a traceback may show it.
        token = Secret(await self._tokens.token(None if rejected is None else rejected.reveal()))
        call.secrets.append(token)
        return token

    async def _attempt(self, call: _Call, token: Secret, loop: asyncio.AbstractEventLoop) -> Response:
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
        if call.request.method == "POST" and self._is_ambiguous(failure):
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
