"""A sandbox for programs and tests without an event loop: the same state methods, from any thread."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from aishoot_async.sandbox._faults import Fault
from aishoot_async.sandbox._requests import RecordedRequest
from aishoot_async.sandbox._sandbox import Sandbox
from aishoot_async.sandbox._settings import SandboxOptions, SandboxSettings

T = TypeVar("T")


class ThreadedSandbox:
    """`Sandbox` on an event loop in a thread of its own: `with ThreadedSandbox(skus=5) as sandbox: …`.

    Takes the settings of `Sandbox` and has its methods. Each call runs on the sandbox's own thread, between two steps
    of its requests, and returns when it is done. Before the start and after the end they raise `RuntimeError`.

    In a coroutine it works as well, though each call holds the coroutine's event loop up until it returns: use
    `Sandbox` there.
    """

    def __init__(self, **options: Unpack[SandboxOptions]) -> None:
        """Check the settings; raises `ValueError` for one that cannot be used."""
        self._sandbox = Sandbox(**options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def start(self) -> None:
        """Start the thread and the server; returns when it listens."""
        if self._loop is not None:
            raise RuntimeError("the sandbox is running already")
        self._loop = loop = asyncio.new_event_loop()
        # A daemon: a test run that dies must not hang on its sandbox.
        self._thread = threading.Thread(target=loop.run_forever, name="aishoot-sandbox", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._sandbox.start(), loop).result()
        except BaseException:
            self._stop_thread()
            raise

    def close(self) -> None:
        """Close the server and end the thread. Closing twice is fine."""
        if self._loop is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._sandbox.aclose(), self._loop).result()
        finally:
            self._stop_thread()

    def _stop_thread(self) -> None:
        loop, self._loop = self._loop, None
        thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            # On its own thread: this one may be running a loop of its own.
            asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            coroutine.close()
            raise RuntimeError("the sandbox is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _run(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return self._await(call())

    @property
    def settings(self) -> SandboxSettings:
        """See `Sandbox`."""
        return self._sandbox.settings

    @property
    def url(self) -> str:
        """See `Sandbox.url`."""
        return self._run(lambda: self._sandbox.url)

    @property
    def token(self) -> str:
        """See `Sandbox.token`."""
        return self._run(lambda: self._sandbox.token)

    @property
    def refresh_token(self) -> str:
        """See `Sandbox.refresh_token`."""
        return self._run(lambda: self._sandbox.refresh_token)

    @property
    def client_id(self) -> str:
        """See `Sandbox.client_id`."""
        return self._sandbox.client_id

    @property
    def requests(self) -> list[RecordedRequest]:
        """See `Sandbox.requests`."""
        return self._run(lambda: self._sandbox.requests)

    @property
    def calls(self) -> Counter[str]:
        """A copy of `Sandbox.calls`."""
        return self._run(lambda: Counter(self._sandbox.calls))

    @property
    def max_in_flight(self) -> int:
        """See `Sandbox.max_in_flight`."""
        return self._run(lambda: self._sandbox.max_in_flight)

    def reset_requests(self) -> None:
        """See `Sandbox.reset_requests`."""
        self._run(self._sandbox.reset_requests)

    def wait_for_calls(self, count: int, operation: str | None = None, *, timeout: float | None = None) -> None:
        """See `Sandbox.wait_for_calls`.

        Raises `TimeoutError` when it takes longer than `timeout` seconds, and `RuntimeError` in a coroutine without a
        `timeout`: what holds up the event loop that is to make the calls would wait for ever.
        """
        if timeout is None and _is_in_event_loop():
            raise RuntimeError(
                "wait_for_calls holds up this event loop, whose own calls would never come; "
                "use `await asyncio.to_thread(sandbox.wait_for_calls, ...)`, or name a timeout"
            )

        async def wait() -> None:
            async with asyncio.timeout(timeout):
                await self._sandbox.wait_for_calls(count, operation)

        self._await(wait())

    def skus(self) -> list[dict[str, Any]]:
        """See `Sandbox.skus`."""
        return self._run(self._sandbox.skus)

    def results(self, brief_id: int) -> list[dict[str, Any]]:
        """See `Sandbox.results`."""
        return self._run(lambda: self._sandbox.results(brief_id))

    def insert_sku(
        self, *, sku_id: str | None = None, position: int | None = None, is_global: bool = False, **fields: object
    ) -> dict[str, Any]:
        """See `Sandbox.insert_sku`."""
        return self._run(
            lambda: self._sandbox.insert_sku(sku_id=sku_id, position=position, is_global=is_global, **fields)
        )

    def update_sku(self, sku_id: str, **fields: object) -> dict[str, Any]:
        """See `Sandbox.update_sku`."""
        return self._run(lambda: self._sandbox.update_sku(sku_id, **fields))

    def delete_sku(self, sku_id: str) -> None:
        """See `Sandbox.delete_sku`."""
        self._run(lambda: self._sandbox.delete_sku(sku_id))

    def add_brief(self, brief_id: int, count: int) -> None:
        """See `Sandbox.add_brief`."""
        self._run(lambda: self._sandbox.add_brief(brief_id, count))

    def delete_brief(self, brief_id: int) -> None:
        """See `Sandbox.delete_brief`."""
        self._run(lambda: self._sandbox.delete_brief(brief_id))

    def insert_results(self, brief_id: int, position: int, n: int = 1) -> None:
        """See `Sandbox.insert_results`."""
        self._run(lambda: self._sandbox.insert_results(brief_id, position, n))

    def delete_results(self, brief_id: int, position: int, n: int = 1) -> None:
        """See `Sandbox.delete_results`."""
        self._run(lambda: self._sandbox.delete_results(brief_id, position, n))

    def expire_tokens(self) -> None:
        """See `Sandbox.expire_tokens`."""
        self._run(self._sandbox.expire_tokens)

    def issue_token(self) -> str:
        """See `Sandbox.issue_token`."""
        return self._run(self._sandbox.issue_token)

    def approve(self, user_code: str) -> None:
        """See `Sandbox.approve`."""
        self._run(lambda: self._sandbox.approve(user_code))

    def deny(self, user_code: str) -> None:
        """See `Sandbox.deny`."""
        self._run(lambda: self._sandbox.deny(user_code))

    def add_fault(self, fault: Fault) -> None:
        """See `Sandbox.add_fault`."""
        self._run(lambda: self._sandbox.add_fault(fault))

    def clear_faults(self) -> None:
        """See `Sandbox.clear_faults`."""
        self._run(self._sandbox.clear_faults)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
