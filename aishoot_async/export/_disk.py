"""The threads of an export, and the work of one brief there, piece after piece."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ExportError
from ..storage import DiskExecutor, wait_uncancellable


class Disk(DiskExecutor):
    """The threads of one export."""

    def __init__(self, threads: int, journal: Path | None = None) -> None:
        """Start none yet; workers of a cluster have no journal."""
        super().__init__(threads, "the journal" if journal is None else f"the journal {journal}", _refusal)


def _refusal(problem: str) -> ExportError:
    return ExportError(f"{problem}. What is finished is kept: put that right, and the same call goes on from there")


class Strand:
    """Work of one brief, piece after piece; one is under way while the caller prepares the next."""

    def __init__(self, disk: Disk) -> None:
        """Have nothing under way."""
        self._disk = disk
        self._under_way: asyncio.Future[Any] | None = None

    async def put(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Begin a piece when the one before is done.

        Raises:
            ExportError: the one before has failed.
        """
        await self.settle()
        self._under_way = self._disk.start(work, *arguments)

    async def settle(self) -> None:
        """Wait for what is under way.

        Raises:
            ExportError: it has failed.
        """
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            await wait_uncancellable(under_way)
