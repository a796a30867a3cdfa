"""Counts what the code does, by the page: no clock is read, so that a slow machine is no slow code.

`CountingLoop` counts what is asked of the event loop, `Meter` what the interpreter does in between.
"""

import asyncio
import gc
import os
import selectors
import socket
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import aishoot_async

_OURS = str(Path(aishoot_async.__file__).parent)
_INLINED = {"<listcomp>", "<dictcomp>", "<setcomp>"}
"""Frames of their own up to Python 3.11 only."""
LARGE = 4096
"""Bytes. What is less is not told from the meter's own."""


def _asks_the_system(function: object) -> bool:
    return isinstance(getattr(function, "__self__", None), socket.socket) or function.__module__ == os.name


def _is_reading(event: str, argument: object) -> bool:
    """Tell whether a socket has just been read, into as many bytes as the event loop likes to ask for."""
    return event == "c_return" and getattr(argument, "__name__", "") == "recv"


class _Selector(selectors.DefaultSelector):
    def __init__(self, counts: "Counter[str]") -> None:
        super().__init__()
        self._counts = counts

    def register(self, *arguments: Any) -> selectors.SelectorKey:
        self._counts["system calls"] += 1
        return super().register(*arguments)

    def modify(self, *arguments: Any) -> selectors.SelectorKey:
        self._counts["system calls"] += 1
        return super().modify(*arguments)

    def unregister(self, *arguments: Any) -> selectors.SelectorKey:
        self._counts["system calls"] += 1
        return super().unregister(*arguments)


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts the tasks, timers and callbacks that are made, and what is asked of the selector but to wait."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        super().__init__(_Selector(self.counts))

    def call_at(self, when: float, callback: Callable[..., Any], *arguments: Any, context: Context | None = None):
        self.counts["timers"] += 1  # call_later comes here too
        return super().call_at(when, callback, *arguments, context=context)

    def call_soon(self, callback: Callable[..., Any], *arguments: Any, context: Context | None = None):
        self.counts["callbacks"] += 1
        return super().call_soon(callback, *arguments, context=context)

    def create_task(self, work: Any, **options: Any):
        self.counts["tasks"] += 1
        return super().create_task(work, **options)


class Meter:
    """Counts, between its beginning and its end, in this thread.

    Attributes:
        counts: ``calls`` of our own functions; ``bytes`` allocated at once, between one call or return of any function
            and the next, where they are many and no socket was read; ``system calls`` through sockets and `os`.
    """

    def __init__(self, counts: "Counter[str] | None" = None) -> None:
        self.counts = Counter() if counts is None else counts
        self._held = 0

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        allocated = tracemalloc.get_traced_memory()[1] - self._held
        if allocated >= LARGE and not _is_reading(event, argument):
            self.counts["bytes"] += allocated
        if event == "call":
            code = frame.f_code
            if code.co_filename.startswith(_OURS) and code.co_name not in _INLINED:
                self.counts["calls"] += 1
        elif event == "c_call" and _asks_the_system(argument):
            self.counts["system calls"] += 1
        del frame, argument
        tracemalloc.reset_peak()
        self._held = tracemalloc.get_traced_memory()[0]

    def __enter__(self) -> Self:
        self.counts.clear()
        gc.collect()
        gc.disable()  # when it runs is chance
        tracemalloc.start()
        self._held = tracemalloc.get_traced_memory()[0]
        sys.setprofile(self._see)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(None)
        tracemalloc.stop()
        gc.enable()
