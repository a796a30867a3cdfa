"""``aishoot login``, ``logout`` and ``status``, run as people run them: in a terminal, against a real server."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import attrs
import pytest

from aishoot_async.cli._app import run
from aishoot_async.sandbox import Fault, RawBody, Status, ThreadedSandbox
from cli.conftest import CommandLine
from helpers.official import official_read, official_write

LINK = re.compile(r"http://\S+user_code=(\S+)")
BROWSER = "import sys, urllib.request as u; open(sys.argv[1], 'w').write(sys.argv[2]); u.urlopen(sys.argv[2])"


class Home(CommandLine):
    """A user's own place: a credential file, an auth server, and no token in the environment."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__()
        self.file = folder / "config" / "credentials.json"
        self.env |= {"AUTORETOUCH_CREDENTIALS_PATH": str(self.file), "AISHOOT_BASE_URL": url, "AISHOOT_AUTH_URL": url}

    def log_in(self, sandbox) -> None:
        self.file.parent.mkdir()
        official_write(self.file, sandbox.token, sandbox.refresh_token)


class Terminal:
    """A pseudo-terminal with a command in it."""

    def __init__(self, command_line: CommandLine, *arguments: str, **env: str) -> None:
        self._controller, terminal = pty.openpty()
        command_line.env |= {"TERM": "xterm-256color", "COLUMNS": "160", **env}
        self.process = command_line.start(*arguments, stdin=terminal, stdout=terminal, stderr=terminal)
        os.close(terminal)
        self.seen = ""

    def read_until(self, wanted: str | re.Pattern[str]) -> re.Match[str]:
        ends = time.monotonic() + 20
        while not (found := re.search(wanted, self.seen)):
            assert time.monotonic() < ends, self.seen
            assert self._read(), self.seen
        return found

    def _read(self) -> bool:
        if select.select([self._controller], [], [], 20)[0]:
            with contextlib.suppress(OSError):
                read = os.read(self._controller, 65536).decode()
                self.seen += read
                return bool(read)
        return False

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._controller)
        return self.process.wait(20)


@pytest.fixture
def sandbox():
    with ThreadedSandbox(device_interval=0, rotate_refresh_tokens=True) as running:
        yield running


@pytest.fixture
def home(sandbox, tmp_path) -> Home:
    return Home(tmp_path, sandbox.url)


@attrs.frozen
class Done:
    code: int
    stdout: str
    stderr: str


class Here(Home):
    """Runs a command in this process, which is a good deal quicker."""

    def __init__(self, folder: Path, url: str, monkeypatch, capfd) -> None:
        super().__init__(folder, url)
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Done:
        with self._monkeypatch.context() as patch:
            for name, value in (self.env | (env or {})).items():
                patch.setenv(name, value)
            code = run(arguments)
        sys.stdout.flush()
        return Done(code, *self._capfd.readouterr())


@pytest.fixture
def here(sandbox, tmp_path, monkeypatch, capfd) -> Here:
    return Here(tmp_path, sandbox.url, monkeypatch, capfd)


def test_a_login_in_a_terminal_with_a_browser(home, sandbox, tmp_path):
    opened = tmp_path / "opened"
    script = tmp_path / "browser.py"
    script.write_text(BROWSER)
    terminal = Terminal(home, "login", BROWSER=f"{sys.executable} {script} {opened} %s")
    assert terminal.end() == 0, terminal.seen
    code = LINK.search(terminal.seen)[1]
    assert opened.read_text() == LINK.search(terminal.seen)[0]
    assert f"confirm the code {code}" in terminal.seen
    assert f"logged in; the login is kept in {home.file}" in terminal.seen
    stored = official_read(home.file)
    assert home.file.stat().st_mode & 0o777 == 0o600
    for secret in (stored.access_token, stored.refresh_token, "sandbox-device"):
        assert secret not in terminal.seen
    done = home("--json", "skus", "list", "-n", "3")
    assert len(done.stdout.splitlines()) == 3


