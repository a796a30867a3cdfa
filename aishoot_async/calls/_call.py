"""One call under way: what has become of it so far, which its errors carry and hooks are told."""

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
from ._answers import request_id
from ._hooks import Hook, Moment, shown_headers, tell
from ._limit import Admission
from ._scope import Scope
from ._throttle import Lane

T = TypeVar("T")
EXCERPT: Final = 2048
_identities: Final = count(1)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CallOptions:
    """How a call stands beside the others of its session.

    Attributes:
        lane: where it waits for admission: with single calls, or with the pages of walks.
        patience: seconds for which it rides out an outage; 0 fails when its attempts have come to nothing.
        attempts: how often it is made at most; ``None`` for as often as the session's policy has it.
        look: for a POST that may safely be made again: finds out whether an attempt that may have been seen has done
            its work, and gives the answer if so.
    """

    lane: Lane = "single"
    patience: float = 0.0
    attempts: int | None = None
    look: Callable[[], Awaitable[Response | None]] | None = None
    accept: str = JSON


@attrs.define(kw_only=True, eq=False, repr=False)
class Call:
    """One call.

    Attributes:
        request: what is sent.
        path: the path below the base URL.
        template: the path as the API's page has it.
        options: how it stands beside others.
        loop: the event loop that it is made on.
        hooks: whom to tell.
        attempts: the ledger, oldest first.
        secrets: the tokens it was made with.
        deadline: when its attempts end, by the loop's clock.
        scope: what ends them then.
        failed_at: when its latest attempts had come to nothing.
        admission: its place in the throttle, while it has one.
        attempts_left: how many may still be made.
        repetitions: how many were taken out of the budget.
        renewed: whether a refused token has been replaced.
        without_token: whether a token is being had, or could not be.
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
    scope: Scope | None = None
    failed_at: float = 0.0
    admission: Admission | None = None
    attempts_left: int = 0
    repetitions: int = 0
    renewed: bool = False
    without_token: bool = False
    _identity: int = 0
    _headers: Mapping[str, str] | None = None

    @property
    def time_left(self) -> float:
        """Seconds until its deadline."""
        return self.deadline - self.loop.time()

    @property
    def repeats_as(self) -> str:
        """The method by whose rules it is made again: a POST that can be looked up is like a PUT."""
        return self.request.method if self.options.look is None else "PUT"

    def has_moved(self, seconds: float) -> None:
        """Put the deadline off by the time that a part of its body took: a large one is not late while it moves."""
        self.deadline += seconds
        if self.scope is not None:
            self.scope.deadline = self.deadline

    @property
    def may_have_happened(self) -> bool:
        """Whether the service may have done what an attempt asked for, without saying so."""
        return any(attempt.may_have_happened for attempt in self.attempts)

    def begins_attempt(self) -> float:
        """Tell the hooks; give the time."""
        self._tell("before_attempt", None)
        return self.loop.time()

    def ended_attempt(
        self,
        began: float,
        sent: Literal["yes", "maybe", "no"],
        response: Response | None = None,
        error: str | None = None,
    ) -> None:
        """Enter an attempt into the ledger."""
        attempt = Attempt(
            number=len(self.attempts) + 1,
            sent=sent,
            status=None if response is None else response.status,
            error=error,
            # By its own loop, as none is running when a call ends because its loop was closed over it.
            elapsed=self.loop.time() - began,
            request_id=None if response is None else request_id(response.headers, self.secrets),
        )
        self.attempts.append(attempt)
        if self.hooks:
            self._headers = None if response is None else shown_headers(response.headers, self.secrets)
        self._tell("after_attempt", attempt)

    def will_be_repeated(self, wait: float) -> None:
        """Enter the wait before the next attempt into the ledger."""
        self.attempts[-1] = attrs.evolve(self.attempts[-1], wait=wait)
        self._tell("retrying", self.attempts[-1])

    def was_put_off(self) -> None:
        """Enter the time since its attempts had come to nothing into the ledger, where it was an outage that passed."""
        if self.attempts:
            self.attempts[-1] = attrs.evolve(self.attempts[-1], wait=self.loop.time() - self.failed_at)

    def _tell(self, moment: Moment, attempt: Attempt | None) -> None:
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
            tell(self.hooks, moment, event)

    def error(self, failure: AIShootError) -> AIShootError:
        """Make what the caller gets of what was seen: with the ledger, without tokens, and plain about a create."""
        if isinstance(failure, TransportError | APIStatusError | UnexpectedResponseError):
            failure.attempts = tuple(self.attempts)
        scrub_error(failure, self.secrets)
        # The frames below hold the answer as it came, and tools that show locals would show a token echoed there.
        failure.__traceback__ = None
        if isinstance(failure, UnexpectedResponseError):
            # Cut after the tokens were taken out, or half of one could be left.
            failure.body = failure.body[:EXCERPT]
        # What a token could not be had for was not sent with it.
        if self.repeats_as == "POST" and not self.without_token and _is_ambiguous(failure):
            msg = (
                f"POST {self.path} may or may not have happened ({failure}). It was not sent again; "
                f"list what is there before you repeat it"
            )
            return AmbiguousWriteError(msg, cause=failure)
        return failure


class Answer:
    """A 2xx that has not been read: what makes pages of it does so when they are wanted, and not all at once."""

    __slots__ = ("_call", "_response")

    def __init__(self, call: Call, response: Response) -> None:
        """Keep what the call came to."""
        self._call = call
        self._response = response

    def read(self, read: Callable[[Response], T]) -> T:
        """Make the result of the call.

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
