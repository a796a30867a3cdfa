"""The image files of a catalog: hashed once, uploaded exactly as they were seen, compared by what they are called."""

import asyncio
import hashlib
import os
from pathlib import Path

import anyio
import pytest
from blockbuster import blockbuster_ctx

from aishoot_async import CatalogError, ConfigurationError, NotFoundError, SyncError
from aishoot_async.sandbox import Fault, Sandbox, Status
from aishoot_async.sync import SyncPlan
from aishoot_async.sync._images import PlannedPicture, examine, is_path, upload
from helpers.image_service import ImageService, identifier_of, images_of
from helpers.leaks import NothingLeft
from helpers.pictures import exif, jpeg, png, tiff, webp_extended, webp_lossless, webp_lossy
from helpers.sessions import session_for
from sync.running import Syncing, counts, item

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


@pytest.fixture
def picture(tmp_path):
    def make(name, body=b"", width=2000):
        path = tmp_path / name
        path.write_bytes(png(width, 1000, name.encode() + body))
        return str(path)

    return make


@pytest.fixture
async def sandbox():
    async with Sandbox(skus=0, render_images="file") as running:
        yield running


@pytest.fixture
async def sync(sandbox, tmp_path):
    async with session_for(sandbox, sandbox.token, organization="org-1") as session:
        yield Syncing(session, tmp_path / "catalog.state")


def change_unseen(path):
    """Write other bytes, though the disk says nothing of it: only who reads them sees a change."""
    found = path.stat()
    path.write_bytes(bytes(found.st_size))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def digest(path):
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.sha256(file.read()).hexdigest()


async def test_each_is_sent_once_however_many_items_have_it(sandbox, sync, picture):
    front, back = picture("front.png"), picture("back.png")
    catalog = [item(str(number), image=front, back_image=back) for number in range(30)]
    plan = await sync.plan(catalog)
    assert sandbox.calls["upload"] == sandbox.calls["upload_exists"] == 0
    assert counts(await sync.apply(plan)) == {"created": 30}
    assert sandbox.calls["upload"] == sandbox.calls["upload_exists"] == 2
    assert {row["frontImage"] for row in sandbox.skus()} == {f"{digest(front)}.jpg"}
    assert {row["backImage"] for row in sandbox.skus()} == {f"{digest(back)}.jpg"}


async def test_the_second_run_reads_no_picture(sandbox, sync, picture):
    front = picture("front.png")
    catalog = [item(str(number), image=front) for number in range(30)]
    await sync.run(catalog)
    change_unseen(Path(front))
    before = sandbox.calls.copy()
    assert counts(await sync.run(catalog)) == {"unchanged": 30}
    assert set(sandbox.calls - before) == {"list_skus"}


async def test_an_upload_that_failed_is_tried_again_for_who_comes_later(sandbox, sync, picture):
    sandbox.add_fault(Fault(Status(422), operation="upload", times=1))
    catalog = [item(str(number), image=picture("front.png")) for number in range(256)]
    said = counts(await sync.run(catalog))
    assert said["failed"] >= 1
    assert said["created"] >= 128
    assert sandbox.calls["upload"] == 2
    assert counts(await sync.run(catalog))["created"] == said["failed"]


async def test_a_picture_that_has_changed_is_an_update_of_that_field(sandbox, sync, picture):
    front, back = picture("front.png"), picture("back.png")
    await sync.run([item("a", image=front, back_image=back)])
    before = digest(front)
    picture("front.png", b"retouched")
    plan = await sync.plan([item("a", image=front, back_image=back)])
    assert plan.entries[0].changes == {"front_image": (f"{before}.jpg", digest(front))}
    assert list(plan.entries[0].pictures) == ["front_image"]
    assert counts(await sync.apply(plan)) == {"updated": 1}
    (row,) = sandbox.skus()
    assert (row["frontImage"], row["backImage"]) == (f"{digest(front)}.jpg", f"{digest(back)}.jpg")
    assert (await sync.plan([item("a", image=front, back_image=back)])).is_empty


async def test_a_picture_that_only_moved_is_no_change(sync, picture):
    front = picture("front.png")
    await sync.run([item("a", image=front)])
    moved = front.replace("front.png", "moved.png")
    os.rename(front, moved)  # noqa: PTH104
    assert (await sync.plan([item("a", image=moved)])).is_empty


async def test_a_file_that_changed_since_the_plan_fails_its_items_alone(sandbox, sync, picture, tmp_path):
    one, two = picture("one.png"), picture("two.png")
    plan = await sync.plan([item("1", image=one), item("2", image=one), item("3", image=two)])
    plan.save(tmp_path / "plan.json")
    picture("one.png", b"changed")
    report = await sync.apply(SyncPlan.load(tmp_path / "plan.json"))
    assert counts(report) == {"failed": 2, "created": 1}
    assert "has changed since it was planned" in report.outcomes[0].error
    assert len(sandbox.skus()) == 1
    catalog = [item("1", image=one), item("2", image=one), item("3", image=two)]
    assert counts(await sync.run(catalog)) == {"created": 2, "unchanged": 1}


async def test_an_upload_that_fails_fails_its_items_and_creates_nothing(sandbox, sync, picture):
    sandbox.add_fault(Fault(Status(422), operation="upload"))
    report = await sync.run([item("1", image=picture("one.png")), item("2")])
    assert counts(report) == {"failed": 1, "created": 1}
    assert sandbox.calls["create_sku"] == 1


async def test_all_bad_pictures_are_named_and_nothing_is_done(sandbox, sync, picture, tmp_path):
    small, missing = picture("small.png", width=200), str(tmp_path / "missing.png")
    catalog = [item("1", image=small), item("2", image=picture("good.png"), back_image=missing), item("3", image=small)]
    with pytest.raises(CatalogError) as caught:
        await sync.plan(catalog)
    assert [(problem.key, problem.field) for problem in caught.value.problems] == [
        ("1", "front_image"),
        ("2", "back_image"),
        ("3", "front_image"),
    ]
    assert "missing.png" in str(caught.value)
    assert not sandbox.requests


async def test_pictures_need_an_organization(sandbox, tmp_path, picture):
    async with session_for(sandbox, sandbox.token) as session:
        with pytest.raises(ConfigurationError, match="organization"):
            await Syncing(session, tmp_path / "s").plan([item("1", image=picture("one.png"))])
    assert not sandbox.requests


async def test_a_lost_create_with_pictures_is_found(sandbox, sync, picture):
    sandbox.add_fault(Fault(Status(504, after_effect=True), operation="create_sku", at=1))
    catalog = [item("1", image=picture("one.png"), back_image=picture("two.png"))]
    assert counts(await sync.run(catalog)) == {"created": 1}
    assert len(sandbox.skus()) == 1
    assert (await sync.plan(catalog)).is_empty
