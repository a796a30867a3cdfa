"""Errors as people read them: one sentence what happened, one what to do, and an exit code."""

from typing import Final

import attrs

from aishoot_async import (
    AIShootError,
    AmbiguousWriteError,
    APIStatusError,
    Attempt,
    AuthenticationError,
    AuthError,
    CallTimeoutError,
    CatalogError,
    ConfigurationError,
    ConnectError,
    LockedError,
    LoginRejectedError,
    LoginRequiredError,
    NotFoundError,
    PagingError,
    PermissionDeniedError,
    RateLimitedError,
    RequestValidationError,
    ResponseTooLargeError,
    ServerError,
    SyncError,
    TransportError,
    UnexpectedResponseError,
    UnstableListingError,
)

from ._flags import in_flags
from ._talk import Talk

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
PARTLY: Final = 3
LOGIN: Final = 4
UNKNOWN_OUTCOME: Final = 5
TO_DO: Final = 10
INTERRUPTED: Final = 130
TERMINATED: Final = 143

# The first class that fits counts.
_ADVICE: Final[tuple[tuple[type[AIShootError], int, str], ...]] = (
    (AuthenticationError, LOGIN, "Log in again: aishoot login. Or set AISHOOT_TOKEN to a fresh token."),
    (LoginRequiredError, LOGIN, "Or try --sandbox to look around without an account."),
    (LoginRejectedError, LOGIN, "Then run the same command again."),
    (AuthError, LOGIN, "Put that right, then run the same command again."),
    (CatalogError, USAGE, "Put the catalog right, then run the same command again."),
    (SyncError, FAILED, "See {command} --help."),
    (LockedError, FAILED, "Wait until the other process has ended."),
    (PermissionDeniedError, FAILED, "Ask whoever runs your organization for access."),
    (ConfigurationError, USAGE, "See {command} --help."),
    (RequestValidationError, USAGE, "See {command} --help."),
    (AmbiguousWriteError, UNKNOWN_OUTCOME, "Look with `aishoot skus list` before you create it again."),
    (NotFoundError, FAILED, "Check the id; the account may not see it either."),
    (RateLimitedError, FAILED, "Wait a while, then run the same command again."),
    (ServerError, FAILED, "The service has a problem: run the same command again later."),
    (APIStatusError, FAILED, "The service refused the request."),
    (ConnectError, FAILED, "Check the network, the proxy, --base-url and AISHOOT_AUTH_URL."),
    (CallTimeoutError, FAILED, "The service is slow or out of reach: run the same command again."),
    (ResponseTooLargeError, FAILED, "If that is no mistake of the service, allow more: --max-response 256M."),
    (TransportError, FAILED, "Run the same command again."),
    (UnexpectedResponseError, FAILED, "Is this the API, or a proxy's page? Check --base-url."),
    (UnstableListingError, FAILED, "Run the same command again when fewer changes are made."),
    (PagingError, FAILED, "Run it again; if it stays so, the service's paging is at fault."),
)


def report(error: AIShootError, talk: Talk) -> int:
    """Say what happened and what to do; give the exit code."""
    _, code, advice = next((row for row in _ADVICE if isinstance(error, row[0])), (AIShootError, FAILED, ""))
    seen = error.cause if isinstance(error, AmbiguousWriteError) else error
    request_id = getattr(seen, "request_id", None)
    if isinstance(error, CatalogError):
        _list(error, advice, talk)
        return code
    talk.error(
        in_flags(str(error)),
        advice=advice.format(command=talk.command),
        **({"request_id": request_id} if request_id else {}),
    )
    if talk.verbose:
        for attempt in getattr(error, "attempts", ()):
            talk.note(_told(attempt), **attrs.asdict(attempt))
    return code


def _list(error: CatalogError, advice: str, talk: Talk) -> None:
    """Say what is wrong with a catalog: a line for each problem, and all of them to a machine."""
    headline, *listed = in_flags(str(error)).splitlines()
    if talk.as_json:
        problems = [{"line": one.line, "field": one.field, "problem": str(one)} for one in error.problems]
        talk.error(headline, advice=advice, problems=problems)
    else:
        talk.error(headline)
        talk.show(*listed, advice)


def _told(attempt: Attempt) -> str:
    came = {"no": "was not sent", "maybe": "was sent, and got no answer", "yes": f"was answered {attempt.status}"}
    return (
        f"attempt {attempt.number} {came[attempt.sent]}{f' ({attempt.error})' if attempt.error else ''}"
        f" after {attempt.elapsed:.2f} s{f', request {attempt.request_id}' if attempt.request_id else ''}"
        f"{f'; the next came {attempt.wait:.2f} s later' if attempt.wait else ''}"
    )
