"""Pure: what an error means for the rest of an export."""

from enum import Enum, auto

from ..errors import AIShootError, UnstableListingError
from ..failures import ends_all, is_passing


class Failure(Enum):
    """How far an error reaches."""

    ALL = auto()  # no brief can go on: the disk, the login or the session is at fault
    PERMANENT = auto()  # this brief will fail again
    PASSING = auto()  # this brief may come through another time
    CHANGING = auto()  # so it may, and the service is not at fault: the brief changes while it is read


def reach(error: AIShootError) -> Failure:
    """Tell how far an error reaches."""
    if ends_all(error):
        return Failure.ALL
    if isinstance(error, UnstableListingError):
        return Failure.CHANGING
    return Failure.PASSING if is_passing(error) else Failure.PERMANENT
