"""What was done at the service is told where it can be heard, when stdout takes nothing: nobody is to do it again."""

import os
import subprocess

import pytest

from aishoot_async import AuthError, NotFoundError
from aishoot_async.cli._console import Console
from aishoot_async.cli._output import print_done
from aishoot_async.cli._running import run_command
from aishoot_async.cli._signals import Stopped, signals
from aishoot_async.cli._streams import OutputError
from aishoot_async.sandbox import Fault, Status
from helpers.pictures import png

CREATE = ("skus", "create", "--name", "Twice", "--front-image", "f")
WHY = {"full": "No space left on device", "closed": "Bad file descriptor", "gone": "Broken pipe"}
MISSING = NotFoundError(404, method="GET", path="/x")
CATALOG = "key,name,frontImage\n" + "".join(f"K{number},Twice,f{number}\n" for number in range(3))


@pytest.fixture
def unheard(aishoot):
    """Run a command whose stdout takes nothing, in one of three ways; stderr is heard, or closed as well."""

    def run(how, *arguments, mute=False):
        if how == "gone":
            reader, writer = os.pipe()
            os.close(reader)
            options = {"stdout": writer, "stderr": subprocess.DEVNULL if mute else subprocess.PIPE}
            process = aishoot.start(*arguments, stdin=subprocess.DEVNULL, text=True, **options)
            os.close(writer)
            said = process.communicate(timeout=40)[1] or ""
            return process.returncode, said
        done = aishoot.redirected({"full": ">/dev/full", "closed": ">&-"}[how] + (" 2>&-" if mute else ""), *arguments)
        return done.returncode, done.stderr

    return run


def assert_told(said, *ids, why):
    assert "Traceback" not in said
    assert "again" not in said.replace("against", "")
    for one in (*ids, why):
        assert one in said, said


def twice(server):
    return [sku["id"] for sku in server.skus() if sku["name"] == "Twice"]


@pytest.mark.parametrize(
    ("how", "form"),
    [
        *((how, "") for how in WHY),
        ("full", "--json"),
        ("gone", "--quiet"),
        ("closed", "--log-format=json"),
    ],
)
def test_a_create_says_which_sku_it_made(unheard, server, how, form):
    code, said = unheard(how, *form.split(), *CREATE)
    (made,) = twice(server)
    assert code == 1
    assert_told(said, f"created SKU {made}", why=WHY[how])


@pytest.mark.parametrize("how", WHY)
def test_an_update_says_which_sku_it_changed(unheard, server, how):
    sku = server.skus()[0]["id"]
    for more in ([], ["--replace", "--front-image", "f"]):
        code, said = unheard(how, "--json", "skus", "update", sku, "--name", "Twice", *more)
        assert code == 1
        assert_told(said, f"updated SKU {sku}", why=WHY[how])
    assert twice(server) == [sku]


@pytest.mark.parametrize("how", WHY)
def test_a_delete_prints_nothing_and_is_done(unheard, server, how):
    sku = server.skus()[0]["id"]
    code, said = unheard(how, "skus", "delete", sku, "--yes")
    assert (code, said) == (0, "deleted 1 of 1\n")


@pytest.mark.parametrize("how", WHY)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["lines", "json"])
def test_an_upload_says_each_identifier(unheard, server, tmp_path, how, form):
    files = [tmp_path / f"{number}.png" for number in range(9)]
    for number, file in enumerate(files):
        file.write_bytes(png(8, 8) + b"%d" % number)
    code, said = unheard(how, *form, "--organization", "o", "images", "upload", *map(str, files))
    assert code == 1
    assert server.calls["upload"] == 9
    identifiers = [line.partition(" as ")[2].partition(";")[0] for line in said.splitlines() if " as " in line]
    assert len({identifier for identifier in identifiers if len(identifier) == 64}) == 9
    assert_told(said, *map(str, files), why=WHY[how])


@pytest.mark.parametrize("how", WHY)
def test_a_sync_says_what_it_did_and_does_nothing_twice(unheard, aishoot, server, tmp_path, how):
    (tmp_path / "c.csv").write_text(CATALOG)
    command = ("skus", "sync", str(tmp_path / "c.csv"), "--state", str(tmp_path / "s"), "--apply")
    code, said = unheard(how, *command)
    assert code == 1
    assert_told(said, "3 created", why=WHY[how])
    assert len(twice(server)) == 3
    assert aishoot(*command).returncode == 0
    assert len(twice(server)) == 3


