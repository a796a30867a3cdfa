"""The README's commands wherever they are run: with no environment, no home, no streams, no room on the disk."""

import os
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from aishoot_async.sandbox import ThreadedSandbox
from helpers.confined import NAMESPACE, can_mount
from helpers.pictures import png

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@attrs.frozen
class Command:
    """A command as the README has it.

    Attributes:
        shell: as it stands there.
        prints: it has data for stdout.
        writes: it has files to write.
    """

    shell: str
    prints: bool = True
    writes: bool = False


COMMANDS = [
    Command("aishoot --sandbox skus list --limit 5"),
    Command('aishoot --sandbox skus create --name "Linen dress" --front-image 1f2e3d --category outfit'),
    Command('aishoot --sandbox skus update sku-0001-0dd6 --name "Merino shirt" --not-in-wardrobe'),
    Command("aishoot --sandbox --json results list 1"),
    Command(
        "aishoot --sandbox results export 1 2 3 --to results/ --format parquet",
        prints=False,
        writes=True,
    ),
    Command("aishoot --sandbox skus export --to skus.jsonl.gz", prints=False, writes=True),
    Command("aishoot skus sync catalog.csv --state catalog.state", writes=True),
    Command("aishoot skus sync catalog.csv --state catalog.state --apply", writes=True),
    Command("aishoot --sandbox images upload front.jpg back.jpg"),
    Command("aishoot completion bash"),
]
BESIDE_THE_README = [
    Command("aishoot --help"),
    Command("aishoot skus sync --help"),
    Command("aishoot status"),
]
# They are run elsewhere: with a cluster, in a pipe of two, for ever, or after another of these.
ELSEWHERE = {"--dask local", "| jq", "aishoot sandbox --port", "--decide style-7"}

every = pytest.mark.parametrize("command", COMMANDS + BESIDE_THE_README, ids=lambda command: command.shell[8:40])


@pytest.fixture(scope="module")
def server():
    with ThreadedSandbox(briefs={1: 250}) as sandbox:
        yield sandbox


@pytest.fixture
def surrounded(server, tmp_path):
    """Run a command with nothing in its environment but what leads to the server; it shows no traceback."""
    (tmp_path / "catalog.csv").write_text("key,name,frontImage\n" + "".join(f"k{i},N{i},f{i}\n" for i in range(40)))
    for name in ("front.jpg", "back.jpg"):
        (tmp_path / name).write_bytes(png(8, 8))
    settings = {"AISHOOT_TOKEN": server.token, "AISHOOT_BASE_URL": server.url, "AISHOOT_AUTH_URL": server.url}

    def run(command, *, before="", behind="", inside=(), **variables):
        env = variables if "--sandbox" in command.shell else settings | variables
        arguments = re.sub(r"^aishoot ", f'"{sys.executable}" -m aishoot_async ', command.shell)
        script = f"{before} exec {arguments} {behind}"
        done = subprocess.run(
            [*inside, "/bin/sh", "-c", script], env=env, cwd=tmp_path, capture_output=True, timeout=50, check=False
        )
        said = done.stderr.decode()
        assert "Traceback" not in said, said
        assert b"Traceback" not in done.stdout
        assert "bug" not in said, said
        return done

    return run


def test_every_command_of_the_readme_is_run():
    block = README.partition("### On the command line\n\n```\n")[2].partition("```")[0]
    lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
    known = {command.shell for command in COMMANDS} | {"source <(aishoot completion bash)"}
    assert len(lines) > 10
    assert [line for line in lines if line not in known and not any(part in line for part in ELSEWHERE)] == []


LOCALE_C = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENVIRONMENTS = {
    "nothing": {},
    "the locale C, and a terminal without columns": LOCALE_C | {"COLUMNS": "0", "LINES": "0", "TERM": "dumb"},
    "nothing that is there": {
        "HOME": "/nonexistent",
        "TMPDIR": "/nonexistent",
        "TZ": "No/Where",
        "PATH": "",
        "COLUMNS": "-1x",
        "TERM": "",
        "LANG": "xx_YY.KOI8-Q",
        "LC_ALL": "xx_YY.KOI8-Q",
    },
}


@every
@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_no_environment_changes_what_a_command_does(surrounded, command, variables):
    done = surrounded(command, **variables)
    assert done.returncode == 0, done.stderr
    assert bool(done.stdout) is command.prints


STREAMS = ["<&- 2>&-", ">&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/full 2>&1"]


@every
@pytest.mark.parametrize("streams", STREAMS)
def test_what_is_printed_in_vain_is_an_error_and_nothing_else_is(surrounded, command, streams):
    done = surrounded(command, behind=streams)
    is_lost = command.prints and (">/" in streams.replace("2>/", "") or " >&" in f" {streams}")
    assert done.returncode == (1 if is_lost else 0), done.stderr
    if is_lost and "2>" not in streams:
        assert b"error: " in done.stderr


@every
def test_a_file_that_cannot_grow_is_a_sentence(surrounded, command):
    done = surrounded(command, before="ulimit -f 1;")
    assert done.returncode == (1 if command.writes else 0), done.stderr
    if command.writes:
        assert b"File too large" in done.stderr or b"disk" in done.stderr


@pytest.mark.skipif(not can_mount(), reason="this machine lets nobody mount anything")
@every
@pytest.mark.parametrize("kilobytes", [0, 8])
def test_a_disk_that_is_full_is_a_sentence(surrounded, tmp_path, command, kilobytes):
    # A small disk in a namespace of its own, whose room but for a few kilobytes is taken.
    (tmp_path / "disk").mkdir()
    before = (
        "mount -t tmpfs -o size=128k none disk && cp catalog.csv front.jpg back.jpg disk && cd disk && "
        f"head -c {(128 - 12 - kilobytes) * 1024} /dev/zero > taken;"
    )
    done = surrounded(command, before=before, inside=NAMESPACE, PATH=os.defpath)
    assert done.returncode == (1 if command.writes else 0), done.stderr
    if done.returncode:
        assert b"No space left on device" in done.stderr or b"disk" in done.stderr