def test_a_login_without_a_browser_counts_down(home, sandbox):
    terminal = Terminal(home, "login", "--no-browser", BROWSER="false")
    terminal.read_until(r"1[45]:\d\d left")
    sandbox.approve(terminal.read_until(LINK)[1])
    assert terminal.end() == 0, terminal.seen
    assert home.file.exists()


def test_ctrl_c_ends_a_login(home):
    terminal = Terminal(home, "login", "--no-browser")
    terminal.read_until("left")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    assert not home.file.exists()


def test_a_login_without_a_terminal_opens_nothing_and_says_where_it_is_kept(here, tmp_path):
    with ThreadedSandbox(device_interval=0, auto_approve_after=1) as sandbox:
        env = {"BROWSER": f"touch {tmp_path}/opened %s", "DISPLAY": ":0", "AISHOOT_TOKEN": "goes-before-it"}
        done = here("--json", "--quiet", "login", env=env | {"AISHOOT_AUTH_URL": sandbox.url})
    assert done.code == 0, done.stderr
    assert LINK.search(done.stderr)
    assert json.loads(done.stdout)["path"] == str(here.file)
    assert "AISHOOT_TOKEN is set" in done.stderr
    assert not (tmp_path / "opened").exists()


def test_a_machine_is_told_the_page_and_the_code(here, sandbox):
    sandbox.add_fault(Fault(RawBody(b'{"error":"access_denied"}', status=403), operation="token"))
    done = here("--log-format", "json", "login")
    said, refused = map(json.loads, done.stderr.splitlines())
    assert said["page"].endswith(said["code"])
    assert said["expires_in"] == 900
    assert done.code == 4
    assert "denied" in refused["message"]


def test_a_login_that_nobody_confirms(here):
    with ThreadedSandbox(device_interval=0, device_expires_in=1) as sandbox:
        done = here("login", env={"AISHOOT_AUTH_URL": sandbox.url})
    assert done.code == 4
    assert "not confirmed in time" in done.stderr


def test_status_of_a_login(here, sandbox):
    here.log_in(sandbox)
    found = here("status", "--json")
    facts = json.loads(found.stdout)
    assert (facts["logged_in"], facts["accepted"], facts["path"]) == (True, True, str(here.file))
    shown = here("--organization", "org-1", "status").stdout
    assert str(here.file) in shown
    assert "organization\torg-1" in shown
    assert "renewed by itself" in shown
    for secret in (sandbox.token, sandbox.refresh_token):
        assert secret not in found.stdout + shown + found.stderr


def test_status_of_nobody(here):
    done = here("--json", "status")
    assert done.code == 4
    assert json.loads(done.stdout)["logged_in"] is False
    for name in ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN", str(here.file), "aishoot login"):
        assert name in done.stderr
    done = here("logout")
    assert done.code == 0
    assert "there is no" in done.stderr


def test_logging_out_never_leaves_a_login_alive_in_silence(here, sandbox):
    here.log_in(sandbox)
    sandbox.add_fault(Fault(Status(503), operation="revoke", times=1))
    failed = here("logout")
    assert failed.code == 1
    assert "still logged in: the login could not be revoked" in failed.stderr
    assert here.file.exists()
    done = here("logout")
    assert (done.code, here.file.exists()) == (0, False)
    assert "the login is revoked" in done.stderr


def test_a_login_that_was_revoked_elsewhere(here, sandbox):
    here.log_in(sandbox)
    official_write(here.file, "stale", "revoked")
    done = here("status")
    assert done.code == 4
    assert "aishoot login" in done.stderr
    local = here("logout", "--local")
    assert (local.code, here.file.exists()) == (0, False)
    assert "was not revoked" in local.stderr


