"""Locks that processes share. Blocking."""

import contextlib
import errno
from collections.abc import Generator
from pathlib import Path
from typing import Final

from ..errors import LockedError

# What a file system without locks says: NFS without its lock service, some of FUSE.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})


@contextlib.contextmanager
def file_lock(path: Path, timeout: float, taken: str) -> Generator[None]:
    """Hold a lock that all processes share. It blocks.

    Args:
        path: the lock's own file. It is never removed: a process that holds a removed one, and another that makes it
            again, would both have the lock.
        timeout: seconds to wait for it.
        taken: the message of the error when another process has it.

    Raises:
        LockedError: another process, or another part of this one, has it.
        OSError: as the file system does; also where it has no locks.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  # imported only where it is used

    lock = FileLock(path, thread_local=False, preserve_lock_file=True)
    try:
        lock.acquire(timeout=timeout)
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
