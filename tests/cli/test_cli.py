"""The command line, run as people and programs run it: as a process, against a real server."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from aishoot_async.sandbox import Delay, Fault, InsertRows, RawBody, Status, ThreadedSandbox

AISHOOT = [sys.executable, "-m", "aishoot_async"]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("AISHOOT", "AUTORETOUCH"))}


def aishoot(*arguments, env=None, **options):
    return subprocess.run(
        [*AISHOOT, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=CLEAN | (env or {}),
        **options,
    )


@pytest.fixture
def server():
    with ThreadedSandbox(briefs={1: 250, 2: 3}) as sandbox:
        yield sandbox


def env_of(sandbox):
    return {"AISHOOT_TOKEN": sandbox.token, "AISHOOT_BASE_URL": sandbox.url, "AISHOOT_AUTH_URL": sandbox.url}


def test_the_main_job_against_the_embedded_sandbox(tmp_path):
    path = tmp_path / "results.jsonl"
    done = aishoot("--sandbox", "results", "export", "1", "--to", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "250 results of brief 1" in done.stderr
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len({row["id"] for row in rows}) == 250


def test_an_export_from_a_server(server, tmp_path):
    done = aishoot("results", "export", "1", "--to", str(tmp_path / "r.jsonl"), env=env_of(server))
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_bytes().splitlines()] == server.results(1)


def test_a_list_is_the_same_rows_as_a_table_and_as_json(server):
    as_json = aishoot("results", "list", "2", "--json", env=env_of(server))
    as_table = aishoot("results", "list", "2", env=env_of(server))
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == server.results(2)
    heading, *rows = [line.split("\t") for line in as_table.stdout.splitlines()]
    assert heading[0] == "id"
    assert [row[0] for row in rows] == [row["id"] for row in server.results(2)]


@pytest.mark.parametrize("limit", [0, 1, 100, 101, 250, 999])
def test_a_limit(server, limit):
    done = aishoot("results", "list", "1", "-n", str(limit), "--json", env=env_of(server))
    assert len(done.stdout.splitlines()) == min(limit, 250)


def test_quiet_says_nothing_and_a_machine_gets_json(server, tmp_path):
    command = ("results", "export", "2", "--to", str(tmp_path / "r.jsonl"))
    assert aishoot("--quiet", *command, env=env_of(server)).stderr == ""
    said = aishoot("--log-format", "json", *command, env=env_of(server)).stderr.splitlines()
    assert json.loads(said[-1])["items"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["results", "list", "1"], 4, "AISHOOT_TOKEN"),
        (["--sandbox", "results", "list", "999"], 1, "404"),
        (["--sandbox", "results", "list", "one"], 2, "int"),
        (["--sandbox", "results", "list", "1", "--limit", "-1"], 2, "limit"),
        (["--sandbox", "results", "lst", "1"], 2, 'Did you mean "list"'),
        (["--sandbox", "results", "list", "1", "--limt", "3"], 2, "--limt"),
        (["--sandbox", "results", "export", "1"], 2, "--to"),
        (["--sandbox", "results", "export", "1", "--to", "r.csv"], 2, ".jsonl"),
        (["--sandbox", "results", "export", "1", "--to", "/no/where/r.jsonl"], 1, "No such file"),
        (["--base-url", "nonsense", "results", "list", "1"], 2, "base_url"),
        (["--base-url", "http://example.com", "results", "list", "1"], 2, "http://"),
        (["sandbox", "--port", "-5"], 2, "port"),
    ],
)
def test_bad_input_is_a_sentence_and_a_code(tmp_path, arguments, code, said):
    done = aishoot(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["two\nlines", "with space", "ümlaut"])
def test_a_bad_token_is_a_sentence_without_the_token(server, token):
    done = aishoot("results", "list", "1", env=env_of(server) | {"AISHOOT_TOKEN": token})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert token not in done.stderr


def test_an_error_names_the_request_and_verbose_the_attempts(server):
    body = json.dumps({"status": 403, "error": "Forbidden", "message": "not yours"}).encode()
    server.add_fault(Fault(Status(403, body=body)))
    done = aishoot("--verbose", "results", "list", "1", env=env_of(server))
    assert done.returncode == 1
    assert "not yours" in done.stderr
    assert "sandbox-" in done.stderr
    assert "attempt 1" in done.stderr
    assert server.token not in done.stderr


def test_a_refused_token_is_exit_code_4(server):
    done = aishoot("results", "list", "1", env=env_of(server) | {"AISHOOT_TOKEN": "stale"})
    assert done.returncode == 4
    assert "stale" not in done.stderr


def test_a_page_that_cannot_be_read_is_a_sentence(server):
    server.add_fault(Fault(RawBody(b"<html>login</html>", "text/html"), operation="brief_results"))
    done = aishoot("results", "list", "1", env=env_of(server))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_brief_that_changes_is_exit_code_3(server, tmp_path):
    server.add_fault(Fault(InsertRows(brief=1, position=0, count=2), operation="brief_results", page=2))
    done = aishoot("results", "export", "1", "--to", str(tmp_path / "r.jsonl"), env=env_of(server))
    assert done.returncode == 3
    assert "changed" in done.stderr


def test_a_closed_pipe_ends_quietly(server):
    process = subprocess.Popen(
        [*AISHOOT, "--quiet", "--json", "results", "list", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=CLEAN | env_of(server),
    )
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 0
    assert said == b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_in_order(server, tmp_path, number, code):
    server.add_fault(Fault(Delay(60), operation="brief_results", page=2))
    process = subprocess.Popen(
        [*AISHOOT, "results", "export", "1", "--to", str(tmp_path / "r.jsonl")],
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN | env_of(server),
    )
    server.wait_for_calls(2, "brief_results", timeout=20)
    begun = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in said
    assert time.monotonic() - begun < 10
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_serves_until_it_is_stopped():
    process = subprocess.Popen(
        [*AISHOOT, "sandbox"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN
    )
    settings = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(3))
    done = aishoot("results", "list", "1", "-n", "2", "--json", env=settings)
    assert len(done.stdout.splitlines()) == 2
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def on_a_terminal(*arguments, env):
    controller, terminal = pty.openpty()
    process = subprocess.Popen([*AISHOOT, *arguments], stdout=terminal, stderr=terminal, stdin=terminal, env=env)
    os.close(terminal)
    seen = b""
    while process.poll() is None or select.select([controller], [], [], 0)[0]:
        if select.select([controller], [], [], 0.1)[0]:
            try:
                seen += os.read(controller, 65536)
            except OSError:
                break
    os.close(controller)
    return process.wait(20), seen.decode()


def test_a_terminal_gets_a_table_and_a_bar(server, tmp_path):
    env = CLEAN | env_of(server) | {"TERM": "xterm-256color", "COLUMNS": "160"}
    code, seen = on_a_terminal("results", "list", "2", env=env)
    assert code == 0
    assert "skuName" in seen
    assert "\t" not in seen
    code, seen = on_a_terminal("results", "export", "1", "--to", str(tmp_path / "r.jsonl"), env=env)
    assert code == 0
    assert "250 results" in seen


def test_help_and_version():
    assert "results" in aishoot("--help").stdout
    assert "Example" in aishoot("results", "export", "--help").stdout
    assert aishoot("--version").stdout.strip().count(".") == 2


def test_without_its_extra_it_says_so_in_one_sentence():
    hide = (
        "import sys, importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'cyclopts' else real(name, *rest)\n"
        "from aishoot_async.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["The command line needs its extra packages: pip install 'aishoot-async[cli]'"]
