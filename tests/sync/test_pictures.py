"""The pictures of a catalog: looked at once, uploaded exactly as they were seen."""

import asyncio
import os
from pathlib import Path

import anyio
import pytest
from blockbuster import blockbuster_ctx

from aishoot_async import ConfigurationError, NotFoundError, SyncError
from aishoot_async.sync._images import PlannedPicture, examine, is_path, upload
from helpers.image_service import ImageService, identifier_of, images_of
from helpers.leaks import NothingLeft
from helpers.pictures import exif, jpeg, png, tiff, webp_extended, webp_lossless, webp_lossy

pytestmark = pytest.mark.anyio
GOOD = png(1500, 900)


class Memory:
    """Remembers in a dict, and counts what it is asked."""

    def __init__(self):
        self.known = {}
        self.recalled = []

    def recall(self, path, size, mtime_ns):
        self.recalled.append(path)
        return self.known.get((path, size, mtime_ns))

    def remember(self, picture):
        self.known[str(picture.path), picture.size, picture.mtime_ns] = picture.identifier


async def look(paths, memory):
    pictures, problems = await examine(map(str, paths), memory)
    return [{Path(path): found for path, found in by_path.items()} for by_path in (pictures, problems)]


def write(folder, files):
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


FORMATS = {
    "a.jpg": jpeg(1500, 900),
    "progressive.jpeg": jpeg(900, 1500, [exif()], sof=0xC2),
    "b.png": GOOD,
    "c.tif": tiff("<", {256: (3, 1500), 257: (3, 9)}),
    "d.tiff": tiff(">", {256: (4, 10_000), 257: (4, 10_000)}),
    "e.webp": webp_lossy(1500, 900),
    "f.webp": webp_lossless(1500, 900),
    "g.webp": webp_extended(1500, 900),
}


async def test_every_format_is_found_and_hashed(tmp_path):
    paths = write(tmp_path, FORMATS)
    pictures, problems = await look([*paths, *paths], Memory())
    assert problems == {}
    assert set(pictures) == set(paths)
    for path in paths:
        found = path.stat()
        data = FORMATS[path.name]
        assert pictures[path] == PlannedPicture(
            path=str(path), size=found.st_size, mtime_ns=found.st_mtime_ns, identifier=identifier_of(data)
        )


async def test_a_second_run_reads_no_picture(tmp_path):
    paths = write(tmp_path, {f"{number}.png": GOOD + b"%d" % number for number in range(50)})
    memory = Memory()
    first = await look(paths, memory)
    assert len(memory.known) == 50
    for path in paths:
        # Gone, but for what the disk says of it: who reads it would see other bytes.
        found = path.stat()
        path.write_bytes(b"x" * found.st_size)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert await look(paths, memory) == first
    assert len(memory.recalled) == 100


async def test_a_picture_that_was_written_again_is_read_again(tmp_path):
    (path,) = write(tmp_path, {"a.png": GOOD + b"1"})
    memory = Memory()
    before, _ = await look([path], memory)
    path.write_bytes(GOOD + b"2")
    os.utime(path, ns=(0, before[path].mtime_ns + 1))
    after, _ = await look([path], memory)
    assert after[path].identifier == identifier_of(GOOD + b"2")


def bad(folder):
    pipe = folder / "pipe.png"
    os.mkfifo(pipe)
    files = {
        "small.png": png(1499, 1499),
        "huge.png": png(10_001, 1500),
        "cut.png": GOOD[:20],
        "cut.jpg": jpeg(1500, 900)[:10],
        "empty.png": b"",
        "no.png": b"GIF89a" + bytes(50),
        "heavy.jpg": jpeg(1500, 900) + bytes(7 * 2**20),
    }
    said = {
        "small.png": "1499 x 1499 pixels; AI Shoot needs 1500",
        "huge.png": "10001 x 1500 pixels",
        "cut.png": "is cut short",
        "cut.jpg": "is cut short",
        "empty.png": "is empty",
        "no.png": "is no JPEG",
        "heavy.jpg": "AI Shoot takes 7,340,032",
        "missing.png": "No such file",
        "pipe.png": "it is no file",
        ".": "it is no file",
        "a\0.png": "this is no path",
    }
    write(folder, files)
    return {folder / name: text for name, text in said.items()}


async def test_every_bad_picture_is_named_with_what_is_wrong(tmp_path):
    wanted = bad(tmp_path)
    good = write(tmp_path, {"good.png": GOOD, "largest.jpg": jpeg(1500, 900).ljust(7 * 2**20, b"\0")})
    memory = Memory()
    pictures, problems = await look([*good, *wanted], memory)
    assert set(pictures) == set(good)
    assert set(problems) == set(wanted)
    for path, text in wanted.items():
        assert text in problems[path]
        assert path.name in problems[path].replace("\\x00", "\0")
    assert len(memory.known) == 2, "a bad one is looked at again: what is wrong with it must be said again"


