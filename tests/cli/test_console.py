"""What is said on stderr: in colour or not, in JSON to its last line, and without anything that is not ours to say."""

import json
import subprocess
import sys

import pytest

from aishoot_async.cli._text import printable
from aishoot_async.sandbox import Fault, Status

NOTHING = ("skus", "get", "nothing")
ESCAPE = "\x1b["


@pytest.mark.parametrize(
    ("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=["", "no", "dumb"]
)
def test_an_error_is_coloured_on_a_terminal_that_wants_it(aishoot, env, coloured):
    seen = aishoot.in_a_terminal(*NOTHING, env=env)
    assert seen.code == 1
    assert (ESCAPE in seen.text) is coloured
    assert "error: GET /ai-shoot/skus/nothing answered 404" in seen.text


def test_a_dumb_terminal_and_a_pipe_get_no_moving_bar(aishoot, tmp_path):
    command = ("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    seen = aishoot.in_a_terminal(*command, env={"TERM": "dumb"})
    assert len(seen.text.splitlines()) == 1
    # Continuous integration sets this one, and keeps what is said.
    said = aishoot(*command, env={"FORCE_COLOR": "1"}).stderr
    assert ("━" in said, "\r" in said, len(said.splitlines())) == (False, False, 1)


def test_a_server_cannot_forge_lines_or_steer_the_terminal(aishoot, server):
    message = "no\u001b[2J\nerror: \u202eforged :smile: [red]x[/]"
    server.add_fault(Fault(Status(403, body=json.dumps({"message": message}).encode())))
    said = aishoot("skus", "list").stderr
    assert "no\\x1b[2J\\nerror: \\u202eforged :smile: [red]x[/]" in said
    assert len(said.splitlines()) == 2


def test_verbose_tells_the_attempts_and_json_their_parts(aishoot, server):
    server.add_fault(Fault(Status(503), at=1))
    server.add_fault(Fault(Status(503, retry_after=0), at=2))
    server.add_fault(Fault(Status(403), at=3))
    said = aishoot("--verbose", "skus", "list").stderr.splitlines()
    attempts = [line for line in said if line.startswith("attempt")]
    assert [line.split(" after ")[0] for line in attempts] == [
        "attempt 1 was answered 503",
        "attempt 2 was answered 503",
        "attempt 3 was answered 403",
    ]
    assert "request sandbox-1" in attempts[0]
    entries = [json.loads(line) for line in aishoot("-v", "--log-format", "json", *NOTHING).stderr.splitlines()]
    assert entries[0]["level"] == "error"


def test_a_question_is_json_too(aishoot, server):
    sku = server.skus()[0]["id"]
    seen = aishoot.in_a_terminal(
        "--log-format", "json", "skus", "delete", sku, when=b"}\r\n", then=b"n\n", env={"NO_COLOR": "1"}
    )
    assert seen.code == 2
    asked, typed, told = seen.text.splitlines()
    assert json.loads(asked)["message"] == "Delete 1 SKU?"
    assert typed == "n"
    assert json.loads(told)["message"] == "nothing was deleted"


def test_a_question_that_nobody_would_see_is_not_asked(aishoot, server):
    sku = server.skus()[0]["id"]
    seen = aishoot.in_a_terminal("skus", "delete", sku, redirection="2> /dev/null", typed=b"y\n")
    assert (seen.code, len(server.skus())) == (2, 12)


BROKEN = """
import os
from aishoot_async.resources.skus import SkuResource
async def broken(self):
    raise RuntimeError(f"I hold {os.environ['AISHOOT_TOKEN']}, and Bearer abc.def-ghi, and eyJh.eyJz.c2ln")
SkuResource.list_global = broken
from aishoot_async.cli import main
main()
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_bug_of_our_own_is_shown_whole_but_for_tokens_and_asks_to_be_reported(aishoot, server, form):
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, "--log-format", form, "skus", "global"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=aishoot.env,
    )
    assert (done.returncode, done.stdout) == (1, "")
    if form == "json":
        (line,) = done.stderr.splitlines()
        entry = json.loads(line)
        asked, shown = entry["message"], entry["traceback"]
        assert entry["version"]
    else:
        asked, *rest = done.stderr.splitlines()
        shown = "\n".join(rest)
    assert "please report it" in asked
    assert "Traceback" in shown
    assert "RuntimeError: I hold [token], and Bearer [token], and [token]" in shown
    assert server.token not in done.stderr


FOREIGN = """
import logging
from aishoot_async.resources.skus import SkuResource
real = SkuResource.list_global
async def chatty(self):
    logging.getLogger("asyncio").error("a task\\nwent wrong")
    logging.getLogger("asyncio").info("nobody asked")
    return await real(self)
SkuResource.list_global = chatty
from aishoot_async.cli import main
main()
"""


def test_what_others_log_is_in_the_same_form(aishoot):
    done = subprocess.run(
        [sys.executable, "-c", FOREIGN, "--log-format", "json", "skus", "global"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=aishoot.env,
    )
    (entry,) = map(json.loads, done.stderr.splitlines())
    assert (entry["level"], entry["message"], entry["logger"]) == ("warning", "a task\nwent wrong", "asyncio")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Röckchen 裙 🧦", "Röckchen 裙 🧦"),
        ("a\tb\nc\r\u2028d", "a b c  d"),
        ("\x1b[31m\x07\x9b", "\\x1b[31m\\x07\\x9b"),
        ("\u202e\u200b\ud800", "\\u202e\\u200b\\ud800"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown
