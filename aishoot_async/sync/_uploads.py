"""The pictures of an apply: each is sent once, however many items have it."""

import asyncio
from collections.abc import Iterable
from functools import partial

from ..concurrency import SingleFlight
from ..errors import SyncError
from ..session import AIShootSession
from ._images import PlannedPicture, upload


class Uploads:
    """Sees to it that the service has what is about to be named to it."""

    def __init__(self, session: AIShootSession, patience: float) -> None:
        """Send nothing yet."""
        self._session = session
        self._patience = patience
        self._sent: set[str] = set()
        self._sending: SingleFlight[str, None] = SingleFlight(_cut_off, cancel_abandoned=True)

    async def send(self, pictures: Iterable[PlannedPicture]) -> None:
        """Go on when the service has these pictures.

        Raises:
            AIShootError: as every call does.
            SyncError: a file is not what it was when the plan was made.
        """
        for picture in pictures:
            if picture.identifier not in self._sent:
                await self._sending.run(picture.identifier, partial(self._begin, picture))

    def _begin(self, picture: PlannedPicture) -> "asyncio.Task[None]":
        return asyncio.create_task(self._upload(picture))

    async def _upload(self, picture: PlannedPicture) -> None:
        await upload(self._session, picture, patience=self._patience)
        self._sent.add(picture.identifier)


def _cut_off() -> SyncError:
    return SyncError("the upload of a picture was cut off")
