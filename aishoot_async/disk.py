"""Work with the disk: whole files, locks that processes share, and threads that no cancellation leaves half done."""

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from anyio import CancelScope

from .errors import AIShootError, LockedError

T = TypeVar("T")
logger: Final = logging.getLogger("aishoot_async.disk")
# What SMB, vboxsf and some of FUSE say of a folder; EACCES of one that may be written and not read.
_NO_FOLDER_SYNC: Final = frozenset(
    {
        errno.EINVAL,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.EBADF,
        errno.EACCES,
        errno.EPERM,
        errno.ENOSYS,
        errno.EISDIR,
        errno.ENOTTY,
    }
)
# What a file system without locks says: NFS without its lock service, some of FUSE.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Open a file beside ``path``, which takes its place at the end; if that is not reached, nothing is left of it.

    It blocks, and is on the disk when it returns.

    Raises:
        OSError: as the file system does.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # "x" and the usual mode: the umask decides who may read it, as for any file.
    file = beside.open("xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_folder(path.parent)


_KINDS: Final = (
    (stat.S_ISDIR, errno.EISDIR, os.strerror(errno.EISDIR)),
    (stat.S_ISFIFO, errno.EINVAL, "Is a pipe (FIFO), not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "Is a socket, not a file"),
    (stat.S_ISCHR, errno.EINVAL, "Is a device, not a file"),
    (stat.S_ISBLK, errno.EINVAL, "Is a device, not a file"),
)


def _check_kind(path: Path, mode: int) -> None:
    for is_kind, number, problem in _KINDS:
        if is_kind(mode):
            raise OSError(number, problem, str(path))


def check_regular(path: Path) -> None:
    """Refuse what is no regular file. A symbolic link counts as what it leads to; nothing there is no error.

    Raises:
        OSError: it is a folder, a pipe, a socket or a device; or as the file system does.
    """
    with contextlib.suppress(FileNotFoundError):
        _check_kind(path, path.stat().st_mode)


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file that exists, and return its descriptor. It never waits for another process.

    Raises:
        OSError: it is a folder, a pipe, a socket or a device; or as the file system does.
    """
    # Before it is opened, because opening a device can have effects.
    _check_kind(path, path.stat().st_mode)
    # O_NONBLOCK, because a pipe may have taken the file's place since, and nobody may write to it, ever.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def sync_folder(folder: Path) -> None:
    """See to it that a new name is not lost with the power, although the bytes are not; as far as that can be done.

    The name is there all the same: only a disk that fails, or is full, is an error.

    Raises:
        OSError: as the file system does.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
        logger.debug("%s cannot be synced here: %s", folder, error.strerror)


@contextlib.contextmanager
def locked(path: Path, wait: float, taken: str) -> Generator[None]:
    """Hold a lock that all processes share. It blocks.

    Args:
        path: the lock's own file, which is never removed: whoever holds one that was, and whoever makes it anew, would
            both have the lock.
        wait: seconds to wait for it.
        taken: what to say when another process has it.

    Raises:
        LockedError: another process, or another part of this one, has it.
        OSError: as the file system does; also where it has no locks.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  # imported only where it is used

    lock = FileLock(path, thread_local=False, preserve_lock_file=True)
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        is_taken = True
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        # A lock of another kind would not be seen by a run on a machine whose view of this folder has locks.
        problem = f"its file system has no locks ({error.strerror}), without which two runs could spoil each other's "
        remedy = "work; use a local disk for it (the state of a sync, or of an export to a store, is named by --state)"
        raise OSError(error.errno, problem + remedy, str(path)) from error
    else:
        is_taken = False
    if is_taken:
        raise LockedError(taken)
    try:
        yield
    finally:
        lock.release()


_DAMAGE: Final = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LACKING: Final = {
    sqlite3.SQLITE_BUSY: "another program has it open, such as a backup or a database browser",
    sqlite3.SQLITE_CANTOPEN: "it, or a file beside it, cannot be opened or made",
    sqlite3.SQLITE_FULL: "there is no room left",
    sqlite3.SQLITE_IOERR: "the disk, or the connection to it, has failed",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_PERM: "this user may not use it",
    sqlite3.SQLITE_READONLY: "this user may not write to it, or the disk is read-only",
}


def is_damage(error: Exception) -> bool:
    """Tell whether what opening a SQLite file raised says that its content is wrong; otherwise something was lacking.

    Args:
        error: SQLite's, or that of a check of the content.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def explain_sqlite_error(error: sqlite3.Error) -> str:
    """Say what SQLite said, and what is lacking as far as its code tells."""
    lacking = _LACKING.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF)
    return str(error) if lacking is None else f"{lacking} ({error})"


def raise_reason(error: Exception, path: Path) -> None:
    """Raise what the system says, where SQLite could not open a file: it keeps that to itself.

    Args:
        error: what SQLite raised.
        path: the file, which this process has no connection to: closing it would drop the locks of that.

    Raises:
        OSError: what the system says to opening the file, or to making one beside it.
    """
    if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CANTOPEN:
        return
    os.close(open_regular(path, os.O_RDWR))
    with tempfile.TemporaryFile(dir=path.parent) as probe:
        probe.write(b" ")


class Threads:
    """Threads for work that blocks; what the file system and SQLite raise there becomes an error of ours."""

    def __init__(self, count: int, database: str, refusal: Callable[[str], AIShootError]) -> None:
        """Start none yet.

        Args:
            count: how many; one does in order what it is given.
            database: what SQLite's file is called.
            refusal: makes the error of a sentence that says what cannot be done.
        """
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="aishoot-disk")
        self._database = database
        self._refusal = refusal

    def start(self, work: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Begin a piece of work; see `finished`."""
        return asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, work, *arguments)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do a piece of work. A caller that is cancelled goes on when it is done.

        Raises:
            AIShootError: the file system or SQLite refuses.
        """
        return await finished(self.start(work, *arguments))

    def close(self) -> None:
        """End the threads, when they are done with what they have."""
        self._pool.shutdown(wait=False)

    def _guarded(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return work(*arguments)
        except OSError as error:
            where = "" if error.filename is None else f" {error.filename}"
            raise self._refusal(f"cannot use{where}: {error.strerror or error}") from error
        except sqlite3.Error as error:
            raise self._refusal(f"cannot use {self._database}: {explain_sqlite_error(error)}") from error


async def finished(work: "asyncio.Future[T]") -> T:
    """Wait for work in a thread.

    No thread can be cancelled: its end is waited for, and then the cancellation goes on.
    """
    cancelled: asyncio.CancelledError | None = None
    with CancelScope(shield=True):
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        if not work.cancelled():
            work.exception()  # retrieved
        raise cancelled
    return work.result()
