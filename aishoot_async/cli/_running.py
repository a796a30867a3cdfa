"""One command on one event loop, which Ctrl-C and SIGTERM end in order."""

import asyncio
import inspect
import signal
import traceback
from collections.abc import Callable
from typing import Any

from aishoot_async import AIShootError

from ._failures import FAILED, INTERRUPTED, TERMINATED, report
from ._talk import Talk


def run_command(command: Callable[[], Any], talk: Talk) -> int:
    """Run a command to its end, to an error, or to a signal; give the exit code."""
    ended_by: list[int] = []

    async def main() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end(number: int) -> None:
            ended_by.append(number)
            if task is not None:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end, number)
        with talk.logs():
            outcome = command()
            code: int = await outcome if inspect.isawaitable(outcome) else outcome
        return code

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        talk.warn("stopped; nothing half-written is left")
        return TERMINATED if signal.SIGTERM in ended_by else INTERRUPTED
    except AIShootError as error:
        return report(error, talk)
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001  # the last place where it can be told from a user's error
        talk.error("this is a bug in aishoot-async; please report it with the lines below")
        traceback.print_exc()
        return FAILED
