"""The app: global options, then a command, run on one event loop that Ctrl-C and SIGTERM end in order."""

import asyncio
import contextlib
import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from cyclopts import App, Group, Parameter
from rich.console import Console

from aishoot_async import AIShootError
from aishoot_async._version import __version__

from ._completion import completion
from ._context import Context
from ._failures import DONE, FAILED, INTERRUPTED, TERMINATED, report
from ._results import results
from ._sandbox import sandbox
from ._skus import skus
from ._talk import Talk

_EXAMPLE: Final = "Try it without an account: aishoot --sandbox results list 1 --limit 5"

app: Final = App(
    name="aishoot",
    help="autoRetouch's AI Shoot from the command line: SKUs, briefs, and all of their results.",
    help_epilogue=_EXAMPLE,
    version=__version__,
    error_console=Console(stderr=True),
    result_action="return_value",
    default_parameter=Parameter(negative=(), show_default=False),
)
for _command in (skus, results, sandbox, completion):
    app.command(_command)
app.meta.default_parameter = app.default_parameter
app.meta.group_parameters = Group("Global options", sort_key=0)


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    sandbox: bool = False,
    base_url: str | None = None,
    organization: str | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"])] = False,
    no_input: bool = False,
    log_format: Literal["text", "json"] = "text",
) -> int:
    """Run a command.

    Parameters
    ----------
    sandbox
        Run against an embedded sandbox with demo data: no account, no network.
    base_url
        Where the API is; also AISHOOT_BASE_URL.
    organization
        The organization's id; also AUTORETOUCH_ORGANIZATION_ID.
    json
        Print one JSON object a line on stdout.
    quiet
        Say only what went wrong.
    verbose
        Say more on stderr.
    no_input
        Never ask anything.
    log_format
        How to talk on stderr: text, or json for machines.
    """
    talk = Talk(quiet=quiet, verbose=verbose, as_json=log_format == "json")
    context = Context(
        sandbox=sandbox, base_url=base_url, organization=organization, json=json, may_ask=not no_input, talk=talk
    )
    command, bound, ignored = app.parse_args(tokens)
    if "context" in ignored:
        bound.arguments["context"] = context
        return _run(lambda: command(*bound.args, **bound.kwargs), talk)
    command(*bound.args, **bound.kwargs)  # --help and --version
    return DONE


def run(arguments: Sequence[str]) -> int:
    """Run the command line; give its exit code."""
    try:
        code = app.meta(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the pipe has had enough. Python would complain once more when it flushes at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code if isinstance(code, int) else DONE


def _run(command: Callable[[], Any], talk: Talk) -> int:
    ended_by: list[int] = []

    async def main() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end(number: int) -> None:
            ended_by.append(number)
            if task is not None:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end, number)
        with talk.logs():
            outcome = command()
            code: int = await outcome if inspect.isawaitable(outcome) else outcome
        return code

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        talk.warn("stopped; nothing half-written is left")
        return TERMINATED if signal.SIGTERM in ended_by else INTERRUPTED
    except AIShootError as error:
        return report(error, talk)
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001  # the last place where it can be told from a user's error
        talk.error("this is a bug in aishoot-async; please report it with the lines below")
        traceback.print_exc()
        return FAILED
