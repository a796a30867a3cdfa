"""The file of a strict walk: gone, however the walk ends."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from aishoot_async import AIShootSession, PermissionDeniedError, SessionClosedError, UnstableListingError
from aishoot_async.paging._spool import Spool
from paging.hostile import HostileServer, Rows, changing, failure, gone, ids, names, rows, tasks, until_gone

linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux shows which files are open")


def open_files() -> list[str]:
    """Give the files of SQLite's that this process holds open; they have no name in any folder."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except OSError:
            continue
    return [name for name in found if "etilqs" in name]


async def no_file_left() -> bool:
    async with asyncio.timeout(30):
        while open_files():  # noqa: ASYNC110  # closing has a thread of its own
            await asyncio.sleep(0.002)
    return True


def heavy(count: int) -> list[dict[str, Any]]:
    """Make rows that do not fit into the database's memory."""
    return [{**row, "pad": "x" * 20_000} for row in rows(*range(1, count + 1))]


class Endings:
    """The ways in which a strict walk ends."""

    def __init__(self, server: HostileServer, session: AIShootSession) -> None:
        self.server = server
        self.session = session
        self.pager = session.briefs.results(1, page_size=5, strict=True)

    async def finished(self) -> None:
        assert ids(await self.pager.collect()) == names(300)

    async def broken_off(self) -> None:
        async for _ in self.pager:
            assert len(open_files()) == 1
            break

    async def raised(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async for row in self.pager:
                row["n"] // 0

    async def closed(self) -> None:
        async with self.pager.walk() as walk:
            await anext(walk)
            assert len(open_files()) == 1
        assert open_files() == []

    async def cancelled_while_settling(self) -> None:
        self.server.hold(50)
        walk = self.pager.walk()
        step = asyncio.ensure_future(anext(walk))
        async with asyncio.timeout(30):
            while not open_files():  # noqa: ASYNC110  # a thread opens it
                await asyncio.sleep(0.002)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        assert tasks()
        del walk, step
        await asyncio.sleep(0)
        await until_gone()
        self.server.release(50)

    async def collected_in_another_thread(self) -> None:
        walk: Any = self.pager.walk()
        await anext(walk)
        walk.itself = walk  # only the cycle collector can find it
        del walk
        await asyncio.to_thread(gc.collect)

    async def collected_while_settling(self) -> None:
        self.server.hold(50)
        walk: Any = self.pager.walk()
        step = asyncio.ensure_future(anext(walk))
        await self.server.arrived(50)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        walk.itself = walk
        del walk, step
        await asyncio.sleep(0)  # the loop forgets the step
        await asyncio.to_thread(gc.collect)
        await until_gone()
        self.server.release(50)

    async def failed(self) -> None:
        def change(number: int, shown: Rows) -> None:
            shown.overrides = {3: failure(403)} if number > 62 else {}

        self.server.answer = changing(Rows(heavy(300)), change)
        with pytest.raises(PermissionDeniedError):
            await self.pager.collect()

    async def unstable(self) -> None:
        def change(number: int, shown: Rows) -> None:
            shown.data = [*rows(1000 + number), *shown.data]

        self.server.answer = changing(Rows(heavy(300)), change)
        with pytest.raises(UnstableListingError):
            await self.pager.collect()

    async def closed_with_the_session(self) -> None:
        self.server.hold(50)
        step = asyncio.ensure_future(self.pager.collect())
        await self.server.arrived(50)
        await self.session.aclose()
        with pytest.raises(SessionClosedError):
            await step
        self.server.release(50)

    async def closed_with_the_session_between_pages(self) -> None:
        got: list[str] = []
        with pytest.raises(SessionClosedError):
            async for row in self.pager:
                got.append(row["id"])
                if len(got) == 3:
                    await self.session.aclose()
        assert got == names(5)


@linux
@pytest.mark.anyio
@pytest.mark.parametrize("way", [name for name in vars(Endings) if not name.startswith("_")])
async def test_no_file_is_left_however_a_strict_walk_ends(server: HostileServer, way: str):
    server.answer = Rows(heavy(300))
    gc.collect()
    gc.freeze()  # what stands already makes each collection long
    gc.disable()
    try:
        async with server.session() as session:
            endings = Endings(server, session)
            await getattr(endings, way)()
            assert await no_file_left()
            assert await gone()
    finally:
        gc.enable()
        gc.unfreeze()


@linux
@pytest.mark.anyio
async def test_many_strict_walks_at_once_may_be_collected_in_any_thread(server: HostileServer):
    server.answer = Rows(heavy(120))
    stop = threading.Event()

    def collect() -> None:
        while not stop.wait(0.002):
            gc.collect()

    gc.collect()
    gc.freeze()
    gc.disable()
    collector = threading.Thread(target=collect)
    try:
        async with server.session() as session:
            collector.start()
            for taken in (0, 1, 50, 0, 1, 50):
                walk: Any = session.briefs.results(1, page_size=20, strict=True).walk()
                step = asyncio.ensure_future(anext(walk))
                await asyncio.sleep(0.01 if taken == 0 else 0)
                if taken == 0:
                    step.cancel()
                    await asyncio.gather(step, return_exceptions=True)
                else:
                    await step
                    for _ in range(taken - 1):
                        await anext(walk)
                walk.itself = walk
                del walk, step
            assert await no_file_left()
            async with asyncio.timeout(30):
                while tasks():  # noqa: ASYNC110  # the collector's thread has no event for it
                    await asyncio.sleep(0.002)
            assert ids(await session.briefs.results(1, page_size=20, strict=True).collect()) == names(120)
    finally:
        stop.set()
        collector.join()
        gc.enable()
        gc.unfreeze()


@linux
@pytest.mark.anyio
async def test_the_file_of_an_abandoned_walk_is_closed_away_from_the_loop(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch
):
    closed_by: list[int] = []
    close = Spool.close

    def noted(spool: Spool) -> None:
        closed_by.append(threading.get_ident())
        close(spool)

    monkeypatch.setattr(Spool, "close", noted)
    server.answer = Rows(heavy(120))
    async with server.session() as session:
        async for _ in session.briefs.results(1, strict=True):
            break
        assert await no_file_left()
    assert closed_by[0] != threading.get_ident()


_FULL_DISK = """
import asyncio, resource
from aishoot_async import PagingError
from paging.hostile import HostileServer, Rows, rows

resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


async def main():
    data = [{**row, "pad": "x" * 20_000} for row in rows(*range(1, 301))]
    async with HostileServer(Rows(data)) as server, server.session() as session:
        try:
            await session.briefs.results(1, page_size=20, strict=True).collect()
        except PagingError as error:
            print(type(error).__name__, error, error.cursor)
        print(len(server.pages) < 25, len(await session.briefs.results(1).collect()))

asyncio.run(main())
"""


@linux
def test_a_full_disk_is_a_clear_error_and_harms_nothing_else():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL_DISK],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        check=False,
    )
    first, second, *_ = [*done.stdout.splitlines(), "", ""]
    assert first.startswith("PagingError a strict walk keeps what it reads in a temporary file, and cannot ("), done
    assert first.endswith("-1:0:20")
    assert second == "True 300"
    assert done.stderr == ""
