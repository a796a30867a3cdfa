"""The command line, ``aishoot``: one more user of the public face. It needs the extra ``[cli]``."""

import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line, and exit with its code."""
    missing = [name for name in ("cyclopts", "rich", "platformdirs") if find_spec(name) is None]
    if missing:
        sys.exit("The command line needs its extra packages: pip install 'aishoot-async[cli]'")
    from ._app import run  # noqa: PLC0415  # its imports are what is looked for above

    sys.exit(run(sys.argv[1:]))