def test_the_environment_goes_before_the_file(here, sandbox):
    here.log_in(sandbox)
    token = here("--json", "status", env={"AISHOOT_TOKEN": sandbox.token})
    assert json.loads(token.stdout)["origin"] == "AISHOOT_TOKEN"
    refused = here("status", env={"AISHOOT_TOKEN": "stale-token"})
    assert refused.code == 4
    assert "stale-token" not in refused.stderr
    sandbox.reset_requests()
    refresh = here("--json", "status", env={"AUTORETOUCH_REFRESH_TOKEN": sandbox.refresh_token})
    assert json.loads(refresh.stdout)["accepted"] is None
    assert sandbox.calls.total() == 0, "it would have been used up"


def test_status_without_a_network_says_what_it_knows(here, sandbox):
    here.log_in(sandbox)
    sandbox.close()
    done = here("--json", "status")
    assert done.code == 0
    assert json.loads(done.stdout)["accepted"] is None
    assert "not checked" in done.stderr


def test_the_embedded_sandbox_leaves_the_users_own_login_alone(here, sandbox):
    here.log_in(sandbox)
    before = here.file.read_bytes()
    for command in ("login", "status", "logout"):
        done = here("--sandbox", command)
        assert done.code == 0, done.stderr
        assert "your own login is not touched" in done.stderr
    assert here.file.read_bytes() == before
    assert sandbox.calls.total() == 0


@pytest.mark.slow
def test_against_the_sandbox_command(alone, tmp_path):
    server = alone.start("sandbox", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = server.stdout.readline().strip().split("=", 1)[1]
    home = Home(tmp_path, url)
    login = home.start("login", stderr=subprocess.PIPE, text=True)
    urlopen(LINK.search(login.stderr.readline())[0]).close()
    login.communicate(timeout=30)
    assert login.returncode == 0
    assert home("status").returncode == 0
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=20)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ('{"access_token": "sec', "cut short or damaged"),
        ("secret", "is no credential file and is left alone"),
    ],
)
def test_bad_files_are_sentences(here, text, said):
    here.file.parent.mkdir()
    here.file.write_text(text)
    done = here("skus", "list")
    assert done.code == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "sec" not in done.stderr


@pytest.mark.parametrize("command", [("login",), ("status",), ("logout",), ("logout", "--local"), ("skus", "list")])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_a_sentence_and_no_hang(here, sandbox, command, kind):
    here.file.parent.mkdir()
    {"pipe": os.mkfifo, "folder": Path.mkdir, "device": lambda path: path.symlink_to("/dev/zero")}[kind](here.file)
    done = here(*command)
    assert done.code == 4
    assert str(here.file) in done.stderr
    assert {"pipe": "pipe", "folder": "directory", "device": "device"}[kind] in done.stderr
    assert "Traceback" not in done.stderr
    assert sandbox.calls.total() == 0


@pytest.mark.parametrize("expires_at", [4_102_444_800_000, 9e15, 1e308, 2**63, -1, 0, "2027-01-01T00:00:00Z"])
@pytest.mark.parametrize("output", [(), ("--json",)])
def test_status_of_a_login_that_ends_at_no_time(here, sandbox, expires_at, output):
    here.log_in(sandbox)
    stored = json.loads(here.file.read_text()) | {"expires_at": expires_at, "expires_in": None}
    here.file.write_text(json.dumps(stored))
    done = here(*output, "status")
    assert done.code == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_login_that_cannot_be_stored_is_refused_before_anybody_confirms_it(here, sandbox):
    here.file.parent.mkdir()
    here.file.with_name("credentials.json.lock").mkdir()
    done = here("login")
    assert done.code == 4
    assert "cannot be locked" in done.stderr
    assert sandbox.calls.total() == 0


def test_a_file_that_cannot_be_removed_is_said_to_be_emptied(here, sandbox, monkeypatch):
    def refused(self, **_):
        raise PermissionError(1, "Operation not permitted")

    here.log_in(sandbox)
    monkeypatch.setattr(Path, "unlink", refused)
    done = here("logout")
    assert (done.code, here.file.read_bytes()) == (0, b"")
    assert f"{here.file} is emptied" in done.stderr
    assert here("status").code == 4
