"""The command line, ``aishoot``: one more user of the public face. It needs the extra ``[cli]``."""

import sys
from pathlib import Path
from typing import Final

from ._signals import Stopped, ending
from ._streams import OutputError, settle
from ._width import settle_width

HELP: Final = Path(__file__).with_name("help.txt")
_HELP_COLUMNS: Final = 80


def main() -> None:
    """Run the command line, and exit with its code."""
    ending.listen()
    code = 0
    try:
        settle()
        settle_width()
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except Stopped:
        ending.hurry()
        code = ending.code
    except OutputError as error:
        code = code if error.reader_gone else _complain(error)
    ending.leave()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    from importlib.util import find_spec  # noqa: PLC0415  # what is imported here, a signal can break off in order

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


def _complain(error: OutputError) -> int:
    from ._talk import Talk  # noqa: PLC0415  # most runs end without

    Talk.named_in(sys.argv[1:]).error(
        str(error), advice="What was printed is not whole: run it again where stdout can be written to."
    )
    return 1
