"""What happens around one request."""

from ._caller import Caller
from ._gate import Gate
from ._hooks import CallEvent, Hook, check_hooks
from ._lifetime import Lifetime

__all__ = ["CallEvent", "Caller", "Gate", "Hook", "Lifetime", "check_hooks"]
