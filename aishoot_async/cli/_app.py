"""The app: global options, then a command.

Help, completion and wrong usage must answer at once, so what is slow to import is imported when a command runs.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from cyclopts import App, CycloptsError, Parameter

from aishoot_async._version import __version__

from ._options import GlobalOptions

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


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    options: GlobalOptions = GlobalOptions(),  # noqa: B008  # frozen
) -> int:
    """Run a command."""
    command, bound, ignored = app.parse_args(tokens)
    if "context" not in ignored:
        command(*bound.args, **bound.kwargs)  # --help and --version
        return 0
    from ._context import Context  # noqa: PLC0415
    from ._running import run_command  # noqa: PLC0415

    name = " ".join(("aishoot", *app.parse_commands(tokens)[0]))
    context = bound.arguments["context"] = Context.from_options(options, name)
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
