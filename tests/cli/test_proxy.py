"""Proxies: the one that is named or the environment's, none for this machine's own servers, and no password shown."""

import json
import socket
import threading

import pytest

from aishoot_async.cli._context import proxy_for
from aishoot_async.cli._text import without_passwords

FAR = ("--base-url", "https://api.nowhere.invalid")
PASSWORD = "hunter2"


class Proxy:
    """Opens no tunnel, and keeps what it was asked for."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.seen = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.seen.append(connection.recv(4096).decode())
                connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def proxy():
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.fixture
def run(alone, proxy, tmp_path):
    """Run a command line with a token and without any proxy variable of the tester's own."""
    alone.env = {name: value for name, value in alone.env.items() if not name.lower().endswith("_proxy")}
    alone.env |= {"AISHOOT_TOKEN": "the-token", "AUTORETOUCH_CREDENTIALS_PATH": str(tmp_path / "login.json")}

    def go(*arguments, **variables):
        named = {name: text.format(at=f"u:{PASSWORD}@{proxy.address}") for name, text in variables.items()}
        words = [word.format(at=f"u:{PASSWORD}@{proxy.address}") for word in arguments]
        done = alone(*words, env=named)
        assert PASSWORD not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return go


@pytest.mark.parametrize("command", ["skus list", "results list 1", "login", "status"])
@pytest.mark.parametrize(
    ("named", "variables"),
    [
        ("http://{at}", {}),
        ("{at}", {}),
        (None, {"HTTPS_PROXY": "http://{at}"}),
        (None, {"all_proxy": "http://{at}"}),
    ],
)
def test_requests_go_through_the_proxy(run, proxy, command, named, variables):
    run(*([] if named is None else ["--proxy", named]), *FAR, *command.split(), **variables)
    host = "auth.autoretouch.com" if command == "login" else "api.nowhere.invalid"
    assert proxy.seen[0].startswith(f"CONNECT {host}:443 ")
    assert "Proxy-Authorization: Basic" in proxy.seen[0]
    assert "Bearer" not in "".join(proxy.seen)


@pytest.mark.parametrize(
    ("more", "variables"),
    [
        (["--proxy", "none"], {"HTTPS_PROXY": "http://{at}"}),
        ([], {"HTTPS_PROXY": "http://{at}", "NO_PROXY": "nowhere.invalid"}),
        ([], {"https_proxy": "http://{at}", "no_proxy": "*"}),
        ([], {"HTTP_PROXY": "http://{at}"}),
    ],
)
def test_requests_go_past_the_proxy(run, proxy, more, variables):
    done = run(*more, *FAR, "skus", "global", **variables)
    assert (done.returncode, proxy.seen) == (1, [])
    assert "cannot be resolved" in done.stderr or "cannot connect" in done.stderr


@pytest.mark.parametrize("arguments", [["--sandbox", "skus", "list"], ["--sandbox", "login"], ["--sandbox", "status"]])
def test_the_sandbox_is_reached_without_a_proxy(run, proxy, arguments):
    done = run("--proxy", "http://{at}", *arguments, HTTP_PROXY="http://{at}", ALL_PROXY="http://{at}")
    assert (done.returncode, proxy.seen) == (0, []), done.stderr


def test_a_server_on_this_machine_is_reached_without_a_proxy(run, proxy, server):
    variables = {"AISHOOT_BASE_URL": server.url, "AISHOOT_AUTH_URL": server.url, "AISHOOT_TOKEN": server.token}
    done = run("skus", "list", HTTP_PROXY="http://{at}", **variables)
    assert (done.returncode, proxy.seen) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        (["--proxy", "socks5://{at}"], {}, 2, "--proxy must be"),
        (["--proxy", ""], {}, 2, "--proxy must be"),
        (["--proxy", "http://u:hunter2@"], {}, 2, "--proxy must be"),
        (["--proxy", "http://u:hunter2@h:99999"], {}, 2, "--proxy must be"),
        ([], {"HTTPS_PROXY": "socks5h://{at}"}, 2, "HTTPS_PROXY or ALL_PROXY"),
        (["--proxi", "http://{at}"], {}, 2, "Did you mean --proxy"),
        (["http://{at}"], {}, 2, "***@"),
        (["--base-url", "https://{at}"], {}, 2, "password"),
        (["--log-format", "http://{at}"], {}, 2, "***@"),
    ],
)
def test_a_proxy_that_cannot_be_one_is_a_sentence_without_its_password(run, proxy, arguments, variables, code, said):
    done = run(*FAR[: 0 if "--base-url" in arguments else 2], *arguments, "skus", "list", **variables)
    assert (done.returncode, proxy.seen) == (code, [])
    assert said in done.stderr


def test_a_machine_reads_no_password_either(run):
    said = run("--log-format", "json", "-v", "--proxy", "http://{at}", *FAR, "skus", "list").stderr
    assert all(json.loads(line)["message"] for line in said.splitlines())


@pytest.mark.parametrize(
    ("named", "url", "takes"),
    [
        (None, None, "environment"),
        (None, "https://api.autoretouch.com", "environment"),
        (None, "http://127.0.0.1:8080", None),
        (None, "http://localhost:8080/", None),
        ("http://p:1", "http://[::1]:8080", None),
        ("none", "https://api.autoretouch.com", None),
        ("p:3128", "https://api.autoretouch.com", "http://p:3128"),
        ("https://p", "http://[oops", "https://p"),
    ],
)
def test_which_proxy_a_session_takes(monkeypatch, named, url, takes):
    monkeypatch.delenv("AISHOOT_BASE_URL", raising=False)
    assert proxy_for(named, url, "AISHOOT_BASE_URL") == takes
    if url is not None:
        monkeypatch.setenv("AISHOOT_BASE_URL", url)
        assert proxy_for(named, None, "AISHOOT_BASE_URL") == takes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no http://u:p@h:1/x, no", "no http://***@h:1/x, no"),
        ("http://u:p@ss@h", "http://***@h"),
        ("http://u:p/w@h", "http://***@h"),
        ("http://token@h", "http://***@h"),
        ("https://h:8080/x@2x.png", "https://h:8080/x@2x.png"),
        ("s3://bucket/a@b and me@example.com", "s3://bucket/a@b and me@example.com"),
        ("://" * 50_000 + "@", "://" * 50_000 + "@"),
        ("@" + "://u:" * 20_000, "@" + "://u:" * 20_000),
    ],
    ids=range(8),
)
def test_what_stands_before_a_host_is_hidden(text, shown):
    assert without_passwords(text) == shown
