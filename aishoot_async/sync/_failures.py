"""Pure: what an error means for an item, and for the rest of an apply."""

from ..errors import (
    AIShootError,
    APIStatusError,
    AuthenticationError,
    AuthError,
    ConfigurationError,
    LockedError,
    RateLimitedError,
    ResponseTooLargeError,
    ServerError,
    SessionClosedError,
    SyncError,
    TransportError,
    UnexpectedResponseError,
    WrongLoopError,
)

_ENDS_ALL = (
    AuthError,
    AuthenticationError,
    ConfigurationError,
    LockedError,
    SessionClosedError,
    SyncError,
    WrongLoopError,
)


def ends_all(error: BaseException) -> bool:
    """Tell whether nothing can go on: the disk, the login or the session is at fault, or this library is."""
    return isinstance(error, _ENDS_ALL) or not isinstance(error, AIShootError)


def is_passing(error: AIShootError) -> bool:
    """Tell whether it is the service that is in trouble, and not the item."""
    if isinstance(error, TransportError):
        return not isinstance(error, ResponseTooLargeError)
    return isinstance(error, ServerError | RateLimitedError)


def may_have_happened(error: AIShootError) -> bool:
    """Tell whether an update or a delete that came to this may have been done all the same."""
    if isinstance(error, UnexpectedResponseError):
        return True
    if not isinstance(error, TransportError | APIStatusError):
        return False
    return (isinstance(error, TransportError) and error.maybe_sent) or any(
        attempt.sent == "maybe" or (attempt.status is not None and attempt.status >= 500)  # noqa: PLR2004
        for attempt in error.attempts
    )


def sentence(error: BaseException) -> str:
    """Say what happened."""
    return f"{type(error).__name__}: {error}"
