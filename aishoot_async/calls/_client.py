"""What happens around one request: admission, token, attempts, deadline, and the error at the end.

A call holds a permit of the throttle while one of its attempts is in flight, and none while it waits for a retry.
"""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
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
from ._call import CallOptions, CallState, PendingResponse
from ._circuit_breaker import CircuitBreaker
from ._hooks import Hook
from ._lifecycle import SessionLifecycle, closed_error
from ._limit import Outcome, outcome_of
from ._responses import is_success, status_error
from ._retry import LATER, RetryBudget, backoff_delay, is_retryable, retry_after_delay
from ._throttle import Throttle

T = TypeVar("T")
_DEFAULT_OPTIONS: Final = CallOptions()
_NO_TOKEN: Final = Secret("-")


class ApiClient:
    """Makes calls to one origin, with one pool, one throttle, one retry budget and one source of tokens.

    Attributes:
        lifecycle: the life of the session.
        retries: how many requests were sent again.
    """

    def __init__(
        self,
        *,
        base_url: URL,
        transport: Transport,
        tokens: TokenSource,
        lifecycle: SessionLifecycle,
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
        self.lifecycle = lifecycle
        self._throttle = throttle
        self._timeouts = timeouts
        self._retry = retry
        self._budget = RetryBudget(retry.budget)
        self._breaker = CircuitBreaker(lifecycle)
        self._hooks = tuple(hooks)
        self._last_token = _NO_TOKEN
        self.retries: int = 0

    async def request(
        self,
        method: str,
        path: str,
        read: Callable[[Response], T],
        *,
        template: str | None = None,
        query: str = "",
        body: bytes | FileBody | None = None,
        options: CallOptions = _DEFAULT_OPTIONS,
    ) -> T:
        """Call one operation; return its decoded result.

        Args:
            method: the HTTP method.
            path: the path below the base URL, percent-encoded.
            read: decodes a successful response; it may raise `UnexpectedResponseError` or `PagingError`.
            template: the path as the API's page has it, with the names of ids; ``None`` for a path without ids.
            query: the query, percent-encoded.
            body: the JSON to send, or a file.
            options: the scheduling options.

        Raises:
            AmbiguousWriteError: a POST may or may not have happened.
            APIStatusError: the API answered with an error.
            SessionClosedError, WrongLoopError: the session cannot be used, or was closed meanwhile.
            TransportError: no whole answer came.
            UnexpectedResponseError: the answer cannot be read.
        """
        response = await self.send(method, path, template=template, query=query, body=body, options=options)
        return response.read(read)

    async def send(
        self,
        method: str,
        path: str,
        *,
        template: str | None = None,
        query: str = "",
        body: bytes | FileBody | None = None,
        options: CallOptions = _DEFAULT_OPTIONS,
    ) -> PendingResponse:
        """Call one operation; return its response, which can be decoded later.

        Raises:
            AIShootError: as `request` does, but for an answer that cannot be read.
        """
        loop = self.lifecycle.check()
        check_not_inside(self._tokens)
        target = f"{self._path}{path}?{query}" if query else self._path + path
        call = CallState(
            request=Request(method=method, origin=self._origin, target=target, body=body, accept=options.accept),
            path=path,
            template=template or path,
            options=options,
            loop=loop,
            hooks=self._hooks,
        )
        if options.patience:
            probe, send = partial(self._with_admission, call, 1), partial(self._with_admission, call)
            response = await self._breaker.call_with_patience(call, probe, send)
        else:
            response = await self._with_admission(call, options.attempts)
        return PendingResponse(call, response)

    async def _with_admission(self, call: CallState, attempts: int | None = None) -> Response:
        call.attempts_left = self._retry.attempts if attempts is None else attempts
        call.permit = await self._throttle.acquire(call.options.lane, self._timeouts.pool)
        call.deadline = call.loop.time() + (self._timeouts.call or math.inf)
        failure: AIShootError
        try:
            return await self._with_deadline(call)
        except (TransportError, APIStatusError) as error:
            failure = error
        finally:
            self._release(call)
        failure = call.error(failure)
        raise closed_error() if self.lifecycle.closed and isinstance(failure, TransportError) else failure

    def _release(self, call: CallState, outcome: Outcome = Outcome.IGNORED) -> None:
        """Give the permit of a call back, if it has one; record what its attempt says about the service."""
        if call.permit is not None:
            self._throttle.release(call.permit, outcome)
            call.permit = None
        if outcome is Outcome.ANSWERED:
            self._budget.release(call.repetitions)
            call.repetitions = 0
            self._breaker.answered()

    async def _with_deadline(self, call: CallState) -> Response:
        timeout = call.timeout = asyncio.timeout_at(None if call.deadline == math.inf else call.deadline)
        self.lifecycle.track(timeout)
        try:
            async with timeout:
                response = await self._with_retries(call)
                self._release(call, Outcome.ANSWERED)
                return response
        except TimeoutError as error:
            # A token source may raise one of its own, and the transport raises `CallTimeoutError`.
            if not timeout.expired() or type(error) is not TimeoutError:
                raise
        finally:
            call.timeout = None
            self.lifecycle.untrack(timeout)
        if self.lifecycle.closed:
            # `_with_admission` makes a `SessionClosedError` of it, unless the service may have seen a POST.
            raise TransportError("the session was closed before a whole answer came", maybe_sent=call.may_have_happened)
        self._release(call, Outcome.OVERLOADED)
        raise CallTimeoutError(
            f"no whole answer within {self._timeouts.call} s (Timeouts.call)", maybe_sent=call.may_have_happened
        )

    async def _with_retries(self, call: CallState) -> Response:
        token = await self._get_token(call, None)
        while True:
            try:
                return await self._send_once(call, token)
            except (TransportError, APIStatusError) as error:
                failure = error
            if call.request.method == "DELETE" and isinstance(failure, NotFoundError) and call.may_have_happened:
                # An earlier attempt has deleted it. (An attempt that was answered by 404 has not "happened".)
                return Response(status=failure.status, reason="", headers={}, body=failure.body)
            if isinstance(failure, AuthenticationError) and not call.is_renewed:
                call.is_renewed = True
                fresh = await self._get_token(call, token)
                if fresh != token:
                    token = fresh
                    continue
            may_retry = await self._wait_before_retry(call, failure)
            verify = call.options.verify_applied
            if verify is not None and call.may_have_happened and (applied := await verify()):
                return applied
            if not may_retry:
                raise failure
            call.permit = await self._throttle.acquire("retry", None)

    async def _wait_before_retry(self, call: CallState, failure: TransportError | APIStatusError) -> bool:
        """Wait until the next attempt may begin; return False if there is none."""
        outcome, in_flight = outcome_of(failure), call.permit.in_flight if call.permit else 0
        self._release(call, outcome)
        delay = self._retry_delay(call, failure, in_flight)
        is_refusal = outcome in {Outcome.RATE_LIMITED, Outcome.OVERLOADED} and isinstance(failure, APIStatusError)
        # With nothing else in flight, a refusal is about the rate of requests: all of them wait.
        if delay and is_refusal and in_flight == 1:
            self._throttle.pause(delay)
        elif isinstance(failure, APIStatusError) and failure.status in LATER:
            self._throttle.pause(retry_after_delay(self._retry, failure))
        if delay is None:
            return False
        self.retries += 1
        call.record_retry(delay)
        await self.lifecycle.sleep(delay)
        return True

    def _retry_delay(self, call: CallState, failure: TransportError | APIStatusError, in_flight: int) -> float | None:
        call.attempts_left -= 1
        if self.lifecycle.closed or not call.attempts_left or not is_retryable(call.retry_method, failure):
            return None
        delay = backoff_delay(
            self._retry,
            failure,
            number=self._retry.attempts - call.attempts_left,
            in_flight=in_flight,
            time_left=call.time_left,
            random=random.random,
        )
        if delay is None or not self._budget.try_acquire():
            return None
        call.repetitions += 1
        return delay

    async def _get_token(self, call: CallState, rejected: Secret | None) -> Secret:
        call.has_no_token = True
        # No variable holds the text itself: a traceback may show it.
        token = self._last_token.or_other(await self._tokens.token(None if rejected is None else rejected.reveal()))
        self._last_token = token
        call.has_no_token = False
        call.secrets.append(token)
        return token

    async def _send_once(self, call: CallState, token: Secret) -> Response:
        # The session may have been closed while its token was fetched; nothing would close a pool that is opened now.
        self.lifecycle.check_open()
        began = call.begin_attempt()
        state = SendState(on_progress=call.extend_deadline)
        try:
            response = await self._transport.send(call.request, token, state)
        except TransportError as error:
            failure: TransportError | APIStatusError = error
            call.end_attempt(began, "maybe" if error.maybe_sent else "no", error=type(error).__name__)
        except BaseException:
            # The deadline or the caller cancels the attempt; it is recorded, too.
            call.end_attempt(began, "maybe" if state.was_connected else "no", error="cut off")
            raise
        else:
            call.end_attempt(began, "yes", response)
            if is_success(response.status):
                return response
            now = datetime.now(UTC)
            failure = status_error(response, method=call.request.method, path=call.path, now=now, secrets=call.secrets)
        raise failure
