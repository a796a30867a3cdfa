"""What a call has until its deadline, or until its session closes."""

import asyncio
from types import TracebackType
from typing import Self


class Scope:
    """Cuts off what its task does inside: the task is cancelled there, and goes on behind the ``with``.

    It does what `asyncio.timeout_at` does, but has no timer of its own: its session has one for all of them. A
    cancellation that somebody else has asked for passes through it.

    Attributes:
        deadline: when it is due, by the loop's clock.
        expired: whether it has cut off what was inside.
    """

    __slots__ = ("_cancelling", "_task", "deadline", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        """Belong to the running task."""
        task = asyncio.current_task(loop)
        if task is None:
            msg = "a call must be made inside a task"
            raise RuntimeError(msg)
        self._task = task
        self._cancelling = task.cancelling()
        self.deadline: float = deadline
        self.expired: bool = False

    def cut_off(self) -> None:
        """End now."""
        if not self.expired:
            self.expired = True
            self._task.cancel()

    def __enter__(self) -> Self:
        """Enter."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Hold back the cancellation that is its own."""
        return self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError
