"""``aishoot images upload``."""

import json
import signal
import subprocess
from hashlib import sha256

import pytest

from aishoot_async.sandbox import Delay, Fault, Status
from helpers.pictures import jpeg, png

SMALL, LARGE = png(64, 64), png(1500, 900)


def identifier_of(data):
    return sha256(data).hexdigest()


@pytest.fixture
def upload(aishoot, tmp_path, monkeypatch):
    """Upload some of the folder's files, to an organization."""
    monkeypatch.chdir(tmp_path)

    def go(*arguments, **options):
        return aishoot("--organization", "o", *arguments[:-1], "images", "upload", *arguments[-1], **options)

    return go


def made(folder, count):
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(LARGE + b"%d" % number)
    return names


def test_identifiers_and_names_come_in_the_order_of_the_arguments(upload, server, tmp_path):
    names = made(tmp_path, 20)
    # The first ones are the last to be answered.
    server.add_fault(Fault(Delay(0.3), operation="upload", times=4))
    done = upload(names)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines == [[identifier_of((tmp_path / name).read_bytes()), name] for name in names]
    assert server.calls["upload"] == 20
    assert server.max_in_flight > 1
    again = upload("--json", [*names, names[0]])
    assert [json.loads(line) for line in again.stdout.splitlines()] == [
        {"identifier": identifier, "file": name} for identifier, name in [*lines, lines[0]]
    ]
    assert server.calls["upload"] == 20, "nothing was sent again"


def test_what_fails_does_not_keep_the_others_from_it(upload, server, tmp_path):
    names = made(tmp_path, 3)
    (tmp_path / "no.png").write_bytes(b"GIF89a")
    done = upload(["missing.png", names[0], "no.png", names[1], ".", names[2]])
    assert done.returncode == 3
    assert [line.partition("\t")[2] for line in done.stdout.splitlines()] == names
    assert sorted(done.stderr.splitlines()) == [
        "error: . cannot be read: it is no file",
        "error: missing.png cannot be read: No such file or directory",
        "error: no.png is no JPEG, PNG, TIFF or WebP",
    ]
    server.add_fault(Fault(Status(422), operation="upload", times=1))
    (tmp_path / names[0]).write_bytes(LARGE)
    refused = upload(names[:2])
    assert refused.returncode == 3
    assert "0.png was not uploaded: POST /upload answered 422" in refused.stderr


def test_when_all_fail_the_code_is_1(upload):
    done = upload(["missing.png", "."])
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 2


def test_what_would_fail_all_is_said_once(upload, server, tmp_path):
    server.expire_tokens()
    done = upload(made(tmp_path, 20))
    assert (done.returncode, done.stdout) == (4, "")
    assert len(done.stderr.splitlines()) == 2
    assert "aishoot login" in done.stderr


def test_without_an_organization_or_a_file_it_is_wrong_usage(aishoot, upload):
    for done, said in ((aishoot("images", "upload", "x.png"), "AUTORETOUCH_ORGANIZATION_ID"), (upload([]), "one file")):
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "See aishoot images upload --help." in done.stderr


def test_what_ai_shoot_cannot_use_is_uploaded_with_a_warning(upload, tmp_path):
    pictures = {
        "small.png": SMALL,
        "heavy.jpg": jpeg(1500, 900) + bytes(7 * 2**20),
        "good.png": LARGE,
    }
    for name, data in pictures.items():
        (tmp_path / name).write_bytes(data)
    done = upload("--log-format", "json", list(pictures))
    assert done.returncode == 0
    said = {entry["file"]: entry["message"] for entry in map(json.loads, done.stderr.splitlines())}
    assert set(said) == {"small.png", "heavy.jpg"}
    assert "64 x 64 pixels" in said["small.png"]
    assert "7,340,032" in said["heavy.jpg"]


def test_a_picture_that_is_cut_short_is_named_and_the_others_are_uploaded(upload, tmp_path):
    pictures = {"half.jpg": jpeg(1500, 900, body=b"\0" * 5000), "cut.png": SMALL[:20], "good.png": LARGE}
    for name, data in pictures.items():
        (tmp_path / name).write_bytes(data)
    done = upload(list(pictures))
    assert done.returncode == 3
    assert done.stdout == f"{identifier_of(LARGE)}\tgood.png\n"
    for name in ("half.jpg", "cut.png"):
        assert f"{name} is cut short" in done.stderr


def test_a_name_is_one_field_of_one_line(upload, tmp_path):
    name = "a\tb\nc.png"
    (tmp_path / name).write_bytes(LARGE)
    done = upload([name])
    assert done.stdout == f"{identifier_of(LARGE)}\ta b c.png\n"
    assert json.loads(upload("--json", [name]).stdout)["file"] == name


def test_the_sandbox_has_an_organization(ran, tmp_path):
    (tmp_path / "a.png").write_bytes(LARGE)
    code, out, _ = ran("--sandbox", "images", "upload", str(tmp_path / "a.png"))
    assert (code, out) == (0, f"{identifier_of(LARGE)}\t{tmp_path}/a.png\n")


def test_ctrl_c_ends_it_within_a_second(aishoot, server, tmp_path):
    server.add_fault(Fault(Delay(30), operation="upload"))
    names = [str(tmp_path / name) for name in made(tmp_path, 4)]
    arguments = ("--organization", "o", "images", "upload", *names)
    with aishoot.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        server.wait_for_calls(4, "upload")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=5)
    assert (process.returncode, out) == (130, "")
    assert "the same command goes on" in said
