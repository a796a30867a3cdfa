"""One command on one event loop, which Ctrl-C and SIGTERM end in order."""

import asyncio
import contextlib
import inspect
import signal
import socket
import threading
from collections.abc import Callable, Generator
from typing import Any, cast

from aishoot_async import AIShootError

from ._failures import report
from ._signals import Stopped, ending
from ._streams import OutputError
from ._talk import Talk


def run_command(command: Callable[[], Any], talk: Talk) -> int:
    """Run a command to its end, to an error, or to a signal; give the exit code."""

    async def main() -> int:
        task = asyncio.current_task()
        if task is None:  # pragma: no cover  # for the type checkers
            raise RuntimeError
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            ending.heed()
            task.cancel()

        try:
            # A signal may come at any moment of the loop's own work, which is what the thread-safe call is for.
            with _waking(loop), ending.cancels(lambda: loop.call_soon_threadsafe(cancel)):
                outcome = command()
                code: int = await outcome if inspect.isawaitable(outcome) else outcome
        except asyncio.CancelledError:
            if ending.number is None:
                raise
            return _stopped(talk)
        except BaseExceptionGroup as errors:
            raise _alone(errors) from None
        return code

    with talk.logs():
        try:
            return asyncio.run(main())
        except Stopped:
            return _stopped(talk)
        except AIShootError as error:
            return report(error, talk)


def _alone(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Take one error out of the group that the tasks of a command have put it in: a signal or the end of stdout first.

    A group of what nobody expects stays as it is, to be reported whole.
    """
    for kind in (Stopped, OutputError, AIShootError):
        found: Any = errors.subgroup(kind)
        while isinstance(found, BaseExceptionGroup):
            found = cast("BaseException", found.exceptions[0])
        if found is not None:
            return cast("BaseException", found)
    return errors


@contextlib.contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Let a signal end the loop's wait for events.

    By itself it does not when it reaches another thread, or comes just before the wait begins: Python's own handler
    runs in the main thread, once that has something to do again.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    heard, bell = socket.socketpair()
    with heard, bell:
        bell.setblocking(False)  # noqa: FBT003  # it has no name
        loop.add_reader(heard, heard.recv, 4096)
        before = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)


def _stopped(talk: Talk) -> int:
    ending.hurry()
    talk.end_line()
    talk.warn("stopped; no file is left half-written")
    return ending.code
