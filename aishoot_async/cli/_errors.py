"""Errors as people read them: a sentence that says what happened, one that says what to do, and an exit code."""

import difflib
import platform
import traceback
from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from cyclopts import (
    Argument,
    CoercionError,
    CycloptsError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from aishoot_async import errors
from aishoot_async._version import __version__

from ._console import Console
from ._text import in_flags, without_tokens

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
PARTLY: Final = 3
LOGIN: Final = 4
UNKNOWN_OUTCOME: Final = 5
TO_DO: Final = 10

# The first class that fits counts.
_ADVICE: Final[tuple[tuple[type[errors.AIShootError], int, str], ...]] = (
    (errors.AuthenticationError, LOGIN, "Log in again: aishoot login. Or set AISHOOT_TOKEN to a fresh token."),
    (errors.LoginRequiredError, LOGIN, "Or try --sandbox to look around without an account."),
    (errors.LoginRejectedError, LOGIN, "Then run the same command again."),
    (errors.AuthError, LOGIN, "Put that right, then run the same command again."),
    (errors.CatalogError, USAGE, "Put the catalog right, then run the same command again."),
    (errors.SyncError, FAILED, "See {command} --help."),
    (errors.LockedError, FAILED, "Wait until the other process has ended."),
    (errors.PermissionDeniedError, FAILED, "Ask whoever runs your organization for access."),
    (errors.ConfigurationError, USAGE, "See {command} --help."),
    (errors.RequestValidationError, USAGE, "See {command} --help."),
    (errors.AmbiguousWriteError, UNKNOWN_OUTCOME, "Look with `aishoot skus list` before you create it again."),
    (errors.NotFoundError, FAILED, "Check the id; the account may not see it either."),
    (errors.RateLimitedError, FAILED, "Wait a while, then run the same command again."),
    (errors.ServerError, FAILED, "The service has a problem: run the same command again later."),
    (errors.APIStatusError, FAILED, "The service refused the request."),
    (errors.ConnectError, FAILED, "Check the network, the proxy, --base-url and AISHOOT_AUTH_URL."),
    (errors.CallTimeoutError, FAILED, "The service is slow or out of reach: run the same command again."),
    (errors.ResponseTooLargeError, FAILED, "If that is no mistake of the service, allow more: --max-response 256M."),
    (errors.TransportError, FAILED, "Run the same command again."),
    (errors.UnexpectedResponseError, FAILED, "Is this the API, or a proxy's page? Check --base-url."),
    (errors.UnstableListingError, FAILED, "Run the same command again when fewer changes are made."),
    (errors.PagingError, FAILED, "Run it again; if it stays so, the service's paging is at fault."),
)


def report(error: errors.AIShootError, console: Console) -> int:
    """Say what happened and what to do; return the exit code."""
    _, code, advice = next((row for row in _ADVICE if isinstance(error, row[0])), (errors.AIShootError, FAILED, ""))
    seen = error.cause if isinstance(error, errors.AmbiguousWriteError) else error
    request_id = getattr(seen, "request_id", None)
    if isinstance(error, errors.CatalogError):
        _report_catalog(error, advice, console)
        return code
    console.error(
        in_flags(str(error)),
        advice=advice.format(command=console.command),
        **({"request_id": request_id} if request_id else {}),
    )
    if console.verbose:
        for attempt in getattr(error, "attempts", ()):
            console.note(_describe(attempt), **attrs.asdict(attempt))
    return code


def _report_catalog(error: errors.CatalogError, advice: str, console: Console) -> None:
    """Say what is wrong with a catalog: a line for each problem, and all of them to a machine."""
    headline, *listed = in_flags(str(error)).splitlines()
    if console.as_json:
        problems = [{"line": one.line, "field": one.field, "problem": str(one)} for one in error.problems]
        console.error(headline, advice=advice, problems=problems)
    else:
        console.error(headline)
        console.show(*listed, advice)


def _describe(attempt: errors.Attempt) -> str:
    came = {"no": "was not sent", "maybe": "was sent, and got no answer", "yes": f"was answered {attempt.status}"}
    return (
        f"attempt {attempt.number} {came[attempt.sent]}{f' ({attempt.error})' if attempt.error else ''}"
        f" after {attempt.elapsed:.2f} s{f', request {attempt.request_id}' if attempt.request_id else ''}"
        f"{f'; the next came {attempt.wait:.2f} s later' if attempt.wait else ''}"
    )


_ON_EVERY_COMMAND: Final = ("--help", "-h", "--version")


def report_usage_error(error: CycloptsError, global_options: Iterable[Argument], arguments: Sequence[str]) -> int:
    """Say what is wrong with a command line, and what may have been meant; return the exit code."""
    command = " ".join(("aishoot", *(error.command_chain or ())))
    known = [*_names(global_options), *_ON_EVERY_COMMAND]
    Console.from_arguments(arguments).error(_usage_problem(error, known), advice=f"See {command} --help.")
    return USAGE


def _usage_problem(error: CycloptsError, global_names: list[str]) -> str:
    """Describe the error as cyclopts does, but for what it does not know of: global options and their order."""
    unused = (error.unused_tokens or [""])[0]
    if isinstance(error, UnknownOptionError):
        option = error.token.keyword or error.token.value
        return _unknown_option(option, [*_names(error.argument_collection), *global_names])
    if isinstance(error, UnknownCommandError) and unused.startswith("-"):
        # What stands before a command is taken for one by cyclopts, which then looks among the commands alone.
        return _unknown_option(unused, global_names)
    if isinstance(error, UnusedCliTokensError):
        return f'Unexpected argument: "{unused}".'
    if isinstance(error, CoercionError) and error.msg is not None and error.argument is not None:
        # For a value that our own converter refuses, cyclopts does not name a positional argument.
        name = error.argument.name
        return f"Invalid value for {name if name.startswith('--') else name.upper()}: {error.msg}."
    return str(error)


def _names(options: Iterable[Argument]) -> list[str]:
    return [name for option in options if option.parse for name in option.names if name.strip("-")]


def _unknown_option(given: str, known: list[str]) -> str:
    name = given.split("=", 1)[0]
    if name in known:
        return f"{name} stands behind --, where nothing is taken for an option."
    meant = difflib.get_close_matches(name, known, n=1)
    return f"Unknown option: {name}.{f' Did you mean {meant[0]}?' if meant else ''}"


def report_crash(arguments: Sequence[str]) -> int:
    """Show the unexpected exception that is being handled, without tokens; return the exit code."""
    Console.from_arguments(arguments).crash(
        "this is a bug in aishoot-async; please report it with the lines below",
        without_tokens(traceback.format_exc()),
        version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
    )
    return FAILED
