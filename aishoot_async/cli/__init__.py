"""The command line, ``aishoot``: one more user of the public face. It needs the extra ``[cli]``."""

import contextlib
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

HELP: Final = Path(__file__).with_name("help.txt")
_HELP_COLUMNS: Final = 80


def main() -> None:
    """Run the command line, and exit with its code."""
    missing = [name for name in ("cyclopts", "rich", "platformdirs") if find_spec(name) is None]
    if missing:
        sys.exit("The command line needs its extra packages: pip install 'aishoot-async[cli]'")
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the pipe has had enough. Python would complain once more when it flushes at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    if arguments in ([], ["-h"], ["--help"]) and _stored_help_fits():
        # What people ask most is answered from a page rendered beforehand, five times as fast.
        sys.stdout.write(HELP.read_text(encoding="utf-8"))
        return 0
    from ._app import run  # noqa: PLC0415  # its imports are what `main` looks for

    return run(arguments)


def _stored_help_fits() -> bool:
    return sys.stdout.encoding.lower() == "utf-8" and shutil.get_terminal_size().columns >= _HELP_COLUMNS
