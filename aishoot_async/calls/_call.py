"""The state of one call: its attempts so far, which its errors carry and hooks are told."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Final, Literal, TypeVar

import attrs

from ..errors import (
    AIShootError,
    AmbiguousWriteError,
    APIStatusError,
    Attempt,
    PagingError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from ..secret import Secret, scrub_error
from ..transport import JSON, Request, Response
from ._hooks import Hook, HookMethod, notify, redacted_headers
from ._limit import Permit
from ._responses import request_id
from ._throttle import Lane

T = TypeVar("T")
EXCERPT: Final = 2048
_identities: Final = count(1)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CallOptions:
    """Scheduling options of one call.

    Attributes:
        lane: where it waits for admission: with single calls, or with the pages of walks.
        patience: seconds for which it waits for the end of an outage; 0 fails after its last attempt.
        attempts: how often it is sent at most; ``None`` for the session's `RetryPolicy`.
        verify_applied: for a POST that may safely be sent again: finds out whether the service has applied an attempt
            whose answer was lost, and returns the answer if so.
        accept: the media type to ask for.
    """

    lane: Lane = "single"
    patience: float = 0.0
    attempts: int | None = None
    verify_applied: Callable[[], Awaitable[Response | None]] | None = None
    accept: str = JSON


@attrs.define(kw_only=True, eq=False, repr=False)
class CallState:
    """The state of one call.

    Attributes:
        request: the request.
        path: the path below the base URL.
        template: the path as the API's page has it.
        options: its scheduling options.
        loop: the event loop that it runs on.
        hooks: the hooks to notify.
        attempts: its attempts so far, oldest first.
        secrets: the tokens that were sent with it.
        deadline: when its attempts end, by the event loop's clock.
        timeout: what ends them then, while they run.
        failed_at: when its last attempt failed, by the event loop's clock.
        permit: its permit of the throttle, while it has one.
        attempts_left: how many attempts are left.
        repetitions: how many retries it has taken from the session's budget.
        is_renewed: whether a refused token was replaced.
        has_no_token: whether it waits for a token, or got none.
    """

    request: Request
    path: str
    template: str
    options: CallOptions
    loop: asyncio.AbstractEventLoop
    hooks: Sequence[Hook]
    attempts: list[Attempt] = attrs.field(factory=list)
    secrets: list[Secret] = attrs.field(factory=list)
    deadline: float = math.inf
    timeout: asyncio.Timeout | None = None
    failed_at: float = 0.0
    permit: Permit | None = None
    attempts_left: int = 0
    repetitions: int = 0
    is_renewed: bool = False
    has_no_token: bool = False
    _identity: int = 0
    _headers: Mapping[str, str] | None = None

    @property
    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.loop.time()

    @property
    def retry_method(self) -> str:
        """The method whose retry rules apply: a POST whose outcome can be verified is like a PUT."""
        return self.request.method if self.options.verify_applied is None else "PUT"

    def extend_deadline(self, seconds: float) -> None:
        """Postpone the deadline by the time that a part of the body took: a large body is not late while it moves.

        A deadline that is over stays so: it may have been set by the end of the session.
        """
        when = None if self.timeout is None else self.timeout.when()
        if self.timeout is not None and when is not None and when > self.loop.time():
            self.deadline += seconds
            self.timeout.reschedule(self.deadline)

    @property
    def may_have_happened(self) -> bool:
        """Whether the service may have done what an attempt asked for, without saying so."""
        return any(attempt.may_have_happened for attempt in self.attempts)

    def begin_attempt(self) -> float:
        """Notify the hooks; return the time."""
        self._notify("before_attempt", None)
        return self.loop.time()

    def end_attempt(
        self,
        began: float,
        sent: Literal["yes", "maybe", "no"],
        response: Response | None = None,
        error: str | None = None,
    ) -> None:
        """Record an attempt, and notify the hooks."""
        attempt = Attempt(
            number=len(self.attempts) + 1,
            sent=sent,
            status=None if response is None else response.status,
            error=error,
            # By its own event loop: none is running when a call ends because its loop was closed.
            elapsed=self.loop.time() - began,
            request_id=None if response is None else request_id(response.headers, self.secrets),
        )
        self.attempts.append(attempt)
        if self.hooks:
            self._headers = None if response is None else redacted_headers(response.headers, self.secrets)
        self._notify("after_attempt", attempt)

    def record_retry(self, wait: float) -> None:
        """Record the wait before the next attempt, and notify the hooks."""
        self.attempts[-1] = attrs.evolve(self.attempts[-1], wait=wait)
        self._notify("retrying", self.attempts[-1])

    def record_outage_wait(self) -> None:
        """Record the time since the last failed attempt, which the call spent waiting for the end of an outage."""
        if self.attempts:
            self.attempts[-1] = attrs.evolve(self.attempts[-1], wait=self.loop.time() - self.failed_at)

    def _notify(self, moment: HookMethod, attempt: Attempt | None) -> None:
        if self.hooks:
            from ._event import NO_HEADERS, CallEvent  # noqa: PLC0415  # only for who has hooks

            self._identity = self._identity or next(_identities)
            event = CallEvent(
                call=self._identity,
                method=self.request.method,
                url=str(self.request.url),
                path=self.path,
                template=self.template,
                number=len(self.attempts) + (attempt is None),
                attempt=attempt,
                response_headers=(None if attempt is None else self._headers) or NO_HEADERS,
            )
            notify(self.hooks, moment, event)

    def error(self, failure: AIShootError) -> AIShootError:
        """Return the error to raise: with all attempts, without tokens, and `AmbiguousWriteError` where it applies."""
        if isinstance(failure, TransportError | APIStatusError | UnexpectedResponseError):
            failure.attempts = tuple(self.attempts)
        scrub_error(failure, self.secrets)
        # The frames below hold the answer as it came. Tools that show locals would show a token that it echoes.
        failure.__traceback__ = None
        if isinstance(failure, UnexpectedResponseError):
            # Cut after the tokens were taken out, or half of one could be left.
            failure.body = failure.body[:EXCERPT]
        # Without a token nothing was sent.
        if self.retry_method == "POST" and not self.has_no_token and _is_ambiguous(failure):
            msg = (
                f"POST {self.path} may or may not have happened ({failure}). It was not sent again; "
                f"list what is there before you repeat it"
            )
            return AmbiguousWriteError(msg, cause=failure)
        return failure


class PendingResponse:
    """A successful response that is not decoded yet: a page is decoded when it is needed."""

    __slots__ = ("_call", "_response")

    def __init__(self, call: CallState, response: Response) -> None:
        """Keep the response and its call."""
        self._call = call
        self._response = response

    def read(self, read: Callable[[Response], T]) -> T:
        """Return the result of the call.

        Raises:
            AmbiguousWriteError: it cannot be read, and answers a POST.
            UnexpectedResponseError, PagingError: as ``read`` raises it, with the call's ledger.
        """
        try:
            return read(self._response)
        except (UnexpectedResponseError, PagingError) as error:
            failure: AIShootError = error
        raise self._call.error(failure)


def _is_ambiguous(failure: AIShootError) -> bool:
    if isinstance(failure, TransportError):
        return failure.maybe_sent
    return isinstance(failure, ServerError | UnexpectedResponseError)
