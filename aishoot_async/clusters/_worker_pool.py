"""The driver's side of Dask: briefs out within a window, tokens to the workers, heartbeats back."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from anyio import CancelScope
from distributed import KilledWorker, wait  # pyright: ignore[reportUnknownVariableType]
from distributed.client import FutureCancelledError

from ..auth import TokenSource
from ..calls import Traffic
from ..errors import AIShootError, AuthError, JobError, TransportError
from ..jobs import PartSet
from ..secret import Secret
from ._attempt import end_attempts, read_brief
from ._liveness import Liveness
from ._messages import TOPIC, AttemptProgress, BriefTask, Heartbeat, TaskResult, read_heartbeat
from ._token_message import GRANT, TokenMessage, serialize
from ._window import Window

logger: Final = logging.getLogger("aishoot_async.clusters")
_MAX_ATTEMPTS: Final = 4
_END_TIMEOUT: Final = 10.0


class WorkerPool:
    """The workers of one run, seen from its driver.

    Attributes:
        run: names the run.
        window: how many briefs are out at once.
        refetched: pages that were fetched once more.
        on_progress: told of how far the attempts are.
    """

    def __init__(
        self,
        client: Any,
        tokens: TokenSource,
        *,
        make_task: Callable[..., BriefTask],
        window: Window,
        stall: float,
        secrets: dict[str, Any],
        error: type[JobError],
    ) -> None:
        """Submit nothing yet.

        Args:
            client: an asynchronous client of our own.
            tokens: where the workers' tokens come from.
            make_task: makes the task of a unit.
            window: how many briefs are out at once.
            stall: seconds without a heartbeat after which a worker's briefs are given to another.
            secrets: what a worker gets besides: the proxy, and what the object store takes.
            error: what is raised when the workers cannot do this.
        """
        self.run = uuid4().hex
        self.refetched = 0
        self.on_progress: Callable[[AttemptProgress], None] = lambda _progress: None
        self.window = window
        self._client = client
        self._tokens = tokens
        self._make_task = make_task
        self._stall = stall
        self._liveness = Liveness(stall)
        self._secrets = secrets
        self._error = error
        self._given: list[Secret] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._out: dict[str, asyncio.Future[None]] = {}
        self._fetched: dict[str, dict[str, int]] = {}
        self._heartbeats: dict[str, Heartbeat] = {}

    @property
    def traffic(self) -> Traffic:
        """What the workers have told of their traffic."""
        beats = self._heartbeats.values()
        limit = sum(beat.limit for beat in beats if beat.attempts)
        return Traffic(in_flight=0, waiting=0, limit=limit, retries=sum(beat.retries for beat in beats))

    @asynccontextmanager
    async def at_work(self, staging: str) -> AsyncGenerator[None]:
        """Listen to the workers. What else stages there is ended before, and what is left of this run after."""
        await self._end_attempts(staging)
        self._client.subscribe_topic(TOPIC, self._on_event)
        self._spawn(self._watch())
        try:
            yield
        finally:
            with contextlib.suppress(ValueError, OSError):  # the scheduler is gone
                self._client.unsubscribe_topic(TOPIC)
            for task in self._tasks:
                task.cancel()
            with CancelScope(shield=True):
                await self._end_attempts(staging)

    async def _end_attempts(self, staging: str) -> None:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_END_TIMEOUT):
                await self._check_liveness()
                # A worker that hangs does not answer, and is not waited for.
                healthy = self._liveness.healthy(self._now())
                await self._client.run(end_attempts, staging, workers=healthy, on_error="ignore")

    async def read_brief(self, unit: str) -> PartSet:
        """Have a brief staged by a worker; by another if that one is lost.

        Raises:
            AIShootError: as its walk did.
            JobError: a task ended in a way that is none of ours.
            TransportError: the workers that had it were lost.
        """
        self._fetched[unit] = {}
        try:
            for number in range(_MAX_ATTEMPTS):
                async with self.window.place:
                    result = await self._try(unit, number)
                if result is None:
                    continue
                self._fetched[unit][result.attempt] = result.fetched
                if result.error is not None:
                    raise result.error
                if result.parts is not None:
                    del self._fetched[unit][result.attempt]
                    self.refetched += sum(self._fetched[unit].values())
                    self.window.brought()
                    return result.parts
        finally:
            del self._fetched[unit]
        raise _lost(unit)

    async def _try(self, unit: str, number: int) -> TaskResult | None:
        """Let one task stage a unit; return ``None`` if its worker, or what that has staged, hangs or is gone."""
        key = f"aishoot-{self.run}-{unit}-{number}"
        where: dict[str, Any] = {}
        if self._liveness.stalled(self._now()):
            where = {"workers": self._liveness.healthy(self._now()), "allow_other_workers": True}
        task = self._make_task(run=self.run, key=key, unit=unit)
        future = self._client.submit(read_brief, task, key=key, pure=False, **where)
        lost = self._out[key] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(self._delivered(future, unit))
        try:
            await asyncio.wait([waiting, lost], return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else None
        finally:
            del self._out[key]
            with contextlib.suppress(OSError):  # the scheduler is gone
                await self._client.cancel([future], force=True)
            # It ends by that. If it were cancelled itself, tasks of Dask's own would be left, which complain.
            waiting.add_done_callback(_retrieve_exception)

    async def _delivered(self, future: Any, unit: str) -> TaskResult | None:
        """Wait for a task, and fetch what it has brought; ``None`` if that cannot be had.

        Not by ``await future``: Dask fetches what is ready together, so one worker that hangs would keep the others'.

        Raises:
            JobError: the task ended in a way that is none of ours.
            TransportError: the workers that had it died.
        """
        try:
            with self._client.as_current():
                ended: Any = wait([future])  # type: ignore[no-untyped-call]
            await ended
            if future.status != "finished":
                await future
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stall):
                    fetched = await self._client.scheduler.gather(keys=[future.key])
                    result: TaskResult | None = fetched.get("data", {}).get(future.key)
                    return result
        except KilledWorker:
            raise _lost(unit) from None
        except FutureCancelledError as error:
            problem = f"the scheduler has dropped it ({error.reason})"
        except Exception as error:  # noqa: BLE001  # whatever the worker's installation is at fault with
            problem = f"{type(error).__name__}: {error}"
        else:
            return None
        raise self._error(
            f"a task failed: {problem}. Are the same release of aishoot-async, and the same extras, installed on every "
            f"worker?"
        )

    async def _watch(self) -> None:
        """Take the briefs of workers that hang for lost."""
        while True:
            with contextlib.suppress(OSError):  # the client connects again, or the tasks say that it cannot
                await self._check_liveness()
                if stalled := self._liveness.stalled(self._now()):
                    await self._give_up(stalled)
            await asyncio.sleep(min(self._stall / 8, 5.0))

    async def _check_liveness(self) -> None:
        self._liveness.update((await self._client.scheduler.identity())["workers"], self._now())

    async def _give_up(self, stalled: set[str]) -> None:
        for worker, keys in (await self._client.scheduler.processing()).items():
            for key in keys:
                lost = self._out.get(key)
                if worker in stalled and lost is not None and not lost.done():
                    logger.warning("worker %s gives no sign of life: %s goes to another", worker, key)
                    lost.set_result(None)

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        _, message = event
        if message["run"] != self.run:
            return
        if "ask" in message:
            self._spawn(self._answer(message["ask"], message["refused"]))
            return
        heartbeat = read_heartbeat(message)
        before = self._heartbeats.get(heartbeat.worker_run)
        self._heartbeats[heartbeat.worker_run] = heartbeat
        if heartbeat.refused > (0 if before is None else before.refused):
            self.window.refused()
        for progress in heartbeat.attempts:
            if progress.unit in self._fetched:  # else it comes too late
                self._fetched[progress.unit][progress.attempt] = progress.fetched
                self.on_progress(progress)

    async def _answer(self, worker: str, refused: int | None) -> None:
        """Send a worker the token that it has asked for."""
        token = await self._get_token(None if refused is None else self._given[refused])
        with contextlib.suppress(OSError):  # the worker is gone
            await self._client.scheduler.proxy(worker=worker, msg={"op": GRANT, "grant": serialize(token)})

    async def _get_token(self, refused: Secret | None) -> TokenMessage:
        try:
            token = Secret(await self._tokens.token(None if refused is None else refused.reveal()))
        except AIShootError as error:
            return TokenMessage(run=self.run, error=error)
        except Exception as error:  # noqa: BLE001  # the user's own source may raise anything
            return TokenMessage(run=self.run, error=AuthError(f"the token source failed: {type(error).__name__}"))
        if token not in self._given:
            self._given.append(token)
        return TokenMessage(run=self.run, number=self._given.index(token), token=token, **self._secrets)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _retrieve_exception(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


def _lost(unit: str) -> TransportError:
    return TransportError(f"{unit} was lost with the workers that had it, one after the other", maybe_sent=False)