async def test_a_picture_that_changes_while_it_is_read_is_a_problem(tmp_path):
    (path,) = write(tmp_path, {"a.png": GOOD})

    class Growing(Memory):
        def recall(self, name, size, mtime_ns):
            path.write_bytes(GOOD + b"more")

    _, problems = await look([path], Growing())
    assert "changed while it was read" in problems[path]


async def test_looking_blocks_no_loop_and_can_be_cancelled(tmp_path):
    paths = write(tmp_path, {f"{number}.png": GOOD + bytes(500_000) for number in range(40)})
    async with NothingLeft():
        with blockbuster_ctx("aishoot_async"):
            await look(paths[:5], Memory())
        with anyio.move_on_after(0.005) as scope:
            await look(paths, Memory())
        assert scope.cancelled_caught


@pytest.mark.parametrize("value", ["a/b", "/x.png", "./id", "front.jpg", "front.PNG", "a.webp", "b.tif"])
def test_what_is_a_path(tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    if "/" not in value:
        assert not is_path(value), "it names no file yet"
        (tmp_path / value).touch()
    assert is_path(value)


@pytest.mark.parametrize(
    "value", ["", ".", "1f2e3d", "a" * 64, "front.jpg", "data.json", "a\0.png", "\ud800.png", ".png", "x" * 300]
)
def test_what_is_an_identifier(tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.json").touch()
    (tmp_path / "png").touch()
    assert not is_path(value)


async def seen(path):
    pictures, problems = await look([path], Memory())
    assert not problems
    return pictures[path]


async def test_a_picture_is_uploaded_once_and_not_read_when_it_is_there(tmp_path):
    (path,) = write(tmp_path, {"a.png": GOOD})
    picture = await seen(path)
    async with ImageService() as server, images_of(server) as session:
        await asyncio.gather(*(upload(session, picture) for _ in range(10)))
        assert server.stored == {picture.identifier}
        assert server.methods.count("POST") == 1
        await upload(session, picture)
        assert server.methods.count("POST") == 1


@pytest.mark.parametrize("data", [GOOD + b"more", b"x" * len(GOOD), b""])
async def test_a_picture_that_has_changed_since_the_plan_is_not_uploaded(tmp_path, data):
    (path,) = write(tmp_path, {"a.png": GOOD})
    picture = await seen(path)
    path.write_bytes(data)
    os.utime(path, ns=(0, picture.mtime_ns + 1))
    async with ImageService() as server, images_of(server) as session:
        with pytest.raises(SyncError, match=r"a\.png has changed"):
            await upload(session, picture)
        assert not server.connections


async def test_a_picture_that_has_changed_and_does_not_show_it_never_arrives(tmp_path):
    (path,) = write(tmp_path, {"a.png": GOOD + b"1"})
    picture = await seen(path)
    path.write_bytes(GOOD + b"2")
    os.utime(path, ns=(0, picture.mtime_ns))
    async with ImageService() as server, images_of(server) as session:
        with pytest.raises(SyncError, match=r"a\.png changed"):
            await upload(session, picture)
        await server.until(lambda: not server.open)
        assert server.methods == ["HEAD"]


async def test_a_picture_that_was_only_touched_is_uploaded(tmp_path):
    (path,) = write(tmp_path, {"a.png": GOOD})
    picture = await seen(path)
    os.utime(path, ns=(0, 5))
    async with ImageService() as server, images_of(server) as session:
        await upload(session, picture)
        assert server.stored == {picture.identifier}


async def test_a_picture_that_is_gone_fails_and_other_errors_are_what_they_are(tmp_path):
    (path,) = write(tmp_path, {"a.png": GOOD})
    picture = await seen(path)

    async def refuse(_, connection):
        await connection.answer(b"", 404)
        return True

    async with ImageService(on_post=refuse) as server:
        async with images_of(server) as session:
            with pytest.raises(NotFoundError):
                await upload(session, picture)
        async with images_of(server, organization=None) as session:
            with pytest.raises(ConfigurationError):
                await upload(session, picture)
        path.unlink()
        async with images_of(server) as session:
            with pytest.raises(SyncError, match="No such file"):
                await upload(session, picture)


@pytest.mark.parametrize("given", ["0" * 64, "q83v" * 11, "img-0017"])
async def test_a_picture_that_the_service_calls_otherwise_is_named_with_what_it_calls_it(tmp_path, given):
    (path,) = write(tmp_path, {"a.png": GOOD})
    found = path.stat()
    picture = PlannedPicture(
        path=str(path), size=found.st_size, mtime_ns=found.st_mtime_ns, identifier=identifier_of(GOOD)
    )

    async def answer(_, connection):
        await connection.answer(given.encode(), 201)
        return True

    async with ImageService(on_post=answer) as server, images_of(server) as session:
        with pytest.raises(SyncError, match=f"a.png.*{given}"):
            await upload(session, picture)
