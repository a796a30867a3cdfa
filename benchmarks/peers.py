"""The peers' environment: made of ``requirements.txt`` on the first run, kept in ``.peers`` beside it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_FOLDER: Final = _HERE / ".peers"
_REQUIREMENTS: Final = _HERE / "requirements.txt"
_MADE_OF: Final = _FOLDER / "made-of.txt"
_PYTHON: Final = _FOLDER / "bin" / "python"


def python() -> str:
    """Give the interpreter of the peers' environment, which is made when it is not there or not of these versions."""
    wanted = f"{sys.version}\n{_REQUIREMENTS.read_text(encoding='utf-8')}"
    if not _MADE_OF.exists() or _MADE_OF.read_text(encoding="utf-8") != wanted:
        print(f"making the peers' environment in {_FOLDER.relative_to(_HERE.parent)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", _FOLDER], check=True)
        install = [_PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", _REQUIREMENTS]
        subprocess.run(install, check=True, stdout=sys.stderr)
        _MADE_OF.write_text(wanted, encoding="utf-8")
    return str(_PYTHON)


def versions() -> dict[str, str]:
    """Give the pinned versions, by name."""
    lines = _REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if "==" in line]
    return {name.partition("[")[0]: version for name, version in pins}
