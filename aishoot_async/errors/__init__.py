"""Every error that this library raises. All of them pickle, and none ever shows a token.

AIShootError                        .cursor, or None
├ ConfigurationError                (also ValueError)
├ RequestValidationError            (also ValueError)  .field
├ SessionClosedError
├ WrongLoopError
├ TransportError                    .attempts .maybe_sent
│ ├ ConnectError
│ ├ CallTimeoutError                (also TimeoutError)
│ └ ResponseTooLargeError
├ APIStatusError                    .status .method .path .error .message .timestamp .request_id .body
│ │                                 .retry_after .attempts .synthetic
│ ├ BadRequestError            400
│ ├ AuthenticationError        401
│ ├ PermissionDeniedError      403
│ ├ NotFoundError              404
│ ├ ConflictError              409
│ ├ UnprocessableError         422
│ ├ RateLimitedError           429
│ └ ServerError                5xx
├ AmbiguousWriteError               .cause
├ UnexpectedResponseError           .where .keys .body
├ PagingError
│ ├ PagingLoopError
│ ├ DriftError
│ └ UnstableListingError
├ AuthError
│ ├ LoginRequiredError
│ └ LoginRejectedError
├ JobError
│ └ ExportError
├ SyncError
│ └ CatalogError                    .line .field .key .problems
└ LockedError
"""

from ._attempt import Attempt
from ._base import (
    AIShootError,
    ConfigurationError,
    Cursor,
    RequestValidationError,
    SessionClosedError,
    WrongLoopError,
)
from ._calls import (
    AmbiguousWriteError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    CallTimeoutError,
    ConflictError,
    ConnectError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ResponseTooLargeError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
    UnprocessableError,
)
from ._work import (
    AuthError,
    CatalogError,
    DriftError,
    ExportError,
    JobError,
    LockedError,
    LoginRejectedError,
    LoginRequiredError,
    PagingError,
    PagingLoopError,
    SyncError,
    UnstableListingError,
)

__all__ = [
    "AIShootError",
    "APIStatusError",
    "AmbiguousWriteError",
    "Attempt",
    "AuthError",
    "AuthenticationError",
    "BadRequestError",
    "CallTimeoutError",
    "CatalogError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "Cursor",
    "DriftError",
    "ExportError",
    "JobError",
    "LockedError",
    "LoginRejectedError",
    "LoginRequiredError",
    "NotFoundError",
    "PagingError",
    "PagingLoopError",
    "PermissionDeniedError",
    "RateLimitedError",
    "RequestValidationError",
    "ResponseTooLargeError",
    "ServerError",
    "SessionClosedError",
    "SyncError",
    "TransportError",
    "UnexpectedResponseError",
    "UnprocessableError",
    "UnstableListingError",
    "WrongLoopError",
]
