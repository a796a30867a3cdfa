"""What happens around one request."""

from ._call import CallOptions, PendingResponse
from ._client import ApiClient
from ._hooks import Hook, check_hooks
from ._lifecycle import SessionLifecycle, closed_error
from ._responses import escape_controls
from ._throttle import Throttle, Traffic

__all__ = [
    "ApiClient",
    "CallOptions",
    "Hook",
    "PendingResponse",
    "SessionLifecycle",
    "Throttle",
    "Traffic",
    "check_hooks",
    "closed_error",
    "escape_controls",
]
