"""``aishoot completion``."""

from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from ._context import Context
from ._failures import DONE, FAILED
from ._tables import print_data

completion = App(name="completion")
Shell = Literal["bash", "zsh", "fish"]

# Where each shell looks by itself, and what it may have to be told: a user's own files are never edited.
_PLACES: Final[dict[Shell, tuple[str, str]]] = {
    "bash": (
        ".local/share/bash-completion/completions/aishoot",
        "It is loaded in new shells where the package bash-completion is set up; elsewhere add: source {path}",
    ),
    "zsh": (
        ".zsh/completions/_aishoot",
        "In ~/.zshrc, before compinit, there must be: fpath=({folder} $fpath)",
    ),
    "fish": (".config/fish/completions/aishoot.fish", "New shells load it by themselves."),
}


@completion.default
def print_script(shell: Shell, /, *, install: bool = False, context: Annotated[Context, Parameter(parse=False)]) -> int:
    """Print the completion script of a shell, or write it where that shell looks for it.

    Example: source <(aishoot completion bash)

    Parameters
    ----------
    shell
        bash, zsh or fish.
    install
        Write it to your home folder; no file of yours is edited.
    """
    from ._app import app  # noqa: PLC0415  # the app that this command belongs to

    script = app.generate_completion(shell=shell)
    if not install:
        print_data(script.encode())
        return DONE
    place, then = _PLACES[shell]
    path = Path.home() / place
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="utf-8")
    except OSError as error:
        context.talk.error(f"cannot write {path}: {error.strerror}")
        return FAILED
    context.talk.note(f"wrote {path}. {then.format(path=path, folder=path.parent)}")
    return DONE
