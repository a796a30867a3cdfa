"""What happens around one request."""

from ._answers import printable
from ._call import Answer, CallOptions
from ._caller import Caller
from ._hooks import Hook, check_hooks
from ._lifetime import Lifetime, closed_error
from ._throttle import Throttle, Traffic

__all__ = [
    "Answer",
    "CallOptions",
    "Caller",
    "Hook",
    "Lifetime",
    "Throttle",
    "Traffic",
    "check_hooks",
    "closed_error",
    "printable",
]
