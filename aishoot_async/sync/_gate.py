"""Holding creates back while the service loses them, and giving up when it answers nothing any more.

A create whose answer is lost costs a look at the whole listing, and is never sent again blindly. So when some of them
have been lost in a row, one request that does no harm asks whether the service is back, and all others wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ..concurrency import wait_done
from ..errors import AIShootError

LOST_IN_A_ROW: Final = 8
FAILED_IN_A_ROW: Final = 128


class Gate:
    """What an apply's operations pass before they are sent."""

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        """Be open; ``probe`` makes the request that does no harm, with patience."""
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None
        self._lost = 0
        self._failed = 0
        self.shut: str | None = None

    async def enter(self) -> None:
        """Wait until something may be sent."""
        while self._probing is not None:
            await wait_done(self._probing)

    def answered(self) -> None:
        """Hear of an operation that was answered."""
        self._lost = self._failed = 0

    def lost(self) -> None:
        """Hear of a create whose answer was lost."""
        self._lost += 1
        if self._lost >= LOST_IN_A_ROW and self._probing is None:
            self._probing = asyncio.get_running_loop().create_task(self._ask())

    def failed(self) -> None:
        """Hear of an operation that the service has failed, and that did not happen."""
        self._failed += 1
        if self._failed >= FAILED_IN_A_ROW:
            self.shut = "it was not sent: the service has failed too often in a row"

    async def _ask(self) -> None:
        try:
            await self._probe()
        except AIShootError as error:
            self.shut = f"it was not sent: the service does not answer ({error})"
        finally:
            self._lost = 0
            self._probing = None

    async def aclose(self) -> None:
        """Ask no more."""
        if self._probing is not None:
            self._probing.cancel()
            await wait_done(self._probing)
