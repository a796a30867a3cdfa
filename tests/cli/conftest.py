"""How the command line's tests run it: as a process, against a real server."""

import io
import os
import subprocess
import sys

import pytest

from aishoot_async.cli._app import run
from aishoot_async.sandbox import ThreadedSandbox
from helpers.terminal import in_a_terminal

COMMAND = [sys.executable, "-m", "aishoot_async"]


class CommandLine:
    """Runs ``aishoot`` with the settings that lead to a server, and none of the tester's own."""

    command = COMMAND

    def __init__(self, sandbox=None):
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AISHOOT", "AUTORETOUCH"))}
        clean["AUTORETOUCH_CREDENTIALS_PATH"] = f"{os.devnull}/autoretouch-credentials.json"
        self.env = clean if sandbox is None else clean | environment(sandbox)

    def __call__(self, *arguments, env=None, **options):
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        return subprocess.run(
            [*COMMAND, *arguments],
            check=False,
            env=self.env | (env or {}),
            **{"capture_output": True, "text": True, "timeout": 50} | options,
        )

    def start(self, *arguments, **options):
        return subprocess.Popen([*COMMAND, *arguments], **{"env": self.env, **options})

    def redirected(self, redirection, *arguments):
        """With its streams as a shell's redirection leaves them."""
        command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, env=self.env)

    def in_a_terminal(self, *arguments, redirection="", env=None, **options):
        command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *arguments]
        return in_a_terminal(command, self.env | (env or {}), **options)


def environment(sandbox):
    return {"AISHOOT_TOKEN": sandbox.token, "AISHOOT_BASE_URL": sandbox.url, "AISHOOT_AUTH_URL": sandbox.url}


@pytest.fixture
def server():
    with ThreadedSandbox(briefs={1: 250, 2: 3}) as sandbox:
        yield sandbox


@pytest.fixture
def aishoot(server):
    """Against the test's own server."""
    return CommandLine(server)


@pytest.fixture
def alone():
    """Against nothing: no token, no server."""
    return CommandLine()


@pytest.fixture
def ran(capfdbinary, monkeypatch):
    """Run a command line in this process, which is quicker, against nothing; give its code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def go(*arguments, stdin=b"", against=None):
        for name, value in ({} if against is None else environment(against)).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(arguments)
        sys.stdout.flush()
        return (code, *(text.decode() for text in capfdbinary.readouterr()))

    return go


@pytest.fixture
def here(ran, server):
    """Against the test's own server, as `aishoot`, but in this process: to start another one takes a second."""

    def run(*arguments, input=""):  # noqa: A002  # as subprocess.run has it
        code, out, err = ran(*arguments, stdin=input.encode(), against=server)
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run
