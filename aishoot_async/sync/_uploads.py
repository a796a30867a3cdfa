"""The pictures of an apply: each is sent once, however many items have it."""

import asyncio
from collections.abc import Iterable

from ..session import AIShootSession
from ._images import PlannedPicture, upload


class Uploads:
    """Sees to it that the service has what is about to be named to it."""

    def __init__(self, session: AIShootSession, patience: float) -> None:
        """Send nothing yet."""
        self._session = session
        self._patience = patience
        self._sent: dict[str, asyncio.Future[None]] = {}

    async def send(self, pictures: Iterable[PlannedPicture]) -> None:
        """Go on when the service has these pictures.

        Raises:
            AIShootError: as every call does.
            SyncError: a file is not what it was when the plan was made.
        """
        for picture in pictures:
            await self._once(picture)

    async def _once(self, picture: PlannedPicture) -> None:
        sent = self._sent.get(picture.identifier)
        if sent is not None:
            await asyncio.shield(sent)
            return
        sent = self._sent[picture.identifier] = asyncio.get_running_loop().create_future()
        try:
            await upload(self._session, picture, patience=self._patience)
        except BaseException as error:
            # Those who wait now fail with it; who comes later may have more luck.
            del self._sent[picture.identifier]
            if isinstance(error, Exception):
                sent.set_exception(error)
                sent.exception()  # retrieved, should nobody wait for it
            else:
                sent.cancel()
            raise
        sent.set_result(None)
