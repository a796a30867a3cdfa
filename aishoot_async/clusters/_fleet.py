"""The driver's side of Dask: briefs out within a window, tokens to the workers, signs of life back."""

import asyncio
import contextlib
import logging
import pickle
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from distributed import KilledWorker
from distributed.client import FutureCancelledError

from ..auth import TokenSource
from ..calls import Traffic
from ..errors import AIShootError, ExportError, TransportError
from ..secret import Secret
from ._attempt import GRANT, bring, digest, end_attempts, topic
from ._order import Delivery, Order, Sign
from ._window import Window

logger: Final = logging.getLogger("aishoot_async.clusters")
_TRIES: Final = 4
_END_WITHIN: Final = 10.0
_LOOK_EVERY: Final = 1.0


class Fleet:
    """The workers of one run, seen from its driver."""

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
            stall: seconds without a sign of life after which a brief is given to another worker.
            secrets: what a worker gets besides: the proxy, and what the object store takes.
        """
        self.run = uuid4().hex[:12]
        self.refetched = 0
        self.see: Callable[[Sign], None] = lambda _sign: None
        self.window = window
        self._client = client
        self._tokens = tokens
        self._order = order
        self._stall = stall
        self._secrets = secrets
        self._given: dict[str, Secret] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._out: dict[str, dict[str, Sign]] = {}
        self._signed: dict[str, tuple[str | None, float]] = {}
        self._retries = 0

    @property
    def traffic(self) -> Traffic:
        """What the workers have told of their traffic."""
        signs = [sign for attempts in self._out.values() for sign in attempts.values()]
        return Traffic(
            in_flight=0,
            waiting=0,
            limit=sum(sign.limit for sign in signs),
            retries=self._retries + sum(sign.retries for sign in signs),
        )

    @asynccontextmanager
    async def at_work(self, destination: str) -> AsyncGenerator[None]:
        """Hear the workers; whatever else works for the destination is ended before, and what is left of us after."""
        self._client.subscribe_topic(topic(self.run), self._hear)
        await self._end_attempts(destination)
        try:
            yield
        finally:
            with contextlib.suppress(ValueError):
                self._client.unsubscribe_topic(topic(self.run))
            for answer in self._answers:
                answer.cancel()
            await self._end_attempts(destination)

    async def _end_attempts(self, destination: str) -> None:
        # A worker that hangs does not answer: it is not waited for.
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_END_WITHIN):
                await self._client.run(end_attempts, destination, on_error="ignore")

    async def bring(self, unit: str) -> Delivery:
        """Have a brief staged by a worker; by another if that one is lost.

        Raises:
            AIShootError: as its walk did.
            TransportError: every worker that had it was lost.
        """
        hung: set[str] = set()
        self._out[unit] = {}
        try:
            for number in range(_TRIES):
                async with self.window.place():
                    delivery = await self._try(unit, number, hung)
                if delivery is not None:
                    self._count(unit, delivery)
                    if delivery.error is not None:
                        raise delivery.error
                    self.window.brought()
                    return delivery
        finally:
            self._retries += sum(sign.retries for sign in self._out.pop(unit, {}).values())
            self._signed.pop(unit, None)
        raise TransportError(f"{unit} was lost with {_TRIES} workers, one after the other")

    def _count(self, unit: str, delivery: Delivery) -> None:
        others = (sign for name, sign in self._out.get(unit, {}).items() if name != delivery.attempt)
        self.refetched += sum(sign.fetched for sign in others)

    async def _try(self, unit: str, number: int, hung: set[str]) -> Delivery | None:
        """Let one task bring a brief; None if it is lost."""
        key = f"aishoot-{self.run}-{unit}-{number}"
        fit = [worker for worker in await self._client.nthreads() if worker not in hung] if hung else None
        self._signed.pop(unit, None)
        order = self._order(run=self.run, key=key, unit=unit)
        future = self._client.submit(bring, order, key=key, pure=False, workers=fit or None)
        waiting = asyncio.create_task(_result(future))
        try:
            while not (await asyncio.wait([waiting], timeout=_LOOK_EVERY))[0]:
                if (worker := self._stalled(unit)) is not None:
                    logger.warning("%s: worker %s gives no sign of life; another gets it", unit, worker)
                    hung.add(worker)
                    return None
            return waiting.result()
        finally:
            waiting.cancel()
            with contextlib.suppress(OSError):  # the scheduler is gone
                await self._client.cancel([future], force=True)

    def _stalled(self, unit: str) -> str | None:
        """Name the worker that has a brief and does not say so any more."""
        worker, signed = self._signed.get(unit, (None, 0.0))
        return worker if asyncio.get_running_loop().time() - signed > self._stall else None

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, message = event
        if "ask" in message:
            answer = asyncio.create_task(self._answer(message["ask"], message["refused"]))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)
            return
        sign = Sign(**message["sign"])
        attempts = self._out.get(sign.unit)
        if attempts is None:  # it came too late
            return
        before = attempts.get(sign.attempt)
        attempts[sign.attempt] = sign
        self._signed[sign.unit] = (sign.worker, asyncio.get_running_loop().time())
        if sign.refused > (0 if before is None else before.refused):
            self.window.refused()
        self.see(sign)

    async def _answer(self, worker: str, refused: str | None) -> None:
        """Grant a worker what it has asked for: by a message that nobody keeps."""
        token, failure = None, None
        try:
            before = None if refused is None else self._given.get(refused)
            token = Secret(await self._tokens.token(None if before is None else before.reveal()))
            self._given[digest(token)] = token
        except AIShootError as error:
            failure = error
        with contextlib.suppress(OSError):  # the worker is gone
            await self._client.scheduler.proxy(
                worker=worker,
                msg={
                    "op": GRANT,
                    "run": self.run,
                    "token": None if token is None else token.reveal(),
                    "error": None if failure is None else pickle.dumps(failure),
                    **self._secrets,
                },
            )


async def _result(future: Any) -> Delivery | None:
    """Wait for a task; None if its worker was lost, again and again.

    Raises:
        ExportError: it ended in a way that is none of ours.
    """
    try:
        delivery: Delivery = await future
    except KilledWorker:
        return None
    except FutureCancelledError:
        problem = "the scheduler has dropped it"
    except Exception as error:  # noqa: BLE001  # whatever the worker's installation is at fault with
        problem = f"{type(error).__name__}: {error}"
    else:
        return delivery
    raise ExportError(f"a task failed: {problem}. Is the same release of aishoot-async installed on every worker?")
