"""What a call has until its deadline, or until its session closes."""

import asyncio
import math
from types import TracebackType
from typing import Self


class Scope:
    """Cuts off what its task does inside: the task is cancelled there, and goes on behind the ``with``.

    It is what `asyncio.timeout_at` is, in a third of the time, which each call has to spend. A cancellation that
    somebody else has asked for passes through it.

    Attributes:
        expired: whether it has cut off what was inside.
    """

    __slots__ = ("_cancelling", "_ending", "_loop", "_task", "_timer", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        """End at a time of the loop's clock; `math.inf` is never."""
        task = asyncio.current_task(loop)
        if task is None:
            msg = "a call must be made inside a task"
            raise RuntimeError(msg)
        self._loop = loop
        self._task = task
        self._cancelling = task.cancelling()
        self._timer: asyncio.Handle | None = None
        self._ending = False
        self.expired = False
        self.put_off(deadline)

    def put_off(self, deadline: float) -> None:
        """End at another time, unless it ends already or has ended."""
        if not self._ending:
            self._stop()
            if deadline < math.inf:
                self._timer = self._loop.call_at(deadline, self._cut_off)

    def end(self) -> None:
        """End now."""
        if not self._ending:
            self._stop()
            self._ending = True
            self._timer = self._loop.call_soon(self._cut_off)

    def _cut_off(self) -> None:
        self._timer = None
        self._ending = self.expired = True
        self._task.cancel()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> Self:
        """Enter; it runs since it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop the clock, and hold back the cancellation that is its own."""
        self._stop()
        self._ending = True
        return self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError
