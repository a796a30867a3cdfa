"""Tasks that several callers wait for, and bounded workers over an iterator."""

import asyncio
import copy
from collections.abc import AsyncIterable, Awaitable, Callable, Hashable, Iterable, Sized
from typing import Any, Final, Generic, TypeVar

from .errors import AIShootError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
_END: Final = object()


async def wait_done(task: "asyncio.Future[Any]") -> None:
    """Wait until a task has ended, however it ends; cancelling the caller leaves the task running.

    Not by `asyncio.wait`: from Python 3.14 on, its frame holds the waiting task. A task that is cancelled there becomes
    a reference cycle, and keeps all that it holds until the garbage collector runs.
    """
    if task.done():
        return
    ended: asyncio.Future[None] = task.get_loop().create_future()

    def wake(_: "asyncio.Future[Any]") -> None:
        if not ended.done():
            ended.set_result(None)

    task.add_done_callback(wake)
    try:
        await ended
    finally:
        task.remove_done_callback(wake)


async def shared_result(task: "asyncio.Task[T]", when_cancelled: Callable[[], Exception]) -> T:
    """Return the result of a task that others may wait for, too; cancelling the caller leaves the task running.

    Args:
        task: the task.
        when_cancelled: makes the error to raise when the task itself was cancelled. A `CancelledError` would look like
            the caller's own cancellation.

    Raises:
        Exception: as the task did. Each caller gets its own copy of an `AIShootError`: raising an error writes into it.
    """
    await wait_done(task)
    if task.cancelled():
        raise when_cancelled()
    error = task.exception()
    if error is None:
        return task.result()
    raise _own_copy(error) if isinstance(error, AIShootError) else error


def _own_copy(error: AIShootError) -> AIShootError:
    own = copy.copy(error)
    own.__cause__, own.__suppress_context__ = error.__cause__, error.__suppress_context__
    return own


class SingleFlight(Generic[K, T]):
    """Runs at most one task for each key. Whoever asks for a key while its task runs waits for that task.

    A cancelled caller does not cancel the task, and an error that nobody waits for is not reported to the event loop.
    """

    def __init__(self, when_cancelled: Callable[[], Exception], *, cancel_abandoned: bool = False) -> None:
        """Run nothing yet.

        Args:
            when_cancelled: makes the error for those who wait for a task that is cancelled.
            cancel_abandoned: cancel a task, and wait for its end, when the last caller that waits for it is cancelled.
        """
        self._when_cancelled = when_cancelled
        self._cancel_abandoned = cancel_abandoned
        self._tasks: dict[K, asyncio.Task[T]] = {}
        self._callers: dict[asyncio.Task[T], int] = {}

    def start(self, key: K, begin: "Callable[[], asyncio.Task[T]]") -> "asyncio.Task[T]":
        """Return the task of a key; ``begin`` starts one if none is running.

        A task counts as running until those who wait for it wake up: its outcome is also for who asks in between.
        """
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = begin()
            task.add_done_callback(lambda ended: self._forget(key, ended))
        return task

    async def run(self, key: K, begin: "Callable[[], asyncio.Task[T]]") -> T:
        """Return the result of a key's task; ``begin`` starts one if none is running.

        Raises:
            Exception: as `shared_result` does.
        """
        task = self.start(key, begin)
        self._callers[task] = self._callers.get(task, 0) + 1
        try:
            if task.done():
                await asyncio.sleep(0)  # until it is forgotten: a caller who asks again would get it again, for ever
            return await shared_result(task, self._when_cancelled)
        finally:
            self._callers[task] -= 1
            if not self._callers[task]:
                del self._callers[task]
                if self._cancel_abandoned and not task.done():
                    self._forget(key, task)
                    task.cancel()
                    await wait_done(task)

    @property
    def callers(self) -> int:
        """How many callers wait for tasks."""
        return sum(self._callers.values())

    async def drain(self) -> None:
        """Wait until the tasks that are running now have ended."""
        for task in tuple(self._tasks.values()):
            await wait_done(task)

    def clear(self) -> None:
        """Forget all tasks, and leave them running."""
        self._tasks.clear()

    def _forget(self, key: K, task: "asyncio.Task[T]") -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if task.done() and not task.cancelled():
            task.exception()  # retrieved, should nobody wait for it


async def for_each(
    items: Iterable[T] | AsyncIterable[T],
    work: Callable[[T], Awaitable[object]],
    *,
    workers: int,
    grace: float = 0.0,
) -> None:
    """Await ``work`` for each item, for at most ``workers`` items at once. Items are taken as workers become free.

    After the first error no further item is taken, and work under way is cancelled. All of it has ended when this
    function returns or raises.

    Args:
        items: what to work on; an async iterable is asked for one item at a time.
        work: what to do with an item.
        workers: how many workers there are.
        grace: seconds for which work under way may go on after an error.

    Raises:
        Exception: the first error of the work or of the iterable, as it is and not in an `ExceptionGroup`.
        asyncio.CancelledError: work was cancelled by something else than this function.
    """
    import anyio  # noqa: PLC0415  # only bulk work needs it

    take = _taker(items)
    failure: BaseException | None = None

    async def run(scope: anyio.CancelScope) -> None:
        nonlocal failure
        try:
            while failure is None and (item := await take()) is not _END:
                await work(item)
        except (Exception, asyncio.CancelledError) as error:
            is_cancelled = isinstance(error, asyncio.CancelledError)
            if failure is None and not (is_cancelled and scope.cancel_called):
                failure = error
            scope.deadline = min(scope.deadline, anyio.current_time() + grace)
            if is_cancelled:
                raise

    async with anyio.create_task_group() as group:
        for _ in range(min(workers, len(items)) if isinstance(items, Sized) else workers):
            group.start_soon(run, group.cancel_scope)
    if failure is not None:
        raise failure


def _taker(items: Iterable[T] | AsyncIterable[T]) -> Callable[[], Awaitable[Any]]:
    """Return a function that gives the next item, or `_END`; workers share it."""
    if isinstance(items, AsyncIterable):
        later, lock = aiter(items), asyncio.Lock()

        async def take() -> Any:
            async with lock:  # an async generator refuses to be asked twice at once
                return await anext(later, _END)

        return take
    now = iter(items)

    async def take_now() -> Any:
        return next(now, _END)

    return take_now
