"""Pausing the writes of an apply while the service loses them, and stopping them if it no longer answers.

    seen in a row                        what happens to later operations
    -----------------------------------------------------------------------------------------------------------------
    8 creates whose responses were lost  they wait until one harmless request, made with patience, is answered; if it
                                         fails, none of them is sent
    128 operations that failed           none of them is sent

Any answer sets both counts back. A lost create costs a listing of all SKUs and is never sent again blindly, which is
why it counts more than a failure. `calls` waits out an outage for requests that may be repeated; a create may not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ..concurrency import wait_done
from ..errors import AIShootError

MAX_LOST_IN_A_ROW: Final = 8
MAX_FAILED_IN_A_ROW: Final = 128


class CircuitBreaker:
    """Decides whether the operations of an apply may be sent.

    Attributes:
        problem: why nothing is sent any more: a sentence; ``None`` while operations may be sent.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        """Let operations pass; ``probe`` makes the harmless request, with patience."""
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None
        self._lost = 0
        self._failed = 0
        self.problem: str | None = None

    async def wait(self) -> None:
        """Wait until no probe is under way."""
        while self._probing is not None:
            await wait_done(self._probing)

    def record_answer(self) -> None:
        """Count an operation that was answered."""
        self._lost = self._failed = 0

    def record_lost(self) -> None:
        """Count a create whose response was lost."""
        self._lost += 1
        if self._lost >= MAX_LOST_IN_A_ROW and self._probing is None:
            self._probing = asyncio.get_running_loop().create_task(self._run_probe())

    def record_failure(self) -> None:
        """Count an operation that the service failed."""
        self._failed += 1
        if self._failed >= MAX_FAILED_IN_A_ROW:
            self.problem = "it was not sent: the service has failed too often in a row"

    async def _run_probe(self) -> None:
        try:
            await self._probe()
        except AIShootError as error:
            self.problem = f"it was not sent: the service does not answer ({error})"
        finally:
            self._lost = 0
            self._probing = None

    async def aclose(self) -> None:
        """Cancel the probe."""
        if self._probing is not None:
            self._probing.cancel()
            await wait_done(self._probing)
