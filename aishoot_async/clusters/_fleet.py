"""The driver's side of Dask: briefs out within a window, tokens to the workers, signs of life back."""

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
from ..errors import AIShootError, AuthError, ExportError, TransportError
from ..export._life import Content
from ..secret import Secret
from ._attempt import bring, end_attempts
from ._grant import GRANT, Grant, sealed
from ._health import Health
from ._order import TOPIC, Delivery, Order, Sight, Sign, read_sign
from ._window import Window

logger: Final = logging.getLogger("aishoot_async.clusters")
_TRIES: Final = 4
_END_WITHIN: Final = 10.0


class Fleet:
    """The workers of one run, seen from its driver.

    Attributes:
        run: names the run.
        window: how many briefs are out at once.
        refetched: pages that were fetched once more.
        see: told of how far the attempts are.
    """

    def __init__(
        self,
        client: Any,
        tokens: TokenSource,
        *,
        order: Callable[..., Order],
        window: Window,
        stall: float,
        secrets: dict[str, Any],
    ) -> None:
        """Begin nothing yet.

        Args:
            client: an asynchronous client of our own.
            tokens: where the workers' tokens come from.
            order: makes an order for a unit.
            window: how many briefs are out at once.
            stall: seconds without a sign of life after which a worker's briefs are given to another.
            secrets: what a worker gets besides: the proxy, and what the object store takes.
        """
        self.run = uuid4().hex
        self.refetched = 0
        self.see: Callable[[Sight], None] = lambda _sight: None
        self.window = window
        self._client = client
        self._tokens = tokens
        self._order = order
        self._stall = stall
        self._health = Health(stall)
        self._secrets = secrets
        self._given: list[Secret] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._out: dict[str, asyncio.Future[None]] = {}
        self._fetched: dict[str, dict[str, int]] = {}
        self._signs: dict[str, Sign] = {}

    @property
    def traffic(self) -> Traffic:
        """What the workers have told of their traffic."""
        signs = self._signs.values()
        limit = sum(sign.limit for sign in signs if sign.attempts)
        return Traffic(in_flight=0, waiting=0, limit=limit, retries=sum(sign.retries for sign in signs))

    @asynccontextmanager
    async def at_work(self, staging: str) -> AsyncGenerator[None]:
        """Hear the workers; what else stages there is ended before, and what is left of us after."""
        await self._end_attempts(staging)
        self._client.subscribe_topic(TOPIC, self._hear)
        self._keep(self._watch())
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
            async with asyncio.timeout(_END_WITHIN):
                await self._look()
                # A worker that hangs does not answer, and is not waited for.
                fit = self._health.fit(self._now())
                await self._client.run(end_attempts, staging, workers=fit, on_error="ignore")

    async def bring(self, unit: str) -> Content:
        """Have a brief staged by a worker; by another if that one is lost.

        Raises:
            AIShootError: as its walk did.
            ExportError: a task ended in a way that is none of ours.
            TransportError: the workers that had it were lost.
        """
        self._fetched[unit] = {}
        try:
            for number in range(_TRIES):
                async with self.window.place:
                    delivery = await self._try(unit, number)
                if delivery is None:
                    continue
                self._fetched[unit][delivery.attempt] = delivery.fetched
                if delivery.error is not None:
                    raise delivery.error
                if delivery.content is not None:
                    del self._fetched[unit][delivery.attempt]
                    self.refetched += sum(self._fetched[unit].values())
                    self.window.brought()
                    return delivery.content
        finally:
            del self._fetched[unit]
        raise _lost(unit)

    async def _try(self, unit: str, number: int) -> Delivery | None:
        """Let one task bring a brief; ``None`` if the worker that has it, or what it brought, hangs or is gone."""
        key = f"aishoot-{self.run}-{unit}-{number}"
        hangs = self._health.hung(self._now())
        fit: dict[str, Any] = {"workers": self._health.fit(self._now()), "allow_other_workers": True} if hangs else {}
        future = self._client.submit(bring, self._order(run=self.run, key=key, unit=unit), key=key, pure=False, **fit)
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
            waiting.add_done_callback(_heed)

    async def _delivered(self, future: Any, unit: str) -> Delivery | None:
        """Wait for a task, and fetch what it has brought; ``None`` if that cannot be had.

        Not by ``await future``: Dask fetches what is ready together, so one worker that hangs would keep the others'.

        Raises:
            ExportError: the task ended in a way that is none of ours.
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
                    delivery: Delivery | None = fetched.get("data", {}).get(future.key)
                    return delivery
        except KilledWorker:
            raise _lost(unit) from None
        except FutureCancelledError as error:
            problem = f"the scheduler has dropped it ({error.reason})"
        except Exception as error:  # noqa: BLE001  # whatever the worker's installation is at fault with
            problem = f"{type(error).__name__}: {error}"
        else:
            return None
        raise ExportError(
            f"a task failed: {problem}. Are the same release of aishoot-async, and the same extras, installed on every "
            f"worker?"
        )

    async def _watch(self) -> None:
        """Take the briefs of workers that hang for lost."""
        while True:
            with contextlib.suppress(OSError):  # the client connects again, or the tasks say that it cannot
                await self._look()
                if hung := self._health.hung(self._now()):
                    await self._give_up(hung)
            await asyncio.sleep(min(self._stall / 8, 5.0))

    async def _look(self) -> None:
        self._health.look((await self._client.scheduler.identity())["workers"], self._now())

    async def _give_up(self, hung: set[str]) -> None:
        for worker, keys in (await self._client.scheduler.processing()).items():
            for key in keys:
                lost = self._out.get(key)
                if worker in hung and lost is not None and not lost.done():
                    logger.warning("worker %s gives no sign of life: %s goes to another", worker, key)
                    lost.set_result(None)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, message = event
        if message["run"] != self.run:
            return
        if "ask" in message:
            self._keep(self._answer(message["ask"], message["refused"]))
            return
        sign = read_sign(message)
        before = self._signs.get(sign.shift)
        self._signs[sign.shift] = sign
        if sign.refused > (0 if before is None else before.refused):
            self.window.refused()
        for sight in sign.attempts:
            if sight.unit in self._fetched:  # else it comes too late
                self._fetched[sight.unit][sight.attempt] = sight.fetched
                self.see(sight)

    async def _answer(self, worker: str, refused: int | None) -> None:
        """Grant a worker what it has asked for."""
        grant = await self._grant(None if refused is None else self._given[refused])
        with contextlib.suppress(OSError):  # the worker is gone
            await self._client.scheduler.proxy(worker=worker, msg={"op": GRANT, "grant": sealed(grant)})

    async def _grant(self, refused: Secret | None) -> Grant:
        try:
            token = Secret(await self._tokens.token(None if refused is None else refused.reveal()))
        except AIShootError as error:
            return Grant(run=self.run, error=error)
        except Exception as error:  # noqa: BLE001  # the user's own source may raise anything
            return Grant(run=self.run, error=AuthError(f"the token source failed: {type(error).__name__}"))
        if token not in self._given:
            self._given.append(token)
        return Grant(run=self.run, number=self._given.index(token), token=token, **self._secrets)

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _heed(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


def _lost(unit: str) -> TransportError:
    return TransportError(f"{unit} was lost with the workers that had it, one after the other", maybe_sent=False)
