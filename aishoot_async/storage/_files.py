"""Files written atomically, folders synced, and locks that processes share. Blocking."""

import contextlib
import errno
import logging
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import LockedError

logger: Final = logging.getLogger("aishoot_async.storage")
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


class AtomicFileWriter:
    """A temporary file that replaces ``path`` atomically, or is removed. Blocking; see `atomic_write`.

    Attributes:
        file: what to write to.
        temporary: its path, ``.NAME.HEX.tmp`` beside ``path``.
    """

    def __init__(self, path: Path, *, mode: int = 0o666) -> None:
        """Create the temporary file.

        Args:
            path: the file to replace.
            mode: permissions, less those of the umask.

        Raises:
            OSError: as the file system does.
        """
        self._path = path
        self.temporary: Path = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        self.file: BinaryIO = open(self.temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115

    def commit(self) -> None:
        """Sync the content to the disk and replace the file; its folder is not synced yet.

        Raises:
            OSError: as the file system does; `discard` is left to be called.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.temporary.replace(self._path)

    def discard(self) -> None:
        """Close and remove the temporary file, as far as it is there."""
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()


@contextlib.contextmanager
def atomic_write(path: Path) -> Generator[BinaryIO]:
    """Write to a temporary file that replaces ``path`` atomically on success and is removed on error.

    Blocking. Content and name are synced to the disk when the block has ended.

    Raises:
        OSError: as the file system does.
    """
    writer = AtomicFileWriter(path)
    try:
        yield writer.file
        writer.commit()
    except BaseException:
        writer.discard()
        raise
    fsync_folder(path.parent)


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


def fsync_folder(folder: Path) -> None:
    """Sync a folder, so that a power failure does not lose the name of a new file. Blocking.

    A file system that cannot do that is no error: only a disk that fails, or is full, is one.

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
def file_lock(path: Path, wait: float, taken: str) -> Generator[None]:
    """Hold a lock that all processes share. Blocking.

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
