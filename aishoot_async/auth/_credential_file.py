"""A login that many processes share: a file, in the form of the official synchronous client."""

import os
import time
from asyncio import to_thread
from collections.abc import Callable
from pathlib import Path

from ..errors import LoginRejectedError, LoginRequiredError
from ..secret import Secret
from ._disk import Replacement, credentials_path, locked, read_file
from ._document import Credentials
from ._keeper import Keeper, Need
from ._life import Held
from ._means import Means
from ._source import SessionSource


class CredentialFile(SessionSource):
    """The login in a credential file, as `login` or the official client wrote it.

    Any number of processes may use the file at once: one renews the login under a lock, and the others take what it
    wrote. The file is looked at when a token is first needed, and whenever it has to be renewed; ``file.lock`` beside
    it is never removed. Belongs to one event loop at a time; its pickle holds the path alone.

    Attributes:
        path: where the file is.

    Raises:
        ConfigurationError: it is no path.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Read nothing yet.

        Args:
            path: the file; ``None`` for ``AUTORETOUCH_CREDENTIALS_PATH``, else
                ``~/.config/autoretouch-credentials.json``.
        """
        self.path: Path = credentials_path(path)
        self._clock: Callable[[], float] = time.time
        self._keeper = Keeper(self._renew)
        # Each with the refresh token that it came of.
        self._unsaved: tuple[Secret, Credentials] | None = None
        self._ended: tuple[Secret, LoginRejectedError] | None = None

    def __repr__(self) -> str:
        """Show the path."""
        return f"CredentialFile({str(self.path)!r})"

    def __reduce__(self) -> tuple[type["CredentialFile"], tuple[str]]:
        """Pickle the path alone: another process reads the file by itself."""
        return type(self), (str(self.path),)

    async def ask(self, refused: Secret | None, means: Means) -> Secret:
        """Give the access token; see `SessionSource`."""
        return await self._keeper.ask(refused, means)

    async def _renew(self, need: Need) -> Held:
        if need.held is None:
            stored = await to_thread(read_file, self.path, warn=True)
            if usable := self._usable(stored, need):
                return usable
        async with locked(self.path, need.means.closed):
            # Another process may have renewed it while this one waited.
            stored = await self._saved(await to_thread(read_file, self.path))
            return self._usable(stored, need) or await self._refreshed(stored, need)

    def _usable(self, stored: Credentials, need: Need) -> Held | None:
        """Take a stored token that is neither over, nor refused, nor the one that is to be renewed."""
        if stored.access is None or stored.access in need.refused:
            return None
        if need.held is not None and stored.access == need.held.access:
            return None
        left = stored.left(self._clock())
        if left is not None and left <= 0:
            return None
        return self._keeper.found(stored.access, left, stored.expires_in)

    async def _refreshed(self, stored: Credentials, need: Need) -> Held:
        if stored.refresh is None:
            msg = f"the token in {self.path} has ended, and no refresh token stands beside it; log in: aishoot login"
            raise LoginRequiredError(msg)
        if self._ended is not None and self._ended[0] == stored.refresh:
            raise self._ended[1]
        need.means.check_open()
        replacement = await to_thread(Replacement, self.path)
        try:
            asked_at = self._keeper.now()
            tokens = await need.means.server.refresh(stored.refresh)
            # At once: whatever comes next, the old refresh token may be dead.
            self._unsaved = stored.refresh, stored.renewed(tokens, self._clock())
            await self._save(replacement)
        except LoginRejectedError as error:
            rejected = error
        else:
            return self._keeper.received(tokens, asked_at)
        finally:
            await to_thread(replacement.discard)
        # The official client knows no lock: it may have renewed the login meanwhile.
        if usable := self._usable(await to_thread(read_file, self.path), need):
            return usable
        self._ended = stored.refresh, rejected
        raise rejected

    async def _save(self, replacement: Replacement) -> None:
        if self._unsaved is not None:
            await to_thread(replacement.commit, self._unsaved[1])
            self._unsaved = None

    async def _saved(self, stored: Credentials) -> Credentials:
        """Write what an earlier renewal brought and could not write, unless there is a newer login."""
        if self._unsaved is None:
            return stored
        replaced, renewed = self._unsaved
        if stored.refresh != replaced:
            self._unsaved = None
            return stored
        replacement = await to_thread(Replacement, self.path)
        try:
            await self._save(replacement)
        finally:
            await to_thread(replacement.discard)
        return renewed
