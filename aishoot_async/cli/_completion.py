"""``aishoot completion``."""

import os
import re
from pathlib import Path
from typing import Final, Literal

from cyclopts import App, Group

from ._failures import DONE, FAILED
from ._options import Given
from ._tables import print_data

completion = App(name="completion", group_parameters=Group("Parameters"))
Shell = Literal["bash", "zsh", "fish"]

# Cyclopts' script only defines a function, which zsh calls by itself if the file bears that function's name.
_ZSH_START: Final = """
compdef {function} aishoot
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  {function} "$@"
fi
"""


@completion.default
def print_script(shell: Shell, /, *, install: bool = False, context: Given) -> int:
    """Print the completion script of a shell, or write it where that shell looks for it.

    Example: source <(aishoot completion bash)

    Parameters
    ----------
    shell
        bash, zsh or fish.
    install
        Write it to your home folder; no file of yours is edited.
    """
    script = _script(shell)
    if not install:
        print_data(script.encode())
        return DONE
    try:
        path, then = _place(shell)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, script)
    except (OSError, RuntimeError) as error:
        why = "no home folder is known; set HOME" if isinstance(error, RuntimeError) else error
        context.talk.error(f"cannot write the script: {why}", advice="Or print it to a file of your choice instead.")
        return FAILED
    context.talk.note(f"wrote {path}. {then}", path=str(path))
    return DONE


def _script(shell: Shell) -> str:
    from ._app import app  # noqa: PLC0415  # the app that this command belongs to

    script = app.generate_completion(shell=shell)
    if shell == "fish":
        # fish's own test takes the value of an option for a command; the script's knows which options have one.
        return script.replace("-n __fish_use_subcommand", "-n __fish_aishoot_using_command")
    if shell == "zsh" and (defined := re.search(r"^(\w+)\(\) \{", script, re.MULTILINE)):
        return script + _ZSH_START.format(function=defined[1])
    return script


def _place(shell: Shell) -> tuple[Path, str]:
    """Give the file in which a shell looks by itself, and what it may have to be told: no other file is touched."""
    if shell == "bash":
        path = _folder("XDG_DATA_HOME", ".local/share") / "bash-completion/completions/aishoot"
        return path, f"New shells load it where the package bash-completion is set up; elsewhere add: source {path}"
    if shell == "fish":
        path = _folder("XDG_CONFIG_HOME", ".config") / "fish/completions/aishoot.fish"
        return path, "New shells load it by themselves."
    path = Path.home() / ".zsh/completions/_aishoot"
    return path, f"In .zshrc, before compinit, there must be: fpath=({path.parent} $fpath)"


def _folder(variable: str, usual: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / usual)


def _write(path: Path, script: str) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(script, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
