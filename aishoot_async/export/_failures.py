"""Pure: what an error means for the rest of an export."""

from enum import Enum, auto

from ..errors import (
    AIShootError,
    APIStatusError,
    AuthenticationError,
    AuthError,
    ConfigurationError,
    ExportError,
    LockedError,
    RateLimitedError,
    ResponseTooLargeError,
    ServerError,
    SessionClosedError,
    TransportError,
    UnstableListingError,
    WrongLoopError,
)

_ENDS_ALL = (
    AuthError,
    AuthenticationError,
    ConfigurationError,
    ExportError,
    LockedError,
    SessionClosedError,
    WrongLoopError,
)


class Failure(Enum):
    """How far an error reaches."""

    ALL = auto()  # no brief can go on: the disk, the login or the session is at fault
    PERMANENT = auto()  # this brief will fail again
    PASSING = auto()  # this brief may come through another time
    CHANGING = auto()  # so it may, and the service is not at fault: the brief changes while it is read


def reach(error: AIShootError) -> Failure:
    """Tell how far an error reaches."""
    if isinstance(error, _ENDS_ALL):
        return Failure.ALL
    if isinstance(error, UnstableListingError):
        return Failure.CHANGING
    if isinstance(error, ServerError | RateLimitedError):
        return Failure.PASSING
    if isinstance(error, TransportError) and not isinstance(error, ResponseTooLargeError):
        return Failure.PASSING
    if isinstance(error, APIStatusError) and error.status == 408:  # noqa: PLR2004
        return Failure.PASSING
    return Failure.PERMANENT
