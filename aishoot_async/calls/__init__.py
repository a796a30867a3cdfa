"""What happens around one request."""

from ._caller import Caller
from ._gate import Gate
from ._hooks import CallEvent, Hook
from ._lifetime import Lifetime

__all__ = ["CallEvent", "Caller", "Gate", "Hook", "Lifetime"]
