"""The one rule for users' callbacks: those that are not awaited must be plain functions, and an async one is refused.

It is refused when the call is made, where it can be told; otherwise when it first returns something to be awaited. A
`asyncio.Future` or task may be returned: it runs by itself.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from .errors import ConfigurationError


def check_plain(name: str, callback: object) -> None:
    """Refuse what cannot be called, or would have to be awaited.

    Args:
        name: of the argument.
        callback: what the user has given; ``None`` is no callback, and right.

    Raises:
        ConfigurationError: it is refused.
    """
    if callback is None:
        return
    if not callable(callback):
        msg = f"{name} must be callable, not {type(callback).__name__}"
        raise ConfigurationError(msg)
    if any(map(_is_async, (callback, getattr(callback, "__call__", None)))):  # noqa: B004
        raise _async_refused(name)


def call_plain(name: str, callback: Callable[..., object], *arguments: Any) -> None:
    """Call a callback that is not awaited.

    Raises:
        ConfigurationError: it returned something that would have to be awaited.
        Exception: whatever it raises.
    """
    returned = callback(*arguments)
    if returned is None or asyncio.isfuture(returned) or not inspect.isawaitable(returned):
        return
    if inspect.iscoroutine(returned):
        returned.close()  # or Python would warn that it was never awaited
    raise _async_refused(name)


async def call_and_await(callback: Callable[..., object], *arguments: Any) -> None:
    """Call a callback that may be async, and wait for it.

    Raises:
        Exception: whatever it raises.
    """
    returned = callback(*arguments)
    if inspect.isawaitable(returned):
        await returned


def _is_async(callback: object) -> bool:
    return inspect.iscoroutinefunction(callback) or inspect.isasyncgenfunction(callback)


def _async_refused(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} must be a plain function, as it is not awaited. It may start a task (asyncio.create_task) and keep it"
    )
