"""What happens around one request: admission, the token, the attempts, the deadline, and the error at the end.

A call holds a place in the throttle while an attempt of it is on its way, and none while it waits to be made again.
"""

import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from yarl import URL

from ..auth import TokenSource, check_not_inside
from ..config import RetryPolicy, Timeouts
from ..errors import (
    AIShootError,
    APIStatusError,
    AuthenticationError,
    CallTimeoutError,
    NotFoundError,
    TransportError,
)
from ..secret import Secret
from ..transport import FileBody, Request, Response, SendState, Transport
from ._answers import is_success, status_error
from ._call import Answer, Call, CallOptions
from ._hooks import Hook
from ._lifetime import Lifetime, closed_error
from ._limit import Outcome, outcome_of
from ._outage import Outage
from ._retry import LATER, RetryBudget, may_repeat, pause_asked_for, wait_before_next
from ._scope import Scope
from ._throttle import Throttle

T = TypeVar("T")
_USUAL: Final = CallOptions()
_NO_TOKEN: Final = Secret("-")


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
        self._origin = base_url.origin()
        self._path = base_url.raw_path.rstrip("/")
        self._transport = transport
        self._tokens = tokens
        self.lifetime = lifetime
        self._throttle = throttle
        self._timeouts = timeouts
        self._retry = retry
        self._budget = RetryBudget(retry.budget)
        self._outage = Outage(lifetime)
        self._hooks = tuple(hooks)
        self._token_used = _NO_TOKEN
        self.retries: int = 0

    async def call(
        self,
        method: str,
        path: str,
        read: Callable[[Response], T],
        *,
        template: str | None = None,
        query: str = "",
        body: bytes | FileBody | None = None,
        options: CallOptions = _USUAL,
    ) -> T:
        """Call one operation, and read its answer.

        Args:
            method: the HTTP method.
            path: the path below the base URL, percent-encoded.
            read: makes the result of a 2xx; it may raise `UnexpectedResponseError`, or `PagingError`.
            template: the path as the API's page has it, where ids are named and not given; ``None`` for a path
                without any.
            query: the query, percent-encoded.
            body: the JSON to send, or what is read while it is sent.
            options: how the call stands beside others.

        Raises:
            AmbiguousWriteError: a POST may or may not have happened.
            APIStatusError: the API answered with an error.
            SessionClosedError, WrongLoopError: the session cannot be used, or was closed meanwhile.
            TransportError: no whole answer came.
            UnexpectedResponseError: the answer cannot be read.
        """
        answer = await self.answer(method, path, template=template, query=query, body=body, options=options)
        return answer.read(read)

    async def answer(
        self,
        method: str,
        path: str,
        *,
        template: str | None = None,
        query: str = "",
        body: bytes | FileBody | None = None,
        options: CallOptions = _USUAL,
    ) -> Answer:
        """Call one operation; its answer is read when that is asked for.

        Raises:
            AIShootError: as for `call`, but for an answer that cannot be read.
        """
        loop = self.lifetime.check()
        check_not_inside(self._tokens)
        target = f"{self._path}{path}?{query}" if query else self._path + path
        call = Call(
            request=Request(method=method, origin=self._origin, target=target, body=body, accept=options.accept),
            path=path,
            template=template or path,
            options=options,
            loop=loop,
            hooks=self._hooks,
        )
        if options.patience:
            response = await self._outage.ride_out(call, lambda: self._once(call, 1), lambda: self._once(call))
        else:
            response = await self._once(call, options.attempts)
        return Answer(call, response)

    async def _once(self, call: Call, attempts: int | None = None) -> Response:
        call.attempts_left = self._retry.attempts if attempts is None else attempts
        call.admission = await self._throttle.enter(call.options.lane, self._timeouts.pool)
        call.deadline = call.loop.time() + (self._timeouts.call or math.inf)
        failure: AIShootError
        try:
            return await self._until_answered(call)
        except (TransportError, APIStatusError) as error:
            failure = error
        finally:
            self._leave(call)
        failure = call.error(failure)
        raise closed_error() if self.lifetime.closed and isinstance(failure, TransportError) else failure

    def _leave(self, call: Call, outcome: Outcome = Outcome.NOTHING) -> None:
        if call.admission is not None:
            self._throttle.leave(call.admission, outcome)
            call.admission = None
        if outcome is Outcome.ANSWERED:
            self._budget.give_back(call.repetitions)
            call.repetitions = 0
            self._outage.answered()

    async def _until_answered(self, call: Call) -> Response:
        scope = call.scope = Scope(call.loop, call.deadline)
        self.lifetime.began(scope)
        try:
            with scope:
                response = await self._attempts(call)
                self._leave(call, Outcome.ANSWERED)
                return response
        finally:
            call.scope = None
            self.lifetime.ended(scope)
        if self.lifetime.closed:
            # It becomes a `SessionClosedError` where nothing can have happened.
            msg = "the session was closed before a whole answer came"
            raise TransportError(msg, maybe_sent=call.may_have_happened)
        self._leave(call, Outcome.STRAINED)
        msg = f"no whole answer within {self._timeouts.call} s (Timeouts.call)"
        raise CallTimeoutError(msg, maybe_sent=call.may_have_happened)

    async def _attempts(self, call: Call) -> Response:
        token = await self._token(call, None)
        while True:
            try:
                return await self._attempt(call, token)
            except (TransportError, APIStatusError) as error:
                failure = error
            if call.request.method == "DELETE" and isinstance(failure, NotFoundError) and call.may_have_happened:
                # An earlier attempt has deleted it: the 404 itself is no such one.
                return Response(status=failure.status, reason="", headers={}, body=failure.body)
            if isinstance(failure, AuthenticationError) and not call.renewed:
                call.renewed = True
                fresh = await self._token(call, token)
                if fresh != token:
                    token = fresh
                    continue
            again = await self._may_be_made_again(call, failure)
            if call.options.look is not None and call.may_have_happened and (done := await call.options.look()):
                return done
            if not again:
                raise failure
            call.admission = await self._throttle.enter("again", None)

    async def _may_be_made_again(self, call: Call, failure: TransportError | APIStatusError) -> bool:
        """Wait as long as there must be between two attempts, or say that there will be no other."""
        outcome, level = outcome_of(failure), call.admission.level if call.admission else 0
        self._leave(call, outcome)
        wait = self._wait_before_next(call, failure, level)
        is_refusal = outcome in {Outcome.TOO_MANY, Outcome.STRAINED} and isinstance(failure, APIStatusError)
        # With nothing else on its way, a refusal is about how fast requests come: all of them wait.
        if wait and is_refusal and level == 1:
            self._throttle.pause(wait)
        elif isinstance(failure, APIStatusError) and failure.status in LATER:
            self._throttle.pause(pause_asked_for(self._retry, failure))
        if wait is None:
            return False
        self.retries += 1
        call.will_be_repeated(wait)
        await self.lifetime.sleep(wait)
        return True

    def _wait_before_next(self, call: Call, failure: TransportError | APIStatusError, level: int) -> float | None:
        call.attempts_left -= 1
        if self.lifetime.closed or not call.attempts_left or not may_repeat(call.repeats_as, failure):
            return None
        wait = wait_before_next(
            self._retry,
            failure,
            number=self._retry.attempts - call.attempts_left,
            level=level,
            time_left=call.time_left,
            random=random.random,
        )
        if wait is None or not self._budget.take():
            return None
        call.repetitions += 1
        return wait

    async def _token(self, call: Call, rejected: Secret | None) -> Secret:
        call.without_token = True
        # The text itself is held by no variable: a traceback may show it.
        token = self._token_used.or_other(await self._tokens.token(None if rejected is None else rejected.reveal()))
        self._token_used = token
        call.without_token = False
        call.secrets.append(token)
        return token

    async def _attempt(self, call: Call, token: Secret) -> Response:
        # The session may have been closed while its token was fetched, and nothing would close a pool opened now.
        self.lifetime.check_open()
        began = call.begins_attempt()
        state = SendState(on_progress=call.has_moved)
        try:
            response = await self._transport.send(call.request, token, state)
        except TransportError as error:
            failure: TransportError | APIStatusError = error
            call.ended_attempt(began, "maybe" if error.maybe_sent else "no", error=type(error).__name__)
        except BaseException:
            # A deadline or the caller cuts it off; it stands in the ledger too.
            call.ended_attempt(began, "maybe" if state.was_connected else "no", error="cut off")
            raise
        else:
            call.ended_attempt(began, "yes", response)
            if is_success(response.status):
                return response
            now = datetime.now(UTC)
            failure = status_error(response, method=call.request.method, path=call.path, now=now, secrets=call.secrets)
        raise failure
