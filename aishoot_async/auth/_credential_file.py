"""A login that many processes share: a file, in the form of the official synchronous client."""

import logging
import os
import time
from asyncio import to_thread
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from ..errors import AuthError, LockedError, LoginRejectedError, LoginRequiredError
from ..secret import Secret
from ._disk import credentials_path, locked, read_file
from ._document import Credentials
from ._keeper import Keeper, Need
from ._life import Held
from ._means import Means
from ._source import SessionSource
from ._wire import Tokens
from ._writing import Writer, open_writer

logger: Final = logging.getLogger("aishoot_async.auth")


@attrs.frozen(kw_only=True)
class Unsaved:
    """A login that could not be stored, against all proof. It lives on in memory, until it can be.

    Attributes:
        replaced: the refresh token that stands in the file; it may be dead.
        refresh: the one that is good.
        login: what the file should hold.
        held: its access token; ``None`` where none came.
    """

    replaced: Secret
    refresh: Secret
    login: Credentials
    held: Held | None


class CredentialFile(SessionSource):
    """The login in a credential file, as `login` or the official client wrote it.

    Any number of processes may use the file at once: one renews the login under a lock, and the others take what it
    wrote. The file is looked at when a token is first needed, and whenever it has to be renewed; ``file.lock`` beside
    it is never removed. Nothing is renewed before it is proven that the new login can be stored. Belongs to one event
    loop at a time; its pickle holds the path alone.

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
        self._unsaved: Unsaved | None = None
        # With the refresh token that was refused.
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
        if self._unsaved is not None and (held := await self._renewed_unsaved(self._unsaved, need)):
            return held
        if need.held is None and (usable := await self._found(need)):
            return usable
        async with locked(self.path, need.means.closed):
            # Another process may have renewed it while this one waited.
            stored = await to_thread(read_file, self.path)
            return self._usable(stored, need) or await self._refreshed(stored, need)

    async def _found(self, need: Need) -> Held | None:
        try:
            return self._usable(await to_thread(read_file, self.path, warn=True), need)
        except LoginRequiredError:
            if not await to_thread(self.path.exists):
                raise
            return None  # another process may be writing it in place: it is read again under the lock

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
        writer = await to_thread(open_writer, self.path)
        try:
            asked_at = self._keeper.now()
            tokens = await need.means.server.refresh(stored.refresh)
            # At once: whatever comes next, the old refresh token may be dead.
            self._unsaved = self._brought(tokens, asked_at, old=stored, sent=stored.refresh, replaced=stored.refresh)
            return await self._save(writer, self._unsaved, tokens)
        except LoginRejectedError as error:
            rejected = error
        finally:
            await to_thread(writer.discard)
        # The official client knows no lock: it may have renewed the login meanwhile.
        if usable := self._usable(await to_thread(read_file, self.path), need):
            return usable
        self._ended = stored.refresh, rejected
        raise rejected

    def _brought(self, tokens: Tokens, asked_at: float, *, old: Credentials, sent: Secret, replaced: Secret) -> Unsaved:
        held = None if tokens.access is None else self._keeper.received(tokens.access, tokens, asked_at)
        login = old.renewed(tokens, self._clock())
        return Unsaved(replaced=replaced, refresh=tokens.refresh or sent, login=login, held=held)

    async def _save(self, writer: Writer, unsaved: Unsaved, tokens: Tokens) -> Held:
        """Store a new login, and give its token; where it cannot be stored, it is used all the same."""
        held = unsaved.held
        try:
            await to_thread(writer.commit, unsaved.login)
        except AuthError as error:
            logger.warning(
                "the login was renewed, and the new one is kept in memory only: %s. Until it can be written, which is "
                "tried again and again, %s holds one that has ended",
                error,
                self.path,
            )
            held = held and self._keeper.soon_again(held)
        else:
            self._unsaved = None
        if held is None:
            raise tokens.complaint()
        return held

    async def _renewed_unsaved(self, unsaved: Unsaved, need: Need) -> Held | None:
        """Go on with what could not be stored, and try that again; ``None`` when the file holds the login to use."""
        try:
            async with locked(self.path, need.means.closed):
                is_stored = await self._saved_again(unsaved)
            return unsaved.held if is_stored and self._is_fresh(unsaved.held) else None
        except (AuthError, LockedError):
            pass  # it was said when it happened first
        if unsaved.held is not None and self._keeper.is_good(unsaved.held):
            return self._keeper.soon_again(unsaved.held)
        return await self._refreshed_in_memory(unsaved, need)

    def _is_fresh(self, held: Held | None) -> bool:
        return held is not None and self._keeper.is_good(held) and held.due_at > self._keeper.now()

    async def _saved_again(self, unsaved: Unsaved) -> bool:
        """Store it now, unless there is a newer login.

        Raises:
            AuthError: it still cannot be stored.
        """
        stored = await to_thread(read_file, self.path)
        if stored.refresh == unsaved.replaced:
            writer = await to_thread(open_writer, self.path)
            try:
                await to_thread(writer.commit, unsaved.login)
            finally:
                await to_thread(writer.discard)
        self._unsaved = None
        return stored.refresh == unsaved.replaced

    async def _refreshed_in_memory(self, unsaved: Unsaved, need: Need) -> Held:
        """Renew what the file does not hold: there is nothing left that could be lost."""
        need.means.check_open()
        asked_at = self._keeper.now()
        try:
            tokens = await need.means.server.refresh(unsaved.refresh)
        except LoginRejectedError as error:
            self._unsaved, self._ended = None, (unsaved.replaced, error)
            raise
        self._unsaved = self._brought(
            tokens, asked_at, old=unsaved.login, sent=unsaved.refresh, replaced=unsaved.replaced
        )
        if self._unsaved.held is None:
            raise tokens.complaint()
        return self._keeper.soon_again(self._unsaved.held)
