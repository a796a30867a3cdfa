"""Promise 2 on a disk that is really full: a typed error, no claim beyond what it holds; given room, an exact end."""

import os
import random
import shutil
import subprocess

import pytest

from aishoot_async.sandbox import ThreadedSandbox
from helpers.parts import assert_the_journal_claims_no_more_than_is_there, bytes_of, home_of, needs, options_for

FORMATS = ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv"]
SIZE = 4 * 1024 * 1024
BLOCK = 4096


@pytest.fixture(scope="module")
def server():
    with ThreadedSandbox(briefs={1: 700, 2: 33}, max_page_size=20) as running:
        yield running


@pytest.fixture
def disk(tmp_path):
    """Mount a disk of a few MB, which takes a superuser."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def leave(disk, room):
    """Fill the disk but for so many bytes."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    statistics = os.statvfs(disk)
    filling = statistics.f_bavail * statistics.f_frsize - room
    if filling > 0:
        with ballast.open("wb") as file:
            file.write(bytes(filling))


@pytest.mark.parametrize("kind", ["folder", "file"])
@pytest.mark.parametrize("name", FORMATS)
def test_whenever_it_is_full_the_same_call_goes_on_once_there_is_room(exports, server, tmp_path, disk, name, kind):
    needs(name)
    briefs, ending = ([1, 2], "") if kind == "folder" else ([1], f".{name}")
    options, whole = options_for(name), tmp_path / f"whole{ending}"
    assert exports.run(server, briefs, whole, **options)["complete"]
    size = sum(map(len, bytes_of(whole).values())) if kind == "folder" else len(bytes_of(whole))
    chance = random.Random(f"{name} {kind}")
    failed = 0
    for number in range(6):
        to = disk / f"{number}{ending}"
        leave(disk, number * BLOCK if number < 3 else chance.randrange(3 * BLOCK, 100_000 + size, BLOCK))
        said = exports.run(server, briefs, to, **options)
        if "error" in said:
            failed += 1
            assert said["error"] == "ExportError", said
            assert "the same call goes on" in said["message"]
            assert not (to / "_SUCCESS").exists()
        assert_the_journal_claims_no_more_than_is_there(to, name, tmp_path / f"journal-{number}")
        leave(disk, SIZE)
        last = exports.run(server, briefs, to, **options)
        assert last.get("complete"), last
        assert bytes_of(to) == bytes_of(whole)
        shutil.rmtree(to if kind == "folder" else home_of(to))
        if kind == "file":
            to.unlink()
    assert failed >= 3
