"""One process at a time holds a lock; work in a thread ends before its caller goes on."""

import asyncio
import errno
import sqlite3
import subprocess
import sys
import threading

import filelock
import pytest

from aishoot_async import LockedError, SyncError
from aishoot_async.storage import DiskExecutor, file_lock, wait_uncancellable

HOLDER = """
import pathlib, sys
from aishoot_async.storage import file_lock
with file_lock(pathlib.Path(sys.argv[1]), 0, "taken"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_against_this_process_too(tmp_path):
    path = tmp_path / "lock"
    with file_lock(path, 0, "taken"):
        with pytest.raises(LockedError, match="taken"), file_lock(path, 0, "taken"):
            pytest.fail("two hold it")
        assert path.exists()
    with file_lock(path, 0, "taken"):
        pass
    assert path.exists()  # whoever waits for it has it open


def test_a_lock_is_held_against_another_process_and_ends_with_it(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match="taken"), file_lock(path, 0, "taken"):
            pytest.fail("two hold it")
        other.kill()
        other.wait()
    with file_lock(path, 0, "taken"):
        pass


def test_a_lock_is_released_when_the_body_fails(tmp_path):
    with pytest.raises(ValueError, match="no"), file_lock(tmp_path / "lock", 0, "taken"):
        raise ValueError("no")
    with file_lock(tmp_path / "lock", 0, "taken"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, number):
    def acquire(*_, **__):
        raise OSError(number, "no locks")

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with pytest.raises(OSError, match="has no locks") as caught, file_lock(tmp_path / "lock", 0, "taken"):
        pytest.fail("nobody holds it")
    assert caught.value.filename == str(tmp_path / "lock")


@pytest.mark.anyio
async def test_a_cancelled_caller_goes_on_when_the_work_is_done():
    started, release, done = threading.Event(), threading.Event(), threading.Event()

    def work():
        started.set()
        release.wait()
        done.set()

    executor = DiskExecutor(1, "the file", SyncError)
    task = asyncio.create_task(executor.run(work))
    await asyncio.to_thread(started.wait)
    try:
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
    finally:
        release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()
    executor.close()


@pytest.mark.anyio
async def test_an_error_that_nobody_waits_for_any_more_is_retrieved():
    failed = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(wait_uncancellable(failed))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    failed.set_exception(ValueError("lost"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not failed._log_traceback  # asyncio's own sign that nobody has retrieved it


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left", "a.txt"), "cannot use a.txt: No space left"),
        (OSError("odd"), "cannot use: odd"),
        (sqlite3.OperationalError("disk I/O"), "cannot use the file: disk I/O"),
    ],
)
async def test_what_the_disk_says_becomes_an_error_of_the_caller(error, told):
    def work():
        raise error

    executor = DiskExecutor(1, "the file", SyncError)
    with pytest.raises(SyncError, match=told):
        await executor.run(work)
    executor.close()
