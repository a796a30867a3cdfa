"""Pure: what an error says of the operation that came to it."""

from ..errors import AIShootError, APIStatusError, TransportError, UnexpectedResponseError


def may_have_happened(error: AIShootError) -> bool:
    """Tell whether an update or a delete that came to this may have been done all the same."""
    if isinstance(error, UnexpectedResponseError):
        return True
    if not isinstance(error, TransportError | APIStatusError):
        return False
    return (isinstance(error, TransportError) and error.maybe_sent) or any(
        attempt.may_have_happened for attempt in error.attempts
    )


def sentence(error: BaseException) -> str:
    """Say what happened."""
    return f"{type(error).__name__}: {error}"
