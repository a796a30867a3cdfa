"""Writing the credential file: by a new file that takes the old one's place, or in place where that is the only way.

Whichever it is, `open_writer` proves that it works before anything is asked of the auth server: a refresh token that
was used up, or a code that a user has confirmed, cannot be had again.

    what stands in the way of a new file                            then the login is written
    ----------------------------------------------------------------------------------------------------
    nothing                                                         by a new file, renamed over the old one
    the file is mounted by itself, as containers do                 in place
    it is another user's, and its folder has the sticky bit         in place
    the folder cannot be written                                    in place
    the file is immutable or append-only                            not at all
    the disk is full, a quota or a limit on file sizes is reached   not at all

All of it blocks: for worker threads, under the lock.
"""

import contextlib
import errno
import glob
import os
import re
import stat
from pathlib import Path
from typing import Final, Protocol

from ..errors import AuthError
from ..storage import AtomicFileWriter, fsync_folder, open_regular
from ._document import Credentials

_RESERVE: Final = 32 * 1024  # bytes; what a login can grow by when it is renewed
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_MOUNTS: Final = Path("/proc/self/mountinfo")


class Writer(Protocol):
    """A way to store a login that was found to work, with the room that it takes."""

    def commit(self, credentials: Credentials) -> None:
        """Store a login; it is on the disk when this returns.

        Raises:
            AuthError: that failed.
        """
        ...

    def discard(self) -> None:
        """Close; if nothing was committed, leave everything as it was."""
        ...


def open_writer(path: Path) -> Writer:
    """Prove that a login can be stored at this path, and hold what is needed for it.

    Raises:
        AuthError: it can be stored in no way; the message says why, and what to do.
    """
    target = Path(os.path.realpath(path))
    problem = _obstacle(target)
    if problem is None:
        try:
            return Replacement(path, target)
        except OSError as error:
            if error.errno not in _FORBIDDEN or not target.exists():
                raise _refusal(path, error.strerror) from None
            problem = f"no file can be made beside it ({error.strerror})"
    try:
        return InPlace(path, target)
    except OSError as error:
        problem = f"{problem}, and it cannot be written in place ({error.strerror})"
    raise _refusal(path, problem)


def _refusal(path: Path, problem: str | None) -> AuthError:
    return AuthError(
        f"the credential file {path} cannot be replaced: {problem}; "
        f"a login needs a folder that can be written, or a file that can. Mend that, or set "
        f"AUTORETOUCH_CREDENTIALS_PATH to another path"
    )


def _obstacle(target: Path) -> str | None:
    """Return why no other file can be renamed over this one; ``None`` when nothing is known of."""
    try:
        status, folder = target.stat(), target.parent.stat()
    except OSError:
        return None  # to make a new file says more
    if is_mounted(target):
        return "it is mounted by itself"
    if folder.st_mode & stat.S_ISVTX and os.geteuid() not in {status.st_uid, folder.st_uid}:
        return "it is another user's, and its folder has the sticky bit"
    try:
        os.close(open_regular(target, os.O_WRONLY))
    except OSError as error:
        # A file that is only protected by its mode is EACCES, and can be replaced.
        if error.errno == errno.EPERM:
            return "it is immutable or append-only"
    return None


def is_mounted(target: Path) -> bool:
    """Tell whether a file is mounted by itself: nothing can be renamed over such a one."""
    try:
        mounts = _MOUNTS.read_bytes()
    except OSError:  # not Linux
        try:
            return target.stat().st_dev != target.parent.stat().st_dev
        except OSError:
            return False
    points = (line.split(b" ")[4] for line in mounts.splitlines())
    return os.fsencode(target) in {re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), p) for p in points}


def _write(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


class Replacement:
    """A new file that takes the old one's place, whole, or not at all.

    Never readable by others. A symbolic link stays one.
    """

    def __init__(self, path: Path, target: Path) -> None:
        """Make the new file beside the old one, and take the room on the disk that will be needed.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        self._path = path
        self._target = target
        self._remove_stale()
        self._writer = AtomicFileWriter(target, mode=0o600)
        self._descriptor = self._writer.file.fileno()
        try:
            self._keep_owner()
            _write(self._descriptor, b" " * _RESERVE, 0)
            os.fsync(self._descriptor)
        except OSError:
            self.discard()
            raise

    def _remove_stale(self) -> None:
        # Left by a process that was killed; whoever gets here holds the lock, so it is nobody's.
        for stale in self._target.parent.glob(f".{glob.escape(self._target.name)}.*.tmp"):
            stale.unlink(missing_ok=True)

    def _keep_owner(self) -> None:
        # Root would otherwise take a user's login away.
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):
                old = self._target.stat()
                os.fchown(self._descriptor, old.st_uid, old.st_gid)

    def commit(self, credentials: Credentials) -> None:
        """See `Writer`. What may not be renamed against all expectation is written in place."""
        text = credentials.text()
        try:
            _write(self._descriptor, text, 0)
            os.ftruncate(self._descriptor, len(text))
            self._writer.commit()
        except OSError as error:
            problem = error.strerror
        else:
            with contextlib.suppress(OSError):  # the login is in place all the same
                fsync_folder(self._target.parent)
            return
        try:
            in_place = InPlace(self._path, self._target)
        except OSError:
            raise _refusal(self._path, problem) from None
        try:
            in_place.commit(credentials)
        finally:
            in_place.discard()

    def discard(self) -> None:
        """See `Writer`."""
        self._writer.discard()


class InPlace:
    """The credential file itself, opened for writing.

    Who reads it at the wrong moment, without the lock, sees half of it, and has to read again under the lock.
    """

    def __init__(self, path: Path, target: Path) -> None:
        """Take the room on the disk that will be needed: blanks behind the old login, which readers pass over.

        Raises:
            OSError: the file cannot be written, or the disk is full.
        """
        self._path = path
        self._descriptor = open_regular(target, os.O_RDWR)
        self._old: os.stat_result | None = os.fstat(self._descriptor)
        self._length = self._old.st_size
        try:
            _write(self._descriptor, b" " * _RESERVE, self._length)
            os.fsync(self._descriptor)
        except OSError:
            self.discard()
            raise

    def commit(self, credentials: Credentials) -> None:
        """See `Writer`."""
        text = credentials.text()
        self._old = None
        try:
            # The old text is written over in one go, and only then cut off: a crash in between leaves a whole login.
            _write(self._descriptor, text.ljust(self._length), 0)
            os.fsync(self._descriptor)
            os.ftruncate(self._descriptor, len(text))
            os.fsync(self._descriptor)
        except OSError as error:
            raise _refusal(self._path, error.strerror) from None
        with contextlib.suppress(OSError):  # the file may be another user's
            os.fchmod(self._descriptor, 0o600)

    def discard(self) -> None:
        """See `Writer`."""
        with contextlib.suppress(OSError):
            if self._old is not None:
                os.ftruncate(self._descriptor, self._length)
                os.utime(self._descriptor, ns=(self._old.st_atime_ns, self._old.st_mtime_ns))
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def remove_file(path: Path) -> None:
    """Remove the credential file; of a symbolic link its target, where the tokens are. One that stays is emptied.

    Raises:
        AuthError: neither is possible.
    """
    target = Path(os.path.realpath(path))
    try:
        target.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        problem = error.strerror
    else:
        return
    try:
        descriptor = open_regular(target, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        msg = f"the credential file {path} can neither be removed nor emptied: {problem}"
        raise AuthError(msg) from None
