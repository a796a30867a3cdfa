"""``aishoot completion``."""

import os
import re
from pathlib import Path
from typing import Final, Literal

from cyclopts import App, Group

from aishoot_async.storage import atomic_write

from ._context import ContextArg
from ._errors import DONE, FAILED
from ._output import print_data

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
def print_script(shell: Shell, /, *, install: bool = False, context: ContextArg) -> int:
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
        path, then = _script_path(shell)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(script.encode())
    except (OSError, RuntimeError) as error:
        why = "no home folder is known; set HOME" if isinstance(error, RuntimeError) else error
        context.console.error(f"cannot write the script: {why}", advice="Or print it to a file of your choice instead.")
        return FAILED
    context.console.note(f"wrote {path}. {then}", path=str(path))
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


def _script_path(shell: Shell) -> tuple[Path, str]:
    """Return the file in which a shell looks by itself, and what the user may have to add to his own files.

    The installer of cyclopts heeds no XDG variable, and leaves a torn script on a full disk.
    """
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
