"""An asyncio client for autoRetouch's AI Shoot API.

The names below are imported when one of them is first asked for: the package itself costs nothing to those who only
load its pytest plugin or ask for its version.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from ._face import *

__all__ = [
    "UNSET",
    "AIShootError",
    "AIShootSession",
    "APIStatusError",
    "AmbiguousWriteError",
    "Attempt",
    "AuthError",
    "AuthenticationError",
    "BadRequestError",
    "BriefResource",
    "BriefResult",
    "CallEvent",
    "CallTimeoutError",
    "CatalogError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "CredentialFile",
    "Cursor",
    "DriftError",
    "EnvelopePaths",
    "ExportError",
    "Gender",
    "Hook",
    "ImageResource",
    "Limits",
    "LockedError",
    "LoginRejectedError",
    "LoginRequiredError",
    "NotFoundError",
    "Page",
    "Pager",
    "PagingError",
    "PagingLoopError",
    "PagingOptions",
    "PagingReport",
    "PermissionDeniedError",
    "RateLimitedError",
    "RefreshToken",
    "RequestValidationError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "ServerError",
    "SessionClosedError",
    "Sku",
    "SkuCategory",
    "SkuChanges",
    "SkuCreate",
    "SkuResource",
    "SkuUpdate",
    "StaticToken",
    "SyncError",
    "Timeouts",
    "TokenSource",
    "Traffic",
    "TransportError",
    "UnexpectedResponseError",
    "UnprocessableError",
    "Unset",
    "UnstableListingError",
    "Walk",
    "WrongLoopError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    face = import_module("._face", __name__)
    for public in set(__all__) - {"__version__"}:
        value = getattr(face, public)
        # Tracebacks and documentation name the module that users import from.
        if getattr(value, "__module__", "").startswith(f"{__name__}."):
            value.__module__ = __name__
        globals()[public] = value
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
