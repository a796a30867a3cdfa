"""The command line, ``aishoot``: one more user of the public face. It needs the extra ``[cli]``."""

import sys
from pathlib import Path
from typing import Final

from ._signals import Stopped, signals
from ._streams import OutputError, setup_streams, setup_width

HELP: Final = Path(__file__).with_name("help.txt")
_HELP_COLUMNS: Final = 80


def main() -> None:
    """Run the command line, and exit with its code."""
    signals.install()
    code = 0
    try:
        setup_streams()
        setup_width()
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except Stopped:
        signals.force_exit_soon()
        code = signals.exit_code
    except OutputError as error:
        code = code if error.reader_gone else _report_lost_output(error)
    signals.restore()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    from importlib.util import find_spec  # noqa: PLC0415  # a signal may interrupt what is imported here

    missing = [name for name in ("cyclopts", "rich", "platformdirs") if find_spec(name) is None]
    if missing:
        print("The command line needs its extra packages: pip install 'aishoot-async[cli]'", file=sys.stderr)  # noqa: T201
        return 1
    if arguments in ([], ["-h"], ["--help"]) and _stored_help_fits():
        # What people ask most is answered from a page rendered beforehand, five times as fast.
        sys.stdout.write(HELP.read_text(encoding="utf-8"))
        return 0
    from ._app import run  # noqa: PLC0415  # its imports are what is looked for above

    return run(arguments)


def _stored_help_fits() -> bool:
    from shutil import get_terminal_size  # noqa: PLC0415

    return sys.stdout.encoding.lower() == "utf-8" and get_terminal_size().columns >= _HELP_COLUMNS


def _report_lost_output(error: OutputError) -> int:
    from ._console import Console  # noqa: PLC0415  # most runs end without

    Console.from_arguments(sys.argv[1:]).error(
        str(error), advice="What was printed is not whole: run it again where stdout can be written to."
    )
    return 1
