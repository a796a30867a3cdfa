"""``results export`` and ``skus export``: many briefs, formats, going on, and what is said of the outcome."""

import csv
import gzip
import json
import signal
import subprocess

import pytest

from aishoot_async.sandbox import Delay, Fault, InsertRows, Status

BRIEFS = {1: 250, 2: 3}


def rows(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_several_briefs_go_into_a_folder(here, server, tmp_path):
    to = tmp_path / "out"
    done = here("results", "export", "1", "2", "--to", str(to), "--format", "jsonl.gz")
    assert done.returncode == 0, done.stderr
    for brief, count in BRIEFS.items():
        lines = gzip.decompress((to / f"brief_id={brief}/part-00000.jsonl.gz").read_bytes()).splitlines()
        assert [json.loads(line) for line in lines] == server.results(brief)
        assert len(lines) == count
    assert (to / "_SUCCESS").exists()
    assert "253 results" in done.stderr


def test_a_finished_export_says_so_and_fetches_nothing(here, server, tmp_path):
    command = ("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    assert here(*command).returncode == 0
    before = (tmp_path / "r.jsonl").stat().st_ino
    calls = server.calls["brief_results"]
    again = here(*command)
    assert again.returncode == 0
    assert "--refresh" in again.stderr
    assert "--restart" in again.stderr
    assert server.calls["brief_results"] == calls
    assert here(*command, "--refresh").returncode == 0
    assert (tmp_path / "r.jsonl").stat().st_ino == before
    assert server.calls["brief_results"] > calls
    assert here(*command, "--restart").returncode == 0
    assert (tmp_path / "r.jsonl").stat().st_ino != before


def test_briefs_come_from_stdin_or_a_file_too(here, tmp_path):
    named = tmp_path / "briefs"
    named.write_text("\ufeff1\n\n 2 \n", encoding="utf-8")
    for given, text in ((str(named), ""), ("-", named.read_text(encoding="utf-8"))):
        to = tmp_path / given.strip("/").replace("/", "_")
        done = here("--log-format", "json", "results", "export", "--briefs-from", given, "--to", str(to), input=text)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stderr.splitlines()[-1])["items"] == 253


def test_what_failed_is_named_and_the_rest_is_there(here, server, tmp_path):
    to, report = tmp_path / "out", tmp_path / "report.json"
    server.add_fault(Fault(Status(503), operation="brief_results", brief=2))
    command = ("results", "export", "1", "2", "99", "--to", str(to), "--report", str(report), "--patience", "0")
    done = here(*command)
    assert done.returncode == 3
    assert "brief 99 failed" in done.stderr
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["failed"] == {"passing": [2], "permanent": [99]}
    assert [brief["state"] for brief in said["briefs"]] == ["complete", "failed", "failed"]
    assert len(rows(to / "brief_id=1/part-00000.jsonl")) == 250
    assert not (to / "_SUCCESS").exists()
    server.clear_faults()
    server.add_fault(Fault(Status(500), operation="brief_results", brief=1))  # it is not asked for any more
    assert here(*command).returncode == 3
    assert json.loads(report.read_text(encoding="utf-8"))["failed"] == {"passing": [], "permanent": [99]}
    assert len(rows(to / "brief_id=2/part-00000.jsonl")) == 3


def test_what_fails_is_said_once(here, tmp_path):
    done = here("results", "export", "2", "99", "--to", str(tmp_path / "out"))
    assert done.stderr.count("99 failed") == 1


def test_a_report_that_cannot_be_written_is_said_before_anything_is_fetched(here, server, tmp_path):
    done = here("results", "export", "1", "--to", str(tmp_path / "out"), "--report", str(tmp_path))
    assert done.returncode == 2
    assert "the report cannot be written" in done.stderr
    assert server.calls["brief_results"] == 0
    assert list(tmp_path.iterdir()) == []


def test_no_report_of_an_earlier_run_stays_when_this_one_ends_badly(aishoot, server, tmp_path):
    report = tmp_path / "report.json"
    command = ("results", "export", "1", "--to", str(tmp_path / "r.jsonl"), "--report", str(report), "--patience", "0")

    def said():
        return json.loads(report.read_text(encoding="utf-8"))

    assert aishoot(*command).returncode == 0
    assert said()["complete"]
    server.add_fault(Fault(Status(403), operation="brief_results"))
    assert aishoot(*command, "--refresh").returncode == 1
    assert (said()["complete"], said()["error"].split(":")[0]) == (False, "PermissionDeniedError")
    server.clear_faults()
    server.reset_requests()
    server.add_fault(Fault(Delay(60), operation="brief_results"))
    process = aishoot.start(*command, "--refresh", stderr=subprocess.DEVNULL)
    server.wait_for_calls(1, "brief_results", timeout=20)
    process.kill()
    process.wait()
    assert (said()["complete"], "was not finished" in said()["error"]) == (False, True)


def test_a_report_may_go_into_a_stream(aishoot, tmp_path):
    done = aishoot("-q", "results", "export", "2", "--to", str(tmp_path / "out"), "--report", "/dev/stdout")
    assert json.loads(done.stdout)["complete"]


def test_all_of_one_brief_failing_is_a_failure(here, tmp_path):
    done = here("results", "export", "99", "--to", str(tmp_path / "r.jsonl"))
    assert done.returncode == 1
    assert "404" in done.stderr
    assert not (tmp_path / "r.jsonl").exists()


def test_strict_gives_the_same_file_and_the_same_folder(here, server, tmp_path):
    for to in ("r.jsonl", "out"):
        usual, strict = tmp_path / to, tmp_path / f"strict-{to}"
        assert here("results", "export", "1", "--to", str(usual)).returncode == 0
        server.reset_requests()
        done = here("results", "export", "1", "--strict", "--to", str(strict))
        assert done.returncode == 0, done.stderr
        assert server.calls["brief_results"] >= 2 * 3
    assert (tmp_path / "strict-r.jsonl").read_bytes() == (tmp_path / "r.jsonl").read_bytes()
    part = "brief_id=1/part-00000.jsonl"
    assert (tmp_path / "strict-out" / part).read_bytes() == (tmp_path / "out" / part).read_bytes()


def test_a_brief_that_keeps_changing(here, server, tmp_path):
    """By itself it is kept, and not called whole; with --strict nothing of it is there."""
    server.add_fault(Fault(InsertRows(brief=1), operation="brief_results", page=2, brief=1))
    report = tmp_path / "report.json"

    def export(*more):
        done = here("results", "export", *more, "--report", str(report))
        return done.returncode, done.stderr, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}

    code, said, written = export("1", "2", "--to", str(tmp_path / "usual"))
    assert (code, written["unstable"], written["failed"]) == (3, [1], {"passing": [], "permanent": []})
    assert "brief 1 changed in every one of 3 passes" in said
    assert (tmp_path / "usual" / "brief_id=1").exists()
    code, said, written = export("1", "2", "--strict", "--to", str(tmp_path / "strict"))
    assert (code, written["unstable"], written["failed"]) == (3, [], {"passing": [1], "permanent": []})
    assert "brief 1 failed" in said
    assert "was walked 5 times" in said
    assert not (tmp_path / "strict" / "brief_id=1").exists()
    for to in ("usual", "strict"):
        assert not (tmp_path / to / "_SUCCESS").exists()
    report.unlink()
    code, said, _ = export("1", "--strict", "--to", str(tmp_path / "r.jsonl"))
    assert code == 1
    assert "fewer changes" in said
    assert not (tmp_path / "r.jsonl").exists()


