"""Completion, in the shells themselves."""

import functools
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def printed():
    """Give the script that is printed for a shell."""
    command = [sys.executable, "-m", "aishoot_async", "completion"]
    return functools.cache(lambda name: subprocess.run([*command, name], capture_output=True, check=True).stdout)


def script(printed, shell, tmp_path):
    path = tmp_path / f"aishoot.{shell}"
    path.write_bytes(printed(shell))
    return path


def shell(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


def run(*command):
    env = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@shell("bash")
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("aishoot sk", "skus"),
        ("aishoot skus up", "update"),
        ("aishoot results export --t", "--to"),
        ("aishoot skus sync --max", "--max-delete"),
        ("aishoot skus sync c.csv --plan-o", "--plan-out"),
    ],
)
def test_bash_completes(printed, tmp_path, typed, wanted):
    words = typed.split()
    source = script(printed, "bash", tmp_path)
    asked = f"source {source}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _aishoot; echo ${{COMPREPLY[@]}}"
    assert wanted in run("bash", "--norc", "-c", asked)


@shell("fish")
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("aishoot sk", "skus"),
        ("aishoot skus up", "update"),
        ("aishoot --base-url http://x sk", "skus"),
        ("aishoot skus list --js", "--json"),
        ("aishoot skus sync c.csv --exit", "--exit-code"),
    ],
)
def test_fish_completes(printed, tmp_path, typed, wanted):
    source = script(printed, "fish", tmp_path)
    assert wanted in run("fish", "--no-config", "-c", f"source {source}; complete -C '{typed}'")


# What is typed is completed by a real Tab, and written to a file by another key.
ZSHRC = """
fpath=({folder} $fpath)
autoload -Uz compinit
compinit -u -d {folder}/dump
show() {{ print -rn -- $BUFFER > {folder}/new; mv {folder}/new {folder}/shown }}
zle -N show
bindkey '^T' show
PROMPT='READY> '
"""
BASHRC = """
source {script}
show() {{ printf %s "$READLINE_LINE" > {folder}/new; mv {folder}/new {folder}/shown; }}
bind -x '"\\C-t": show'
PS1='READY> '
"""
TYPED = {
    "aishoot sk": "aishoot skus",
    "aishoot skus up": "aishoot skus update",
    "aishoot --sandbox --log-format json skus del": "aishoot --sandbox --log-format json skus delete",
    "aishoot skus create --gender f": "aishoot skus create --gender female",
    "aishoot skus update x --repl": "aishoot skus update x --replace",
    "aishoot skus sy": "aishoot skus sync",
    "aishoot skus sync c.csv --sta": "aishoot skus sync c.csv --state",
    "aishoot skus sync c.csv --prefer c": "aishoot skus sync c.csv --prefer catalog",
    "aishoot completion z": "aishoot completion zsh",
}


def completed(shell, env, folder):
    """Type into a shell that runs in a terminal, press Tab, and give the line that stands there then."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(shell, stdin=terminal, stdout=terminal, stderr=terminal, env=env, start_new_session=True)
    seen = b""
    lines = {}
    try:
        while b"READY> " not in seen:
            seen += os.read(controller, 65536)
        for typed in TYPED:
            os.write(controller, f"{typed}\t\x14".encode())
            give_up = time.monotonic() + 20
            while not (folder / "shown").exists():
                assert time.monotonic() < give_up, seen
                if select.select([controller], [], [], 0.01)[0]:
                    seen += os.read(controller, 65536)
            lines[typed] = (folder / "shown").read_text().rstrip()
            (folder / "shown").unlink()
            os.write(controller, b"\x15")
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(controller)
    return lines


@shell("zsh")
def test_a_tab_completes_in_zsh(alone, printed, tmp_path):
    script(printed, "zsh", tmp_path).rename(tmp_path / "_aishoot")
    (tmp_path / ".zshrc").write_text(ZSHRC.format(folder=tmp_path))
    env = alone.env | {"ZDOTDIR": str(tmp_path), "HOME": str(tmp_path), "TERM": "xterm"}
    assert completed(["zsh", "-i"], env, tmp_path) == TYPED


@shell("zsh")
def test_zsh_can_source_it_as_well(printed, tmp_path):
    source = script(printed, "zsh", tmp_path)
    load = f"autoload -Uz compinit; compinit -u -d {tmp_path}/dump; source {source}"
    (function,) = run("zsh", "-f", "-c", f"{load}; echo $_comps[aishoot]")
    assert run("zsh", "-f", "-c", f"{load}; whence -w {function}") == [f"{function}:", "function"]


@shell("bash")
def test_a_tab_completes_in_bash(alone, printed, tmp_path):
    source = script(printed, "bash", tmp_path)
    (tmp_path / "rc").write_text(BASHRC.format(script=source, folder=tmp_path))
    env = alone.env | {"HOME": str(tmp_path), "TERM": "xterm", "INPUTRC": "/dev/null"}
    assert completed(["bash", "--noprofile", "--rcfile", str(tmp_path / "rc"), "-i"], env, tmp_path) == TYPED


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/aishoot"),
        ("zsh", ".zsh/completions/_aishoot"),
        ("fish", ".config/fish/completions/aishoot.fish"),
    ],
)
def test_install_writes_one_file_and_edits_none(ran, printed, tmp_path, monkeypatch, name, place):
    for variable, value in {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}.items():
        monkeypatch.setenv(variable, value)
    for theirs in (".bashrc", ".zshrc", ".profile"):
        (tmp_path / theirs).write_text("mine\n")
    code, out, err = ran("completion", name, "--install")
    assert (code, out) == (0, "")
    assert str(tmp_path / place) in err
    assert (tmp_path / place).read_bytes() == printed(name)
    files = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {Path(place), Path(".bashrc"), Path(".zshrc"), Path(".profile")}
    assert all((tmp_path / theirs).read_text() == "mine\n" for theirs in (".bashrc", ".zshrc", ".profile"))


@pytest.mark.parametrize(
    ("name", "variable", "place"),
    [
        ("bash", "XDG_DATA_HOME", "bash-completion/completions/aishoot"),
        ("fish", "XDG_CONFIG_HOME", "fish/completions/aishoot.fish"),
    ],
)
def test_install_goes_where_the_shell_has_been_told_to_look(ran, tmp_path, monkeypatch, name, variable, place):
    monkeypatch.setenv(variable, str(tmp_path))
    assert ran("completion", name, "--install")[0] == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / place]


def test_install_where_nothing_can_be_written(ran, tmp_path, monkeypatch):
    (tmp_path / ".zsh").write_text("a file where a folder should be")
    monkeypatch.setenv("HOME", str(tmp_path))
    code, _, err = ran("completion", "zsh", "--install")
    assert code == 1
    assert "cannot write" in err
    assert "Traceback" not in err
