"""Completion, in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


def script(alone, shell, tmp_path):
    done = alone("completion", shell)
    assert done.returncode == 0
    path = tmp_path / f"aishoot.{shell}"
    path.write_text(done.stdout)
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
    ("typed", "wanted"), [("aishoot sk", "skus"), ("aishoot skus up", "update"), ("aishoot results export --t", "--to")]
)
def test_bash_completes(alone, tmp_path, typed, wanted):
    words = typed.split()
    source = script(alone, "bash", tmp_path)
    asked = f"source {source}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _aishoot; echo ${{COMPREPLY[@]}}"
    assert wanted in run("bash", "--norc", "-c", asked)


@shell("fish")
@pytest.mark.parametrize(("typed", "wanted"), [("aishoot sk", "skus"), ("aishoot skus up", "update")])
def test_fish_completes(alone, tmp_path, typed, wanted):
    source = script(alone, "fish", tmp_path)
    assert wanted in run("fish", "--no-config", "-c", f"source {source}; complete -C '{typed}'")


@shell("zsh")
def test_zsh_loads_the_script_and_knows_the_command(alone, tmp_path):
    source = script(alone, "zsh", tmp_path)
    source.rename(tmp_path / "_aishoot")
    load = f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -d {tmp_path}/dump"
    asked = f"{load}; whence -w _aishoot; echo $_comps[aishoot]"
    assert run("zsh", "-f", "-c", asked) == ["_aishoot:", "function", "_aishoot"]
    assert run("zsh", "-f", "-n", str(tmp_path / "_aishoot")) == []


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/aishoot"),
        ("zsh", ".zsh/completions/_aishoot"),
        ("fish", ".config/fish/completions/aishoot.fish"),
    ],
)
def test_install_writes_one_file_and_edits_none(alone, tmp_path, name, place):
    for theirs in (".bashrc", ".zshrc", ".profile"):
        (tmp_path / theirs).write_text("mine\n")
    done = alone("completion", name, "--install", env={"HOME": str(tmp_path)})
    assert done.returncode == 0
    assert str(tmp_path / place) in done.stderr
    assert (tmp_path / place).read_text() == alone("completion", name).stdout
    assert all((tmp_path / theirs).read_text() == "mine\n" for theirs in (".bashrc", ".zshrc", ".profile"))


def test_install_where_nothing_can_be_written(alone, tmp_path):
    (tmp_path / ".zsh").write_text("a file where a folder should be")
    done = alone("completion", "zsh", "--install", env={"HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