def test_shards_together_are_the_whole(here, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert here("results", "export", "1", "2", "--to", str(whole)).returncode == 0
    for shard in ("1/2", "2/2"):
        assert here("results", "export", "1", "2", "--to", str(parts), "--shard", shard).returncode == 0
    for brief in BRIEFS:
        part = f"brief_id={brief}/part-00000.jsonl"
        assert (parts / part).read_bytes() == (whole / part).read_bytes()


def test_skus_as_csv(here, server, tmp_path):
    done = here("skus", "export", "--to", str(tmp_path / "s.csv"), "--columns", "id, name")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert table == [{"id": sku["id"], "name": sku["name"]} for sku in server.skus()]


def test_a_signal_keeps_what_was_read_and_says_so(aishoot, server, tmp_path):
    server.add_fault(Fault(Status(503, retry_after=50), operation="brief_results", page=3, times=1))
    command = ("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    process = aishoot.start(*command, stderr=subprocess.PIPE, text=True)
    server.wait_for_calls(3, "brief_results", timeout=20)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "the same command goes on" in said
    assert not (tmp_path / "r.jsonl").exists()
    assert aishoot(*command).returncode == 0
    assert rows(tmp_path / "r.jsonl") == list(server.results(1))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "r.jsonl"], "no brief"),
        (["1", "2", "--to", "r.jsonl"], "one file holds one brief"),
        (["1", "--to", "r.jsonl", "--format", "csv"], "csv"),
        (["1", "--to", "r.jsonl", "--columns", "id"], "columns are for CSV"),
        (["1", "--to", "out", "--shard", "3"], "I/N"),
        (["1", "--to", "out", "--shard", "3/2"], "shard"),
        (["1", "--to", "out", "--refresh", "--restart"], "choose"),
        (["1", "--to", "ftp://x/y"], "ftp://x/y"),
        (["1", "--to", "r.json"], "jsonl"),
        (["99999999999999999999", "--to", "out"], "64 bits"),
        (["--briefs-from", "-", "--to", "out"], "line 2"),
        (["1", "--to", "out", "--patience", "-1"], "patience"),
    ],
)
def test_bad_input(here, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = here("results", "export", *arguments, input="1\ntwo\n")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_destination_that_is_not_ours_stays(here, tmp_path):
    (tmp_path / "r.jsonl").write_text("mine", encoding="utf-8")
    done = here("results", "export", "1", "--to", str(tmp_path / "r.jsonl"))
    assert done.returncode == 1
    assert (tmp_path / "r.jsonl").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [
        ("r.jsonl.bz2", 2, "reads like a file's name"),
        ("R.CSV", 2, "CSV needs --columns"),
        ("r.jsonl ", 2, "reads like a file's name"),
        ("~/r.jsonl", 2, "begins with ~"),
        ("-", 2, "no export can be written"),
        ("/dev/stdout", 1, "it is no folder"),
        ("s3://user:secret-word@bucket/r", 2, "the name of a bucket alone"),
        ("s3:/bucket/r", 2, "two slashes"),
    ],
)
def test_a_destination_that_cannot_be_is_refused_in_a_line(aishoot, tmp_path, to, code, said):
    done = aishoot("results", "export", "2", f"--to={to}", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_bucket_that_is_not_there_is_an_error_and_its_report_says_so(aishoot, s3, tmp_path):
    env = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": s3,
        "AWS_ALLOW_HTTP": "true",
        "XDG_STATE_HOME": str(tmp_path),
    }
    report = tmp_path / "report.json"
    done = aishoot("results", "export", "1", "--to", "s3://never-made/r.jsonl", "--report", str(report), env=env)
    assert done.returncode == 1
    assert "NoSuchBucket: The specified bucket does not exist" in done.stderr
    assert json.loads(report.read_text(encoding="utf-8"))["complete"] is False
