"""The command line, run as people and programs run it: as a process, against a real server."""

import json
import signal
import subprocess
import sys

import pytest

from aishoot_async.cli import HELP
from aishoot_async.sandbox import Fault, InsertRows, RawBody, Status


def test_the_main_job_against_the_embedded_sandbox(alone, tmp_path):
    path = tmp_path / "results.jsonl"
    done = alone("--sandbox", "results", "export", "1", "--to", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "250 results of brief 1" in done.stderr
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len({row["id"] for row in rows}) == 250


def test_an_export_from_a_server(aishoot, server, tmp_path):
    done = aishoot("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_bytes().splitlines()] == server.results(1)


def test_a_list_is_the_same_rows_as_a_table_and_as_json(aishoot, server):
    as_json = aishoot("results", "list", "2", "--json")
    as_table = aishoot("results", "list", "2")
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == server.results(2)
    heading, *rows = [line.split("\t") for line in as_table.stdout.splitlines()]
    assert heading[0] == "id"
    assert [row[0] for row in rows] == [row["id"] for row in server.results(2)]


@pytest.mark.parametrize("limit", [0, 1, 100, 101, 250, 999])
def test_a_limit(ran, server, limit):
    code, out, _ = ran("results", "list", "1", "-n", str(limit), "--json", against=server)
    assert (code, len(out.splitlines())) == (0, min(limit, 250))


def test_quiet_says_nothing_and_a_machine_gets_json(aishoot, tmp_path):
    command = ("results", "export", "2", "--to", str(tmp_path / "r.jsonl"))
    assert aishoot("--quiet", *command).stderr == ""
    said = aishoot("--log-format", "json", *command).stderr.splitlines()
    assert json.loads(said[-1])["items"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["results", "list", "1"], 4, "AISHOOT_TOKEN"),
        (["--sandbox", "results", "list", "999"], 1, "404"),
        (["--sandbox", "results", "list", "one"], 2, "no whole number"),
        (["--sandbox", "results", "list", "1", "--limit", "-1"], 2, "limit"),
        (["--sandbox", "results", "lst", "1"], 2, 'Did you mean "list"'),
        (["--sandbox", "results", "list", "1", "--limt", "3"], 2, "--limt"),
        (["--sandbox", "results", "export", "1"], 2, "--to"),
        (["--sandbox", "results", "export", "1", "--to", "r.csv"], 2, ".jsonl"),
        (["--sandbox", "results", "export", "1", "--to", "/no/where/r.jsonl"], 2, "/no/where is not there"),
        (["--base-url", "nonsense", "results", "list", "1"], 2, "base-url"),
        (["--base-url", "http://example.com", "results", "list", "1"], 2, "http://"),
        (["sandbox", "--port", "-5"], 2, "port"),
    ],
)
def test_bad_input_is_a_sentence_and_a_code(ran, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    ended, out, err = ran(*arguments)
    assert (ended, out) == (code, ""), err
    assert said in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["two\nlines", "with space", "ümlaut"])
def test_a_bad_token_is_a_sentence_without_the_token(ran, monkeypatch, token):
    monkeypatch.setenv("AISHOOT_TOKEN", token)
    code, out, err = ran("results", "list", "1")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert token not in err


def test_an_error_names_the_request_and_verbose_the_attempts(aishoot, server):
    body = json.dumps({"status": 403, "error": "Forbidden", "message": "not yours"}).encode()
    server.add_fault(Fault(Status(403, body=body)))
    done = aishoot("--verbose", "results", "list", "1")
    assert done.returncode == 1
    assert "not yours" in done.stderr
    assert "sandbox-" in done.stderr
    assert "attempt 1" in done.stderr
    assert server.token not in done.stderr


def test_a_refused_token_is_exit_code_4(aishoot):
    done = aishoot("results", "list", "1", env={"AISHOOT_TOKEN": "stale"})
    assert done.returncode == 4
    assert "stale" not in done.stderr


def test_a_page_that_cannot_be_read_is_a_sentence(aishoot, server):
    server.add_fault(Fault(RawBody(b"<html>login</html>", "text/html"), operation="brief_results"))
    done = aishoot("results", "list", "1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_brief_that_changes_is_exit_code_3(aishoot, server, tmp_path):
    server.add_fault(Fault(InsertRows(brief=1, position=0, count=2), operation="brief_results", page=2))
    done = aishoot("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    assert done.returncode == 3
    assert "changed" in done.stderr


def test_the_sandbox_serves_until_it_is_stopped(alone):
    process = alone.start("sandbox", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    settings = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(3))
    done = alone("results", "list", "1", "-n", "2", "--json", env=settings)
    assert len(done.stdout.splitlines()) == 2
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_the_sandbox_tells_a_program_its_settings_in_json(alone):
    process = alone.start("--json", "sandbox", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    settings = json.loads(process.stdout.readline())
    assert set(settings) == {"AISHOOT_BASE_URL", "AISHOOT_AUTH_URL", "AISHOOT_TOKEN"}
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143


def test_a_terminal_gets_a_table_and_a_bar(aishoot, tmp_path):
    seen = aishoot.in_a_terminal("results", "list", "2")
    assert seen.code == 0
    assert "skuName" in seen.text
    assert "\t" not in seen.text
    seen = aishoot.in_a_terminal("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    assert seen.code == 0
    assert "━" in seen.text
    assert "250 results" in seen.text


def test_help_and_version(alone):
    assert "results" in alone("--help").stdout
    assert "Example" in alone("results", "export", "--help").stdout
    assert alone("--version").stdout.strip().count(".") == 2


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


@pytest.mark.parametrize(("typed", "code", "left"), [(b"y\n", 0, 11), (b"n\n", 2, 12), (b"\n", 2, 12)])
def test_a_delete_asks_on_a_terminal(aishoot, server, typed, code, left):
    seen = aishoot.in_a_terminal("skus", "delete", server.skus()[0]["id"], typed=typed)
    assert (seen.code, len(server.skus())) == (code, left)
    assert "Delete 1 SKU? [y/N]" in seen.text


def test_no_input_never_asks(aishoot, server):
    seen = aishoot.in_a_terminal("--no-input", "skus", "delete", server.skus()[0]["id"], typed=b"y\n")
    assert (seen.code, len(server.skus())) == (2, 12)
    assert "[y/N]" not in seen.text


def test_the_stored_help_is_what_would_be_rendered(alone):
    code = "from aishoot_async.cli._app import run; run(['--help'])"
    wide = alone.env | {"COLUMNS": "80"}
    rendered = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=wide).stdout
    # Write what was rendered to the file when a command or an option has changed.
    assert HELP.read_bytes() == rendered
    for arguments in ([], ["-h"], ["--help"]):
        assert alone(*arguments, env={"COLUMNS": "100"}).stdout.encode() == rendered


@pytest.mark.parametrize("env", [{"COLUMNS": "60"}, {"PYTHONIOENCODING": "ascii"}])
def test_help_is_rendered_where_the_stored_one_does_not_fit(alone, env):
    done = alone("--help", env=env)
    assert done.returncode == 0, done.stderr
    assert "Global options" in done.stdout
    assert done.stdout != HELP.read_text(encoding="utf-8")
    assert max(map(len, done.stdout.splitlines())) <= int(env.get("COLUMNS", 80))
