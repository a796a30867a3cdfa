"""What a command writes is nothing that it reads, and nothing else that it writes, as is seen before it begins."""

import json
import os
import resource
import stat
import subprocess
from pathlib import Path

import pytest

from aishoot_async.cli._files import write_whole
from helpers.pictures import png


def tree(folder):
    """All that is there, with its content."""
    return {
        str(found.relative_to(folder)): found.read_bytes()
        for found in sorted(folder.rglob("*"))
        if found.is_file() and not found.name.endswith(("-wal", "-shm"))
    }


@pytest.fixture
def exported(ran, server, tmp_path, monkeypatch):
    """Exports that are finished: a folder and a file; and a list of briefs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "briefs.txt").write_text("1\n2\n")
    for to in ("out", "x.jsonl"):
        briefs = "12" if to == "out" else "1"
        assert ran("-q", "results", "export", *briefs, "--to", to, against=server) == (0, "", "")
    return tmp_path


@pytest.fixture
def refused(ran, server):
    """Run what must be refused before anything is done: both options are named, and nothing in the folder changes."""

    def run(folder, *arguments, named):
        before = tree(folder)
        server.reset_requests()
        code, _, said = ran("--organization", "o", *arguments, against=server)
        assert code == 2, said
        assert [name for name in named if name not in said] == []
        assert tree(folder) == before
        assert server.calls.total() == 0

    return run


FILE = ["x.jsonl", "./x.jsonl", "out/../x.jsonl", "link.jsonl", "hard.jsonl", "X.JSONL.new/../x.jsonl", "here/x.jsonl"]


@pytest.mark.parametrize("report", FILE)
@pytest.mark.parametrize("again", [[], ["--refresh"], ["--restart"]], ids=["as it is", "refresh", "restart"])
def test_a_report_is_not_the_file_that_is_exported(refused, exported, report, again):
    Path("link.jsonl").symlink_to("x.jsonl")
    Path("hard.jsonl").hardlink_to("x.jsonl")
    Path("here").symlink_to(exported)
    Path("X.JSONL.new").mkdir()
    command = ("results", "export", "1", "--to", "x.jsonl", "--report", report, *again)
    refused(exported, *command, named=["--report", "--to"])


IN_THE_FOLDER = [
    "out/brief_id=1/part-00000.jsonl",
    "out/brief_id=1/other",
    "out/_SUCCESS",
    "out/_success",
    "out/_manifest.ndjson",
    "out/_manifest-1-of-2.ndjson",
    "out/.aishoot/1-of-1/journal.sqlite",
    "out/.aishoot/lock",
    "out/part-00000.jsonl",
    "out/brief_id=3",
    "link",
    "there/_SUCCESS",
]


@pytest.mark.parametrize("report", IN_THE_FOLDER)
def test_a_report_is_no_part_of_the_folder_that_is_exported(refused, exported, report):
    Path("link").symlink_to("out/brief_id=2/part-00000.jsonl")
    Path("there").symlink_to("out")
    command = ("results", "export", "1", "2", "--to", "out", "--report", report)
    refused(exported, *command, named=["--report", "--to"])
    refused(exported, *command[:-4], "--to", "there/", "--report", report, named=["--report", "--to"])


@pytest.mark.parametrize(
    "report", ["new.jsonl", "NEW.jsonl", ".new.jsonl.aishoot", ".new.jsonl.aishoot/1-of-1/lock", "deep"]
)
def test_a_report_is_not_what_an_export_will_make(refused, exported, report):
    to = "deep/new.jsonl" if report == "deep" else "new.jsonl"
    refused(exported, "results", "export", "1", "--to", to, "--report", report, named=["--report", "--to"])
    refused(exported, "skus", "export", "--to", to, "--report", report, named=["--report", "--to"])


@pytest.mark.parametrize("report", ["briefs.txt", "link", "hard", "out/../briefs.txt"])
def test_a_report_is_not_the_list_of_briefs(refused, exported, report):
    Path("link").symlink_to("briefs.txt")
    Path("hard").hardlink_to("briefs.txt")
    command = ("results", "export", "--briefs-from", "briefs.txt", "--to", "new", "--report", report)
    refused(exported, *command, named=["--report", "--briefs-from"])


def test_the_list_of_briefs_is_no_part_of_the_export(refused, exported):
    (exported / "n.jsonl").write_text("1")
    command = ("results", "export", "--briefs-from", "n.jsonl", "--to", "n.jsonl", "--restart")
    refused(exported, *command, named=["--briefs-from", "--to"])


@pytest.mark.parametrize(
    ("redirection", "stream"), [("< briefs.txt", "stdin"), (">> briefs.txt", "stdout"), ("2>> briefs.txt", "stderr")]
)
def test_a_report_is_nothing_that_the_shell_has_redirected(aishoot, exported, redirection, stream):
    command = ("results", "export", "--briefs-from", "-", "--to", "new", "--report", "briefs.txt")
    done = aishoot.redirected(redirection, *command, "1")
    assert done.returncode == 2
    assert not (exported / "new").exists()
    said = done.stderr or (exported / "briefs.txt").read_text()
    assert f"--report and {stream} are one file" in said


@pytest.mark.parametrize("ending", ["", ".lock"])
def test_a_report_is_not_the_login(refused, exported, monkeypatch, ending):
    (exported / "login.json").write_text("{}")
    monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", "login.json")
    command = ("results", "export", "1", "--to", "new", "--report", f"login.json{ending}")
    refused(exported, *command, named=["--report", "login"])
    monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", "login.jsonl")
    command = ("results", "export", "1", "--to", f"login.jsonl{ending}", "--restart")
    refused(exported, *command, named=["--to", "login"])


def test_other_files_beside_and_in_the_folder_may_be_reports(aishoot, exported):
    for report in ("r.json", "out/r.json", "brief_id=1"):
        done = aishoot("results", "export", "1", "2", "--to", "out", "--report", report)
        assert done.returncode == 0, done.stderr
        assert json.loads((exported / report).read_text())["complete"]


@pytest.mark.parametrize("to", [".", "./", "../here", "here/.."])
def test_the_folder_one_is_in_can_be_exported_to_and_reported_in(ran, server, tmp_path, monkeypatch, to):
    (tmp_path / "here/here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    code, _, said = ran("-q", "results", "export", "2", "--to", to, "--report", "r.json", against=server)
    assert (code, said) == (0, "")
    assert json.loads(Path("r.json").read_text())["complete"]
    assert Path("_SUCCESS").exists()
    assert ran("results", "export", "2", "--to", to, "--report", "_SUCCESS", against=server)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["results", "export", "1", "--to", "new", "--report", "x" * 300], "File name too long"),
        (["results", "export", "1", "--to", "new", "--report", "."], "Is a directory"),
        (["results", "export", "1", "--to", "new", "--report", "/"], "the report cannot be written to /"),
        (["results", "export", "1", "--to", "new", "--report", "a\0b"], "null"),
        (["results", "export", "1", "--to", "new", "--shard", "9" * 5000 + "/2"], "--shard takes I/N"),
        (["results", "export", "1", "--to", "new", "--shard", "1/2/3"], "--shard takes I/N"),
        (["skus", "sync", "c.csv", "--state", ""], "name a file"),
        (["skus", "sync", "c.csv", "--state", "/"], "name a file"),
        (["skus", "sync", "c.csv", "--state", "s", "--plan-out", "/"], "--plan-out: / cannot be written"),
        (["--organization", "o", "skus", "sync", "c.csv", "--state", "s", "--plan-out", "x" * 300], "name too long"),
    ],
)
def test_a_name_that_no_file_can_have_is_a_sentence(ran, server, catalog, arguments, said):
    code, _, err = ran(*arguments, against=server)
    assert code in {1, 2}
    assert said in err
    assert "Traceback" not in err
    assert not (catalog / "new").exists()


CATALOG = "key,name,frontImage\na,A,front.png\n"


@pytest.fixture
def catalog(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.csv").write_text(CATALOG)
    (tmp_path / "front.png").write_bytes(png(2000, 2000))
    (tmp_path / "plan.json").write_text("{}")
    for pipe in ("pipe", "pipe.csv"):
        os.mkfifo(pipe)  # never a device: without the check, it would be replaced
    Path("link.csv").symlink_to("c.csv")
    Path("hard.csv").hardlink_to("c.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["c.csv", "--state", "s", "--apply", "--report", "c.csv"], ["--report", "the catalog"]),
        (["c.csv", "--state", "s", "--apply", "--report", "hard.csv"], ["--report", "the catalog"]),
        (["c.csv", "--state", "s", "--apply", "--failures", "hard.csv"], ["--failures", "the catalog"]),
        (["c.csv", "--state", "s", "--apply", "--failures", "link.csv"], ["--failures", "the catalog"]),
        (["c.csv", "--state", "hard.csv"], ["--state", "the catalog"]),
        (["c.csv", "--state", "s", "--apply", "--report", "s"], ["--report", "--state"]),
        (["c.csv", "--state", "s", "--apply", "--report", "./S"], ["--report", "--state"]),
        (["c.csv", "--state", "s", "--apply", "--report", "s-wal"], ["--report", "of --state"]),
        (["c.csv", "--state", "s", "--plan-out", "s.lock"], ["--plan-out", "of --state"]),
        (["c.csv", "--state", "s", "--plan-out", "r", "--apply", "--report", "R"], ["--report", "--plan-out"]),
        (["--plan", "plan.json", "--apply", "--report", "plan.json"], ["--report", "--plan"]),
        (["c.csv", "--state", "s", "--apply", "--report", "front.png"], ["--report", "image"]),
        (["c.csv", "--state", "s", "--plan-out", "front.png"], ["--plan-out", "image"]),
        (["c.csv", "--state", "s", "--plan-out", "pipe"], ["--plan-out", "pipe"]),
        (["c.csv", "--state", "s", "--apply", "--failures", "pipe.csv"], ["--failures", "pipe.csv"]),
    ],
)
def test_a_sync_writes_over_nothing_that_it_reads(refused, catalog, arguments, named):
    refused(catalog, "skus", "sync", *arguments, named=named)


def test_the_pictures_of_a_plan_are_inputs_too(aishoot, refused, catalog):
    run = ("--organization", "o", "skus", "sync")
    assert aishoot(*run, "c.csv", "--state", "s", "--plan-out", "plan.json").returncode == 0
    refused(catalog, *run[2:], "--plan", "plan.json", "--apply", "--report", "front.png", named=["--report"])


def test_a_report_is_replaced_as_a_whole_and_keeps_its_mode(aishoot, exported):
    report = exported / "r.json"
    report.write_text("old")
    report.chmod(0o640)
    Path("kept").hardlink_to("r.json")
    Path("latest").symlink_to("r.json")
    assert aishoot("results", "export", "1", "--to", "x.jsonl", "--report", "latest").returncode == 0
    assert json.loads(report.read_text())["complete"]
    assert stat.S_IMODE(report.stat().st_mode) == 0o640
    assert (exported / "latest").is_symlink()
    assert (exported / "kept").read_text() == "old", "what other names lead to is left alone"
    assert not list(exported.glob(".r.json*"))


def test_a_report_with_no_room_for_a_file_beside_it_is_written_in_place(tmp_path):
    place = tmp_path / ("r" * 250)
    write_whole(place, "new")
    assert place.read_text() == "new"


def test_a_full_disk_leaves_the_report_that_was_there(tmp_path):
    report = tmp_path / "r.json"
    report.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_whole(report, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [found.name for found in tmp_path.iterdir()] == ["r.json"]
    assert report.read_text() == "old"


@pytest.mark.parametrize("stream", ["/dev/stdout", "/dev/stderr", "/dev/null", "pipe"])
def test_a_report_may_go_into_any_stream(aishoot, exported, stream):
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        done = aishoot("-q", "results", "export", "1", "--to", "x.jsonl", "--report", stream)
        assert done.returncode == 0, done.stderr
        if stream != "pipe":
            (exported / "pipe").write_text("")
        got = {"pipe": reader.stdout.read().decode(), "/dev/stdout": done.stdout, "/dev/stderr": done.stderr}
    assert stream == "/dev/null" or json.loads(got[stream])["complete"]


def test_a_report_to_a_redirected_stdout_is_what_stands_there(aishoot, exported):
    with (exported / "r.json").open("w") as stdout:
        command = ("-q", "results", "export", "1", "--to", "x.jsonl", "--report", "/dev/stdout")
        assert aishoot(*command, capture_output=False, stdout=stdout).returncode == 0
    assert json.loads((exported / "r.json").read_text())["complete"]
