"""The credential file on disk: where it is, read, locked. All of it but `locked` blocks: for worker threads."""

import asyncio
import contextlib
import logging
import os
import stat
import time
from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast

from ..errors import AuthError, ConfigurationError, LockedError, LoginRequiredError, SessionClosedError
from ..storage import check_regular, open_regular
from ._document import Credentials, UnreadableError, read_credentials
from ._writing import is_mounted

logger: Final = logging.getLogger("aishoot_async.auth")
LOCK_SECONDS: Final = 120.0  # longer than whoever holds the lock can need: two requests to the auth server
_DEFAULT: Final = "~/.config/autoretouch-credentials.json"
_LARGEST: Final = 1024 * 1024  # bytes; no login is larger
_POLL_SECONDS: Final = 0.05  # between two tries to get the lock


def credentials_path(path: object = None) -> Path:
    """Give the path of the credential file: as given, ``AUTORETOUCH_CREDENTIALS_PATH``, or the usual one.

    Raises:
        ConfigurationError: it is no path.
        LoginRequiredError: nothing names a path, and no home folder is known where the usual one would lie.
    """
    given = path if path is not None else os.environ.get("AUTORETOUCH_CREDENTIALS_PATH") or _DEFAULT
    text: object = os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given
    if isinstance(text, str) and text and "\0" not in text:
        try:
            return Path(text).expanduser()
        except RuntimeError:
            pass  # no home folder is known
        if given is _DEFAULT:
            msg = (
                "not logged in, and no home folder is known in which a login could lie: set AISHOOT_TOKEN or "
                "AUTORETOUCH_REFRESH_TOKEN; or set HOME or AUTORETOUCH_CREDENTIALS_PATH, and run `aishoot login`"
            )
            raise LoginRequiredError(msg)
        msg = f"no home folder is known for the credential file {given!r}: name it by its whole path"
        raise ConfigurationError(msg)
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
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            status = os.fstat(file.fileno())
            if warn and stat.S_IMODE(status.st_mode) & 0o077:
                logger.warning("others may read %s: chmod 600; it is tightened when it is next written", path)
            return read_credentials(_text(file), status.st_mtime)
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


def _text(file: BinaryIO) -> bytes:
    text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        del text  # a traceback may show this frame's variables
        problem = "holds more than 1 MiB"
        raise UnreadableError(problem, damaged=False)
    return text


class _Lock(Protocol):
    """What `locked` needs of a lock."""

    async def acquire(self, *, cancel_check: Callable[[], bool]) -> object:
        """Acquire it; TimeoutError when the time is over, or the check says so."""
        ...

    async def release(self) -> None:
        """Release it."""
        ...


class _FileItself:
    """A lock on the credential file itself, where a lock file beside it cannot be had, or would not be shared."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._descriptor = -1

    async def acquire(self, *, cancel_check: Callable[[], bool]) -> None:
        import fcntl  # noqa: PLC0415  # not on Windows

        ends = time.monotonic() + LOCK_SECONDS
        self._descriptor = open_regular(self._target, os.O_RDWR)
        is_held = False
        try:
            while not is_held and not cancel_check() and time.monotonic() < ends:
                try:
                    fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    is_held = True
                except BlockingIOError:
                    await asyncio.sleep(_POLL_SECONDS)
        finally:
            if not is_held:
                await self.release()
        if not is_held:
            raise TimeoutError

    async def release(self) -> None:
        os.close(self._descriptor)


def _lock(path: Path) -> _Lock:
    """Choose the lock.

    Raises:
        AuthError: something else than a file is in its place.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f"{target.name}.lock")
    # Before a lock file is left beside what is no credential file, such as /dev/null.
    for place in (target, beside):
        try:
            check_regular(place)
        except OSError as error:
            raise _lock_refusal(path, f"{place}: {error.strerror}") from None
    # Each container that a file is mounted into has another folder around it.
    if is_mounted(target) or (not beside.exists() and not _can_write(target.parent) and _can_write(target)):
        return _FileItself(target)
    from filelock import AsyncFileLock  # noqa: PLC0415  # slow to import, and most sessions do without

    lock: Any = AsyncFileLock(
        beside, mode=0o600, poll_interval=_POLL_SECONDS, timeout=LOCK_SECONDS, preserve_lock_file=True
    )
    return cast("_Lock", lock)


def _can_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _lock_refusal(path: Path, problem: str) -> AuthError:
    return AuthError(
        f"the credential file {path} cannot be locked: {problem}; a login needs a folder that can be written, or a "
        f"file that can. Mend that, or set AUTORETOUCH_CREDENTIALS_PATH to another path"
    )


@contextlib.asynccontextmanager
async def locked(path: Path, closed: Callable[[], bool] = lambda: False) -> AsyncGenerator[None]:
    """Hold the lock that all processes share which may write this file. A lock file beside it is never removed.

    Args:
        path: the credential file.
        closed: whether to give up waiting.

    Raises:
        AuthError: neither the folder nor the file can be written, or its file system has no locks.
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
        raise _lock_refusal(path, problem)
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
