"""Pure: what an error means for a job of many calls, such as an export or a sync."""

from .errors import (
    AIShootError,
    APIStatusError,
    AuthenticationError,
    AuthError,
    ConfigurationError,
    JobError,
    LockedError,
    RateLimitedError,
    ResponseTooLargeError,
    ServerError,
    SessionClosedError,
    SyncError,
    TransportError,
    WrongLoopError,
)

_ENDS_ALL = (
    AuthError,
    AuthenticationError,
    ConfigurationError,
    JobError,
    LockedError,
    SessionClosedError,
    SyncError,
    WrongLoopError,
)


def ends_all(error: AIShootError) -> bool:
    """Tell whether nothing can go on: the disk, the login or the session is at fault."""
    return isinstance(error, _ENDS_ALL)


def is_passing(error: AIShootError) -> bool:
    """Tell whether it may come through another time, as it is the service that is in trouble."""
    if isinstance(error, TransportError):
        return not isinstance(error, ResponseTooLargeError)
    if isinstance(error, ServerError | RateLimitedError):
        return True
    return isinstance(error, APIStatusError) and error.status == 408  # noqa: PLR2004
