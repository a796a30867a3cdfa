"""The app: global options, then a command.

Help, completion and wrong usage must answer at once, so what is slow to import is imported when a command runs.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from cyclopts import App, CycloptsError, Group, Parameter

from aishoot_async._version import __version__

from ._options import parse_size

_AFTERWORD: Final = """\
Log in with aishoot login, or set AISHOOT_TOKEN. Without an account, try:

aishoot --sandbox skus list --limit 5
aishoot --sandbox --json results list 1
aishoot --sandbox results export 1 --to results.jsonl"""

app: Final = App(
    name="aishoot",
    help=f"autoRetouch's AI Shoot from the command line: SKUs, briefs, and all of their results.\n\n{_AFTERWORD}",
    help_format="plaintext",  # the other formats import a Markdown parser first
    version=__version__,
    print_error=False,
    exit_on_error=False,
    result_action="return_value",
    default_parameter=Parameter(negative=(), show_default=False),
)
for _place, _help, _example in (
    ("skus:skus", "SKUs: the garments that shoots are made of.", "aishoot --sandbox skus list --limit 5"),
    ("results:results", "The results of briefs.", "aishoot --sandbox results list 1 --limit 10"),
    ("images:images", "The images that SKUs are made of.", "aishoot images upload front.jpg back.jpg"),
    ("login:login", "Log in: confirm a code in a browser.", "aishoot login --no-browser"),
    ("login:logout", "Log out: revoke the login, and remove its file.", "aishoot logout"),
    ("login:status", "Who is logged in, from where and until when.", "aishoot --json status"),
    (
        "sandbox:sandbox",
        "Serve demo data as the API does, on this machine, until Ctrl-C.",
        "aishoot sandbox --port 8080",
    ),
    ("completion:completion", "Complete commands and options in your shell.", "source <(aishoot completion bash)"),
):
    app.command(f"aishoot_async.cli._{_place}", name=_place.partition(":")[2], help=f"{_help}\n\nExample: {_example}")
app.meta.default_parameter = app.default_parameter
app.meta.group_parameters = Group("Global options", sort_key=0)


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    sandbox: bool = False,
    base_url: str | None = None,
    proxy: str | None = None,
    organization: str | None = None,
    max_response: Annotated[int | None, Parameter(converter=parse_size, metavar="SIZE")] = None,
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
    proxy
        A proxy's http:// or https:// URL, or none; without, HTTPS_PROXY, ALL_PROXY and NO_PROXY are heeded.
    organization
        The organization's id; also AUTORETOUCH_ORGANIZATION_ID.
    max_response
        The largest answer that is read, such as 256M; 64M if nothing is said.
    json
        Print one JSON object a line on stdout.
    quiet
        Say only what went wrong.
    verbose
        Say more on stderr.
    no_input
        Never ask anything.
    log_format
        Messages on stderr: text, or json for machines.
    """
    command, bound, ignored = app.parse_args(tokens)
    if "context" not in ignored:
        command(*bound.args, **bound.kwargs)  # --help and --version
        return 0
    from ._console import Console  # noqa: PLC0415
    from ._context import Context  # noqa: PLC0415
    from ._running import run_command  # noqa: PLC0415

    context = Context(
        sandbox=sandbox,
        base_url=base_url,
        proxy=proxy,
        organization=organization,
        max_response=max_response,
        json=json,
        interactive=not no_input,
        console=Console(
            quiet=quiet,
            verbose=verbose,
            as_json=log_format == "json",
            command=" ".join(("aishoot", *app.parse_commands(tokens)[0])),
        ),
    )
    bound.arguments["context"] = context
    return run_command(lambda: command(*bound.args, **bound.kwargs), context.console)


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit code."""
    try:
        code = app.meta(list(arguments))
    except CycloptsError as error:
        from ._errors import report_usage_error  # noqa: PLC0415

        return report_usage_error(error, app.meta.assemble_argument_collection(), arguments)
    except Exception:  # noqa: BLE001  # the last place where it can be told from a user's error
        from ._errors import report_crash  # noqa: PLC0415

        return report_crash(arguments)
    return code if isinstance(code, int) else 0
