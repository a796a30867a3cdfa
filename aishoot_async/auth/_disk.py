"""The credential file on disk: read, replaced as a whole, locked. All of it but `locked` blocks: for worker threads."""

import contextlib
import glob
import logging
import os
import secrets
import stat
from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from ..errors import AuthError, ConfigurationError, LockedError, LoginRequiredError, SessionClosedError
from ._document import Credentials, UnreadableError, read_credentials

if TYPE_CHECKING:
    from filelock import AsyncFileLock

logger: Final = logging.getLogger("aishoot_async.auth")
LOCK_SECONDS: Final = 120.0  # longer than whoever holds the lock can need: two requests to the auth server
_DEFAULT: Final = "~/.config/autoretouch-credentials.json"
_LARGEST: Final = 1024 * 1024  # bytes; no login is larger
_RESERVE: Final = 32 * 1024  # bytes; what a login can grow by when it is renewed


def credentials_path(path: object = None) -> Path:
    """Give the path of the credential file: as given, ``AUTORETOUCH_CREDENTIALS_PATH``, or the usual one.

    Raises:
        ConfigurationError: it is no path.
    """
    given = path if path is not None else os.environ.get("AUTORETOUCH_CREDENTIALS_PATH") or _DEFAULT
    text: object = os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given
    if isinstance(text, str) and text and "\0" not in text:
        try:
            return Path(text).expanduser()
        except RuntimeError:
            pass  # no home folder is known
    msg = f"no path of a credential file: {given!r}"
    raise ConfigurationError(msg)


def nothing_there(path: Path) -> str:
    """Say where a login could have been."""
    return (
        f"not logged in: set AISHOOT_TOKEN or AUTORETOUCH_REFRESH_TOKEN, or run `aishoot login`, which writes the "
        f"credential file {path}"
    )


def read_file(path: Path, *, warn: bool = False) -> Credentials:
    """Read the credential file; ``warn`` of one that others may read.

    Raises:
        AuthError: it cannot be read, or is something else.
        LoginRequiredError: it is not there, is empty or damaged.
    """
    # No variable holds the text: a traceback may show this frame.
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if warn and stat.S_IMODE(status.st_mode) & 0o077:
                logger.warning("others may read %s: chmod 600; it is tightened when it is next written", path)
            return read_credentials(file.read(_LARGEST), status.st_mtime)
    except FileNotFoundError:
        problem, damaged = "is not there", True
    except OSError as error:
        msg = f"the credential file {path} cannot be read: {error.strerror}"
        raise AuthError(msg) from None
    except UnreadableError as error:
        problem, damaged = str(error), error.damaged
    if damaged:
        msg = f"not logged in: the credential file {path} {problem}; log in: aishoot login"
        raise LoginRequiredError(msg)
    msg = (
        f"{path} {problem}, so it is no credential file and is left alone; "
        f"move it away, or set AUTORETOUCH_CREDENTIALS_PATH to another path"
    )
    raise AuthError(msg)


class Replacement:
    """A new file that takes the old one's place, whole, or not at all.

    Opened before anything is asked for that could not be asked for twice: it shows that the folder can be written, and
    takes the room on the disk that will be needed. Never readable by others. A symbolic link stays one.
    """

    def __init__(self, path: Path) -> None:
        """Open the new file beside the old one.

        Raises:
            AuthError: the folder cannot be written, or the disk is full.
        """
        self._path = path
        self._target = Path(os.path.realpath(path))
        self._beside = self._target.with_name(f".{self._target.name}.{secrets.token_hex(4)}.tmp")
        try:
            self._sweep()
            self._file = os.fdopen(os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise self._refusal(error) from None
        try:
            self._file.write(b" " * _RESERVE)
            self._synced()
        except OSError as error:
            self.discard()
            raise self._refusal(error) from None

    def _sweep(self) -> None:
        # Left by a process that was killed; whoever gets here holds the lock, so it is nobody's.
        for stale in self._target.parent.glob(f".{glob.escape(self._target.name)}.*.tmp"):
            stale.unlink(missing_ok=True)

    def _synced(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def commit(self, credentials: Credentials) -> None:
        """Write the new file and put it in the old one's place; it is on the disk when this returns.

        Raises:
            AuthError: that failed; the old file stands.
        """
        try:
            self._file.seek(0)
            self._file.write(credentials.text())
            self._file.truncate()
            self._synced()
            self._beside.replace(self._target)
        except OSError as error:
            raise self._refusal(error) from None
        # The new name may be lost with the power otherwise; where a folder cannot be synced, it is there all the same.
        with contextlib.suppress(OSError):
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Close; remove the new file if it did not take the old one's place."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._beside.unlink()

    def _refusal(self, error: OSError) -> AuthError:
        return AuthError(
            f"the credential file {self._path} cannot be replaced: {error.strerror}; "
            f"a login needs a folder that can be written ({self._target.parent})"
        )


def remove_file(path: Path) -> None:
    """Remove the credential file; of a symbolic link its target, where the tokens are.

    Raises:
        AuthError: that failed.
    """
    try:
        Path(os.path.realpath(path)).unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        msg = f"the credential file {path} cannot be removed: {error.strerror}"
        raise AuthError(msg) from None


def _lock(path: Path) -> "AsyncFileLock":
    from filelock import AsyncFileLock  # noqa: PLC0415  # slow to import, and most sessions do without

    return AsyncFileLock(
        f"{os.path.realpath(path)}.lock", mode=0o600, poll_interval=0.05, timeout=LOCK_SECONDS, preserve_lock_file=True
    )


@contextlib.asynccontextmanager
async def locked(path: Path, closed: Callable[[], bool] = lambda: False) -> AsyncGenerator[None]:
    """Hold the lock that all processes share which may write this file. The lock's own file is never removed.

    Args:
        path: the credential file.
        closed: whether to give up waiting.

    Raises:
        AuthError: the folder cannot be written, or its file system has no locks.
        LockedError: another process held it all the time.
        SessionClosedError: it was told to give up.
    """
    lock = await to_thread(_lock, path)
    held, problem = False, ""
    try:
        await lock.acquire(cancel_check=closed)
        held = True
    except TimeoutError:
        pass
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        msg = f"the credential file {path} cannot be locked: {problem}; a login needs a folder that can be written"
        raise AuthError(msg)
    if not held:
        if closed():
            msg = "the session is closed"
            raise SessionClosedError(msg)
        msg = f"another process has held the credential file {path} for {LOCK_SECONDS:.0f} s"
        raise LockedError(msg)
    try:
        yield
    finally:
        await lock.release()
