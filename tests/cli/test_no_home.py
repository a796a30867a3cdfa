"""A container's user, of whom nothing is known: no HOME, no passwd entry. Commands work, or say what to set."""

import os
import shutil
import subprocess

import pytest

from helpers.pictures import png

NOBODY = "54321"
LOGIN = "set AISHOOT_TOKEN or AUTORETOUCH_REFRESH_TOKEN"

pytestmark = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can become nobody"
)


@pytest.fixture
def nobody(aishoot, alone, tmp_path):
    """Run a command as a user without an entry; root's right to read is kept, for this Python may lie in its home."""
    tmp_path.chmod(0o777)
    rights = [
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", *rights]

    def run(*arguments, online=False, **variables):
        personal = {"HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "AUTORETOUCH_CREDENTIALS_PATH"}
        given = (aishoot if online else alone).env
        # Coverage of its subprocesses would be written where this user may not write.
        env = {name: value for name, value in given.items() if name not in personal and not name.startswith("COVERAGE")}
        command = [*become, *aishoot.command, *arguments]
        done = subprocess.run(
            command, env=env | variables, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "RuntimeError" not in done.stderr
        return done

    return run


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "results export 1 --to r.jsonl",
        "results export 1 2 --to folder --report report.json",
        "skus list",
        "skus sync c.csv --state s --apply",
        "images upload x.png",
        "completion bash",
        "status",
    ],
)
def test_with_a_token_every_command_works(nobody, tmp_path, command):
    (tmp_path / "c.csv").write_text("key,name,frontImage\nA,N,f\n")
    (tmp_path / "x.png").write_bytes(png(8, 8))
    done = nobody(*command.split(), online=True, AUTORETOUCH_ORGANIZATION_ID="o")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        *(
            (command, 4, LOGIN)
            for command in ("status", "login", "logout", "skus list", "results export 1 --to x.jsonl")
        ),
        ("completion bash --install", 1, "set HOME"),
        ("completion zsh --install", 1, "set HOME"),
        ("completion fish --install", 1, "set HOME"),
        ("--sandbox results export 1 --to s3://bucket/r.jsonl", 2, "set XDG_STATE_HOME"),
        ("--sandbox skus export --to s3://bucket/skus", 2, "set XDG_STATE_HOME"),
    ],
)
def test_what_has_no_place_says_what_to_set(nobody, command, code, said):
    done = nobody(*command.split())
    assert done.returncode == code, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("home", ["", "/nonexistent", "nowhere", "~", "/dev/null"])
def test_a_home_that_is_none_is_no_traceback(nobody, home):
    for command in ("status", "skus list", "completion bash --install"):
        done = nobody(*command.split(), HOME=home)
        assert done.returncode in {0, 1, 2, 4}, done.stderr
        assert done.stderr
