"""An asyncio client for autoRetouch's AI Shoot API.

The names below are imported when one of them is first asked for: the package itself costs nothing to those who only
load its pytest plugin or ask for its version.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

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
    "JobError",
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


# Each when it is asked for itself; see `_face`.
_LATER: Final = {"CallEvent": ".calls._event", "CredentialFile": ".auth", "RefreshToken": ".auth"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if name in _LATER:
        _hand_on(name, import_module(_LATER[name], __name__))
    else:
        face = import_module("._face", __name__)
        for public in {*__all__} - {"__version__", *_LATER}:
            _hand_on(public, face)
    return globals()[name]


def _hand_on(name: str, home: ModuleType) -> None:
    value = getattr(home, name)
    # Tracebacks and documentation name the module that users import from.
    if getattr(value, "__module__", "").startswith(f"{__name__}."):
        value.__module__ = __name__
    globals()[name] = value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
