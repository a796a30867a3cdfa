"""What can go wrong with one call: on the way, as an answer of the API, or with a body that cannot be read."""

from collections.abc import Sequence
from typing import Final

from ._attempt import Attempt
from ._base import AIShootError

_KEYS_KEPT: Final = 100
_KEY_LENGTH: Final = 1000


class TransportError(AIShootError):
    """No whole answer came.

    Attributes:
        attempts: every attempt of the call, oldest first.
        maybe_sent: whether the service may have seen the request.
    """

    def __init__(self, message: str, *, maybe_sent: bool = True, attempts: Sequence[Attempt] = ()) -> None:
        """Say what happened, and whether the request may have arrived."""
        super().__init__(message)
        self.maybe_sent = maybe_sent
        self.attempts: tuple[Attempt, ...] = tuple(attempts)


class ConnectError(TransportError):
    """No connection was obtained: refused, not resolved, or not in time. The request was not sent."""


class CallTimeoutError(TransportError, TimeoutError):
    """A time-out of `Timeouts` passed."""


class ResponseTooLargeError(TransportError):
    """The body is larger, once decompressed, than ``Limits.response_bytes``."""


class APIStatusError(AIShootError):
    """The API answered with a status that is no success.

    Attributes:
        status: the HTTP status.
        method: the request's method.
        path: the request's path, without its query.
        error: the short name in the answer's body, or the HTTP reason.
        message: the sentence in the answer's body; ``None`` when it has none.
        timestamp: the time in the answer's body, as it stands there.
        request_id: what the service calls this request, if it says so.
        body: the beginning of the answer's body, at most 64 KiB, without tokens.
        retry_after: seconds that the service asked to wait for; ``None`` when it did not, or not readably.
        attempts: every attempt of the call, oldest first.
        synthetic: True when the library found it out by itself (`NotFoundError` of ``skus.get``), from other answers.
    """

    def __init__(
        self,
        status: int,
        *,
        method: str,
        path: str,
        error: str | None = None,
        message: str | None = None,
        timestamp: str | None = None,
        request_id: str | None = None,
        body: bytes = b"",
        retry_after: float | None = None,
        attempts: Sequence[Attempt] = (),
        synthetic: bool = False,
    ) -> None:
        """Keep what the answer said."""
        said = ": ".join(part for part in (error, message) if part)
        tail = f" [request {request_id}]" if request_id else ""
        super().__init__(f"{method} {path} answered {status}{f' ({said})' if said else ''}{tail}")
        self.status = status
        self.method = method
        self.path = path
        self.error = error
        self.message = message
        self.timestamp = timestamp
        self.request_id = request_id
        self.body = body
        self.retry_after = retry_after
        self.attempts: tuple[Attempt, ...] = tuple(attempts)
        self.synthetic = synthetic


class BadRequestError(APIStatusError):
    """400: malformed."""


class AuthenticationError(APIStatusError):
    """401: the token is missing, wrong or expired, and a fresh one did not help."""


class PermissionDeniedError(APIStatusError):
    """403: this account may not do that."""


class NotFoundError(APIStatusError):
    """404: there is no such SKU, brief or image."""


class ConflictError(APIStatusError):
    """409: it conflicts with what is there."""


class UnprocessableError(APIStatusError):
    """422: the content cannot be processed."""


class RateLimitedError(APIStatusError):
    """429: too many requests."""


class ServerError(APIStatusError):
    """5xx: the service failed."""


class AmbiguousWriteError(AIShootError):
    """A create may or may not have happened. It was not sent again: that could make a second SKU.

    Attributes:
        cause: what was seen: a `TransportError`, a `ServerError` or an `UnexpectedResponseError`.
    """

    def __init__(self, message: str, *, cause: AIShootError) -> None:
        """Keep what was seen."""
        super().__init__(message)
        self.cause = cause

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt of the call, oldest first."""
        if isinstance(self.cause, TransportError | APIStatusError | UnexpectedResponseError):
            return self.cause.attempts
        return ()


class UnexpectedResponseError(AIShootError):
    """A body cannot be read as what it should be.

    Attributes:
        reason: what was expected and what stood there, without the place.
        where: the place in the body, such as ``entries[3].id``; empty for the whole.
        keys: the keys that were seen at that place: the first hundred, and of a long one its beginning.
        body: the beginning of the body, at most 2 KiB, without tokens; empty for an answer of the auth server.
        attempts: every attempt of the call, oldest first.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        keys: Sequence[str] = (),
        body: bytes = b"",
        attempts: Sequence[Attempt] = (),
    ) -> None:
        """Say what was expected, where, and what stood there."""
        # A body of many megabytes may have a million keys, or one that long: nobody reads them.
        keys = [key[:_KEY_LENGTH] for key in keys[:_KEYS_KEPT]]
        seen = f"; its keys are {', '.join(keys[:20])}" if keys else ""
        super().__init__(f"{f'{where}: ' if where else ''}{message}{seen}")
        self.reason = message
        self.where = where
        self.keys: tuple[str, ...] = tuple(keys)
        self.body = body
        self.attempts: tuple[Attempt, ...] = tuple(attempts)
