"""What the streams take and do not take: pipes that close, disks that are full, descriptors that are not there."""

import json
import os
import subprocess

import pytest

from aishoot_async.sandbox import ThreadedSandbox

LISTING = ("--quiet", "--json", "results", "list", "1")


@pytest.fixture(scope="module")
def server():
    with ThreadedSandbox(briefs={1: 250}) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["skus", "--help"], ["completion", "bash"], LISTING],
)
def test_a_reader_who_is_gone_ends_it_quietly(aishoot, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    process = aishoot.start(*arguments, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == 0


def test_a_reader_who_has_had_enough_gets_what_he_asked_for(aishoot, server):
    done = aishoot.redirected("| head -n 3", *LISTING)
    assert [json.loads(line) for line in done.stdout.splitlines()] == server.results(1)[:3]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "place", "why"),
    [
        (["--help"], "> /dev/full", "No space left on device"),
        (["skus", "--help"], ">&-", "Bad file descriptor"),
        (LISTING, "> /dev/full", "No space left on device"),
        (["-q", "skus", "list"], ">&-", "Bad file descriptor"),
    ],
)
def test_an_stdout_that_takes_nothing_is_an_error(aishoot, arguments, place, why):
    done = aishoot.redirected(place, *arguments)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: cannot write to stdout: {why}",
        "What was printed is not whole: run it again where stdout can be written to.",
    ]


@pytest.mark.parametrize("place", ["2> /dev/full", ">&- 2>&- <&-"])
def test_what_cannot_be_said_is_left_unsaid_and_the_work_goes_on(aishoot, server, tmp_path, place):
    done = aishoot.redirected(place, "results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # Had a message been given the descriptor of a closed stream, it could stand in here.
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_bytes().splitlines()] == server.results(1)


def test_a_reader_of_messages_who_is_gone_does_not_end_an_export(aishoot, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    process = aishoot.start("results", "export", "1", "--to", str(tmp_path / "r.jsonl"), stderr=writer)
    os.close(writer)
    assert process.wait(20) == 0
    assert len((tmp_path / "r.jsonl").read_bytes().splitlines()) == 250


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["skus", "delete", "-", "--yes"], "at least one id"),
        (["skus", "delete", "x"], "nothing was deleted"),
        (["skus", "create", "--body", "-"], "no JSON"),
    ],
)
def test_an_stdin_that_is_closed_is_empty(aishoot, arguments, said):
    done = aishoot.redirected("<&-", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_encoding_that_lacks_a_character_ends_no_listing(alone):
    with ThreadedSandbox(skus=0) as server:
        server.insert_sku(sku_id="sku-1", name="Röckchen 裙")
        env = {"AISHOOT_TOKEN": server.token, "AISHOOT_BASE_URL": server.url, "PYTHONIOENCODING": "ascii"}
        done = alone("skus", "list", env=env)
        assert done.returncode == 0, done.stderr
        assert "R\\xf6ckchen \\u88d9" in done.stdout
        done = alone("--log-format", "json", "skus", "get", "Röckchen", env=env)
        assert "Röckchen" in json.loads(done.stderr)["message"]
        # JSON is UTF-8, whatever the terminal's encoding is.
        as_json = alone("--json", "skus", "list", env=env | {"PYTHONIOENCODING": ""}).stdout
        assert json.loads(as_json)["name"] == "Röckchen 裙"
