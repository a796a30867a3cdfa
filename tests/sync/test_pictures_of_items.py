"""Pictures of a catalog's items: hashed once, sent once, compared by what they are called."""

import hashlib
import os
from pathlib import Path

import pytest

from aishoot_async import CatalogError, ConfigurationError
from aishoot_async.sandbox import Fault, Sandbox, Status
from aishoot_async.sync import SyncPlan
from helpers.pictures import png
from helpers.sessions import session_for
from sync.running import Syncing, counts, item

pytestmark = pytest.mark.anyio


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
