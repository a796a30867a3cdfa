"""The state file: one run at a time, nothing but ours, and on the disk before anything is sent."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import attrs
import pytest
from blockbuster import blockbuster_ctx

from aishoot_async import AIShootSession, LockedError, SyncError
from aishoot_async.sync._state import disk_thread
from aishoot_async.sync._writer import Writer
from helpers.sku_service import SkuService, lose
from sync.running import Syncing, counts, item, items

pytestmark = pytest.mark.anyio


class TestOneAtATime:
    async def test_a_second_task_is_refused_and_the_first_unharmed(self, service, sync):
        plan = await sync.plan(items(*range(20)))
        refused = []

        async def another(method, _path, _body, after):
            if method == "POST" and not after and not refused:
                with pytest.raises(LockedError) as caught:
                    await sync.plan(items(1))
                refused.append(caught.value)
                with pytest.raises(LockedError):
                    await sync.apply(plan)

        service.hook = another
        assert counts(await sync.apply(plan)) == {"created": 20}
        assert "another sync" in str(refused[0])
        assert (await sync.plan(items(*range(20)))).is_empty

    async def test_a_second_process_is_refused_and_the_first_unharmed(self, service, sync):
        child = (
            "import asyncio, sys\n"
            "from aishoot_async import AIShootSession, LockedError\n"
            "from aishoot_async.sync import plan_sync\n"
            "async def main():\n"
            "    async with AIShootSession('tok', base_url=sys.argv[1]) as session:\n"
            "        try:\n"
            "            await plan_sync(session, [], state=sys.argv[2])\n"
            "        except LockedError as error:\n"
            "            print('refused:', error)\n"
            "asyncio.run(main())\n"
        )
        said = []

        async def another(method, _path, _body, after):
            if method == "POST" and not after and not said:
                said.append("")
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", child, service.url, str(sync.state), stdout=subprocess.PIPE
                )
                said[0] = (await process.communicate())[0].decode()

        service.hook = another
        assert counts(await sync.run(items(1, 2))) == {"created": 2}
        assert said[0].startswith("refused: another sync has the state")

    async def test_the_lock_is_let_go_when_a_run_fails(self, service, sync, tmp_path):
        with pytest.raises(SyncError):
            await sync.plan([], prune=True)
        await sync.run(items(1))
        sync.state.write_bytes(b"damaged")
        with pytest.raises(SyncError):
            await sync.plan(items(1))
        sync.state.unlink()
        for left in tmp_path.glob("*-wal"):
            left.unlink()
        assert counts(await sync.run(items(1))) == {"adopted": 1}


def other_database(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (x)")
        database.commit()


def another_version(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


def cut_short(path):
    path.write_bytes(path.read_bytes()[:5000])


def overwritten(path):
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 600] = b"x" * 600
    path.write_bytes(content)


def no_json(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE item SET applied = '[1'")
        database.commit()


def nested_too_deeply(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE item SET applied = ?", ("[" * 200_000,))
        database.commit()


def emptied(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("key,name\n" * 500)


@pytest.mark.parametrize(
    "damage", [other_database, another_version, cut_short, overwritten, no_json, nested_too_deeply, emptied, text]
)
async def test_a_damaged_or_foreign_file_is_refused_and_not_touched(service, sync, damage):
    plan = await sync.plan(items(1, 2))
    await sync.apply(plan)
    if damage is other_database:
        sync.state.unlink()
    damage(sync.state)
    before, asked = sync.state.read_bytes(), len(service.requests)
    for attempt in (lambda: sync.plan(items(1, 2)), lambda: sync.apply(plan)):
        with pytest.raises(SyncError, match=r"cannot be read as the state of a sync.*nothing was changed"):
            await attempt()
    assert sync.state.read_bytes() == before
    assert len(service.requests) == asked


async def test_a_state_of_which_only_the_journal_is_left(service, sync):
    await sync.run(items(1))
    sync.state.rename(f"{sync.state}-wal")
    with pytest.raises(SyncError, match="only its journal"):
        await sync.plan(items(1))


async def test_another_service_or_organization(service, sync):
    await sync.plan(items(1))
    async with SkuService() as other, other.session() as session:
        with pytest.raises(SyncError, match="belongs to the service"):
            await Syncing(session, sync.state).plan(items(1))
        assert other.requests == []
    async with service.session(organization="org-1") as session:
        assert counts(await Syncing(session, sync.state).run(items(1))) == {"created": 1}
    async with service.session(organization="org-2") as session:
        with pytest.raises(SyncError, match="belongs to the organization org-1, and this is org-2"):
            await Syncing(session, sync.state).plan(items(1))
    assert (await sync.plan(items(1))).is_empty


@pytest.mark.parametrize("name", ["missing/catalog.state", ".", "catalog.state\0"])
async def test_a_place_where_no_file_can_be(service, sync, tmp_path, name):
    with pytest.raises(SyncError):
        await Syncing(sync.session, f"{tmp_path}/{name}").plan(items(1))
    with pytest.raises(SyncError):
        await Syncing(sync.session, 7).plan(items(1))
    assert service.requests == []


async def test_the_intent_is_on_the_disk_before_the_request_is_sent_and_the_outcome_after(service, sync):
    await sync.run([item("u"), item("d"), item("o1"), item("o2"), item("o3")])
    seen = {}

    def look(kind):
        with closing(sqlite3.connect(f"file:{sync.state}?mode=ro", uri=True)) as database:
            return database.execute("SELECT key, state FROM operation WHERE kind = ?", (kind,)).fetchall()

    async def hook(method, _path, body, after):
        if method in {"POST", "PUT", "DELETE"} and not after:
            kind = {"POST": "create", "PUT": "update", "DELETE": "delete"}[method]
            seen[method] = await asyncio.to_thread(look, kind)

    service.hook = hook
    catalog = [item("u", "New"), item("c"), item("o1"), item("o2"), item("o3")]
    report = await sync.run(catalog, prune=True)
    assert counts(report) == {"updated": 1, "created": 1, "unchanged": 3, "deleted": 1}
    assert ("c", "open") in seen["POST"]
    assert ("u", "open") in seen["PUT"]
    assert seen["DELETE"] == [("d", "open")]
    assert ("c", "done") in look("create")
    assert look("update") == [("u", "done")]
    assert look("delete") == [("d", "done")]


async def test_nothing_blocks_the_event_loop(service, sync, tmp_path):
    catalog = [item("a"), item("b")]
    service.hook = lose(0)
    with blockbuster_ctx(scanned_modules=["aishoot_async.sync"]):
        assert counts(await sync.run(catalog)) == {"created": 2}
        service.put(name="Item c", frontImage="front-c")
        await sync.run([item("a", "New"), item("b"), item("c")])
        await sync.run([item("a", "New"), item("b")], prune=True)


async def test_no_thread_and_no_file_is_left_open(service, sync):
    await sync.run(items(1, 2))
    left = [thread for thread in threading.enumerate() if thread.name.startswith("aishoot-disk")]
    for thread in left:
        thread.join(5)
        assert not thread.is_alive()
    names = sorted(path.name for path in sync.state.parent.iterdir())
    assert names == ["catalog.state", "catalog.state.lock"]


class TestGroupCommit:
    @pytest.fixture
    def writer(self, tmp_path):
        thread = disk_thread()
        database = sqlite3.connect(tmp_path / "x", check_same_thread=False, isolation_level=None)
        database.execute("CREATE TABLE t (x UNIQUE)")
        yield Writer(database, thread)
        thread.close()
        database.close()

    async def test_many_share_one_transaction(self, writer, tmp_path):
        await asyncio.gather(*(writer.write(("INSERT INTO t VALUES (?)", (number,))) for number in range(500)))
        assert writer.commits <= 3
        with closing(sqlite3.connect(tmp_path / "x")) as database:
            assert database.execute("SELECT count(*) FROM t").fetchone() == (500,)

    async def test_whoever_is_cancelled_has_written_all_the_same(self, writer):
        task = asyncio.create_task(writer.write(("INSERT INTO t VALUES (1)", ())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await writer.drain()
        with pytest.raises(SyncError, match="UNIQUE"):
            await writer.write(("INSERT INTO t VALUES (1)", ()))

    async def test_what_cannot_be_written_is_told_to_all_who_wait_for_it(self, writer):
        await writer.write(("INSERT INTO t VALUES (1)", ()))
        twice = [writer.write(("INSERT INTO t VALUES (?)", (number,))) for number in (1, 2)]
        results = await asyncio.gather(*twice, return_exceptions=True)
        assert [type(result) for result in results] == [SyncError, SyncError]
        await writer.write(("INSERT INTO t VALUES (2)", ()))


def test_the_face_imports_no_sync():
    code = "import sys, aishoot_async; aishoot_async.AIShootSession; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert "aishoot_async.session" in loaded
    assert not [name for name in loaded if name.startswith("aishoot_async.sync") or name == "filelock"]


class TestAnotherSpellingOfTheService:
    """A slash at the end of the base URL, say, makes no other service."""

    SPELLINGS = ("{}/", "{}//", "HTTP{}", "{}/./")

    @staticmethod
    def spelled(url, spelling):
        return spelling.format(url.removeprefix("http") if spelling.startswith("HTTP") else url)

    @pytest.mark.parametrize("spelling", SPELLINGS)
    async def test_has_the_same_state_and_the_same_plans(self, service, sync, tmp_path, spelling):
        await sync.run(items(1))
        plan = await sync.plan(items(1, 2))
        async with AIShootSession("tok", base_url=self.spelled(service.url, spelling), auth_url=service.url) as session:
            assert session.base_url == sync.session.base_url
            other = Syncing(session, sync.state)
            assert counts(await other.apply(plan)) == {"unchanged": 1, "created": 1}
            assert (await other.plan(items(1, 2))).is_empty
        assert (await sync.plan(items(1, 2))).is_empty

    @pytest.mark.parametrize("spelling", SPELLINGS)
    async def test_may_stand_in_a_state_and_a_plan_of_an_earlier_release(self, service, sync, spelling):
        await sync.run(items(1))
        plan = await sync.plan(items(1, 2))
        written = self.spelled(service.url, spelling)
        with closing(sqlite3.connect(sync.state)) as database, database:
            database.execute("UPDATE meta SET value = ? WHERE name = 'service'", (written,))
        assert counts(await sync.apply(attrs.evolve(plan, service=written))) == {"unchanged": 1, "created": 1}
