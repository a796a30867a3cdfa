"""One command on one event loop, which Ctrl-C and SIGTERM end in order.

The handlers are ours, because those of `asyncio` promise less. `asyncio.Runner` knows SIGINT alone, and leaves a write
that nobody reads waiting for ever. Closing the loop gives the signals back to Python's own handlers: a second Ctrl-C
would then end in a traceback.
"""

import asyncio
import contextlib
import inspect
import signal
import socket
import threading
from collections.abc import Callable, Generator
from typing import Any, cast

from aishoot_async import AIShootError

from ._console import Console
from ._errors import report
from ._signals import Stopped, signals
from ._streams import OutputError


def run_command(command: Callable[[], Any], console: Console) -> int:
    """Run a command to its end, to an error, or to a signal; return the exit code."""

    async def main() -> int:
        task = cast("asyncio.Task[int]", asyncio.current_task())
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            signals.acknowledge()
            task.cancel()

        try:
            # A signal may come at any moment of the loop's own work, which is what the thread-safe call is for.
            with _waking(loop), signals.cancelling(lambda: loop.call_soon_threadsafe(cancel)):
                outcome = command()
                code: int = await outcome if inspect.isawaitable(outcome) else outcome
        except asyncio.CancelledError:
            if signals.number is None:
                raise
            return _stop(console)  # here, as a thread that hangs would keep the loop from being closed
        except BaseExceptionGroup as errors:
            raise _first_expected(errors) from None
        return code

    with console.logs():
        try:
            return asyncio.run(main())
        except Stopped:
            return _stop(console)
        except AIShootError as error:
            return report(error, console)


def _stop(console: Console) -> int:
    signals.force_exit_soon()
    console.end_line()
    console.warn("stopped; no file is left half-written")
    return signals.exit_code


@contextlib.contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Let a signal end the loop's wait for events.

    By itself it does not when another thread receives it, or when it comes just before the wait begins: Python runs
    its handler in the main thread, once that thread has something to do again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)  # noqa: FBT003  # it has no name
        loop.add_reader(reader, reader.recv, 4096)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reader)


def _first_expected(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one error of a group that tasks have raised: a signal or the end of stdout before any other.

    A group of unexpected errors is returned as it is, to be reported whole.
    """
    for kind in (Stopped, OutputError, AIShootError):
        found: Any = errors.subgroup(kind)
        while isinstance(found, BaseExceptionGroup):
            found = cast("BaseException", found.exceptions[0])
        if found is not None:
            return cast("BaseException", found)
    return errors
