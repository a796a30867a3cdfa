"""What happens around one request."""

from ._answers import printable
from ._call import CallOptions
from ._caller import Caller
from ._hooks import CallEvent, Hook, check_hooks
from ._lifetime import Lifetime
from ._throttle import Throttle

__all__ = ["CallEvent", "CallOptions", "Caller", "Hook", "Lifetime", "Throttle", "check_hooks", "printable"]
