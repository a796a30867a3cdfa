"""Loops that a test holds itself, for Hypothesis: one for many examples, with a server on it."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from paging.hostile import HostileServer, failure

T = TypeVar("T")


def new_eager_loop() -> asyncio.AbstractEventLoop:
    """Make a loop whose tasks begin to run where they are made."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def new_uvloop() -> asyncio.AbstractEventLoop:
    uvloop = pytest.importorskip("uvloop", exc_type=ImportError)
    return uvloop.new_event_loop()


LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(
        new_eager_loop,
        id="eager",
        marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12"),
    ),
    pytest.param(new_uvloop, id="uvloop"),
]


class Running:
    """A loop, a server on it, and what the loop has complained of."""

    def __init__(self, runner: asyncio.Runner, server: HostileServer) -> None:
        self._runner = runner
        self.server = server
        self.complaints: list[dict[str, Any]] = []
        runner.get_loop().set_exception_handler(lambda _, context: self.complaints.append(context))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)


@contextmanager
def running(
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    make_server: type[HostileServer] = HostileServer,
) -> Iterator[Running]:
    """Hold a loop with a server; nothing of the client may be left on it at the end."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        server = make_server(lambda page, size: failure(500))
        runner.run(server.__aenter__())
        held = Running(runner, server)
        try:
            yield held
            gc.collect(1)
        finally:
            runner.run(server.__aexit__())
        assert held.complaints == []