@pytest.mark.parametrize("how", WHY)
def test_a_sync_that_ends_in_an_error_says_that_too(unheard, server, tmp_path, how):
    (tmp_path / "c.csv").write_text(CATALOG)
    server.add_fault(Fault(Status(401), operation="create_sku", at=2, times=10**6))
    command = ("skus", "sync", str(tmp_path / "c.csv"), "--state", str(tmp_path / "s"), "--apply")
    code, said = unheard(how, *command)
    assert code == 4
    assert "401" in said
    assert WHY[how] in said


@pytest.mark.parametrize("how", WHY)
def test_a_login_says_that_it_is_done(unheard, how):
    code, said = unheard(how, "--sandbox", "--json", "login")
    assert code == 1
    assert_told(said, "logged in", why=WHY[how])


@pytest.mark.parametrize(
    ("how", "arguments"),
    [
        ("full", CREATE),
        ("closed", CREATE),
        ("gone", CREATE),
        ("closed", ("skus", "update", "?", "--name", "Twice")),
        ("gone", ("--sandbox", "--json", "login")),
    ],
)
def test_where_stderr_is_closed_too_the_exit_code_tells(unheard, server, how, arguments):
    sku = server.skus()[0]["id"]
    assert unheard(how, *(sku if one == "?" else one for one in arguments), mute=True) == (1, "")
    assert len(twice(server)) == (0 if "login" in arguments else 1)


@pytest.mark.parametrize("how", WHY)
def test_a_failure_is_not_hidden_by_a_reader_who_is_gone(unheard, server, how):
    sku = server.skus()[0]["id"]
    code, said = unheard(how, "skus", "get", sku, "missing")
    assert code == (3 if how == "gone" else 1)
    assert "missing" in said


def test_a_report_that_a_full_disk_does_not_take_hides_nothing(aishoot, tmp_path):
    to = tmp_path / "out"
    done = aishoot("results", "export", "1", "2", "--to", str(to), "--report", "/dev/full")
    assert done.returncode == 1
    assert "the report cannot be written to /dev/full: No space left on device" in done.stderr
    assert "253 results" in done.stderr
    assert (to / "_SUCCESS").exists()
    (tmp_path / "c.csv").write_text(CATALOG)
    command = ("skus", "sync", str(tmp_path / "c.csv"), "--state", str(tmp_path / "s"), "--apply")
    done = aishoot(*command, "--report", "/dev/full")
    assert done.returncode == 1
    assert "3 created" in done.stderr
    assert len(done.stdout.splitlines()) == 4


def test_an_error_is_said_although_its_report_cannot_be_written(aishoot, tmp_path):
    done = aishoot("results", "export", "99", "--to", str(tmp_path / "r.jsonl"), "--report", "/dev/full")
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "No space left" in done.stderr


def test_a_signal_that_breaks_off_the_print_is_told_what_was_done(capsys):
    def show():
        raise Stopped

    with pytest.raises(Stopped):
        print_done(show, "created SKU sku-1", "its JSON", Console())
    assert "created SKU sku-1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("errors", "comes_to"),
    [
        ([Stopped(), ValueError()], 130),
        ([ValueError(), BaseExceptionGroup("of more", [Stopped()])], 130),
        ([OutputError(OSError(28, "full")), Stopped(), MISSING], 130),
        ([OutputError(OSError(28, "full")), MISSING], OutputError),
        ([BaseExceptionGroup("of more", [ValueError(), OutputError(OSError(32, "gone"))])], OutputError),
        ([MISSING], 1),
        ([ExceptionGroup("of more", [AuthError("no login"), MISSING])], 4),
        ([ValueError(), TypeError()], ExceptionGroup),
        ([ExceptionGroup("of more", [ValueError()])], ExceptionGroup),
    ],
)
def test_what_a_group_of_tasks_raises_is_what_one_of_them_did(errors, comes_to, monkeypatch):
    async def command():
        raise BaseExceptionGroup("of tasks", errors)

    monkeypatch.setattr(signals, "force_exit_soon", lambda: None)
    if isinstance(comes_to, int):
        assert run_command(command, Console()) == comes_to
    else:
        with pytest.raises(comes_to):
            run_command(command, Console())
