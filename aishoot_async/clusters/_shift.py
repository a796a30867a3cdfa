"""What a worker does for one run: one session for all of its briefs, the tokens for it, and signs of life.

A worker that hangs is taken for lost after `Order.stall` seconds, and its briefs are given to others. If it wakes, it
must not go on: what it had in hand is dropped, and it sends no request with a token that is older than that.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import uuid4

import attrs
from distributed import Worker

from ..calls._event import CallEvent
from ..config import Limits
from ..errors import AuthError, TransportError
from ..secret import Secret
from ..session import AIShootSession
from ._grant import Grant
from ._order import TOPIC, Order, Sight, Sign

_BEAT: Final = 0.5
_TELL_EVERY: Final = 0.1
_IDLE: Final = 30.0
_ANSWER_WITHIN: Final = 120.0
_REFUSED: Final = 429


class InHand(Protocol):
    """An attempt, as far as a shift knows it."""

    order: Order
    sight: Sight


class Shift:
    """A worker's part in one run. It is the `TokenSource` of its session."""

    def __init__(self, worker: Worker, order: Order, ended: Callable[[], object]) -> None:
        """Begin nothing yet; the run's first order says what holds for all of them."""
        self.worker = worker
        self.staging = order.staging
        self._order = order
        self._ended = ended
        self._name = uuid4().hex
        self._refusals = _Refusals()
        self._attempts: dict[asyncio.Task[Any], InHand] = {}
        self._grant: Grant | None = None
        self._answer: asyncio.Future[Grant] | None = None
        self._session: AIShootSession | None = None
        self._beating: asyncio.Task[None] | None = None
        self._clock = asyncio.get_running_loop().time
        self._beaten = self._busy = self._clock()
        self._told = -_TELL_EVERY

    async def open(self) -> tuple[AIShootSession, dict[str, Any]]:
        """Give the session, and what the object store takes.

        Raises:
            AIShootError: the driver has no token.
        """
        grant = self._grant or await self._ask()
        if self._session is None:
            order = self._order
            at_once = min(order.in_flight, order.share * self.worker.state.nthreads)
            self._session = AIShootSession(
                self,
                base_url=order.base_url,
                timeouts=order.timeouts,
                retry=order.retry,
                limits=Limits(connections=at_once, in_flight=at_once, response_bytes=order.response_bytes),
                hooks=[self._refusals],
                proxy=grant.proxy,
                insecure_http=True,  # the driver's session has allowed its base URL
            )
            self._share_out()
        return self._session, grant.store_options

    def begin(self, task: "asyncio.Task[Any]", attempt: InHand) -> None:
        """Take an attempt in hand until its task has ended."""
        self._attempts[task] = attempt
        task.add_done_callback(self._end)
        self._share_out()
        if self._beating is None:
            self._beaten = self._clock()
            self._beating = asyncio.create_task(self._beat())

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._attempts.pop(task, None)
        self._share_out()

    def _share_out(self) -> None:
        """Let the session start as many requests a second as its briefs may."""
        if self._session is not None and self._order.rate is not None:
            self._session._throttle.set_rate(self._order.rate * max(1, len(self._attempts)))  # noqa: SLF001

    async def close(self) -> None:
        """End what is in hand, and forget the token."""
        self._ended()
        tasks: set[asyncio.Task[Any]] = set(self._attempts)
        if self._beating is not None and self._beating is not asyncio.current_task():
            tasks.add(self._beating)
        for task in tasks:
            task.cancel()
        self._grant = None
        if self._session is not None:
            # Before they have ended: what one of them leaves in the throttle, another's pages would take.
            await self._session.aclose()
        if tasks:
            await asyncio.wait(tasks)

    async def token(self, rejected: str | None = None) -> str:
        """Give the access token, another one from the driver if this one was refused.

        Raises:
            AIShootError: as it was for the driver.
        """
        refused, rejected = None if rejected is None else Secret(rejected), None  # a traceback may show this frame
        if self._was_away():
            raise TransportError("this worker hung, and the brief may be another's by now", maybe_sent=False)
        grant = self._grant
        if grant is None or grant.token == refused:
            grant = await self._ask()
        if grant.token is None:
            raise AuthError("the driver gave no token")
        return grant.token.reveal()

    async def _ask(self) -> Grant:
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            refused = None if self._grant is None else self._grant.number
            ask = {"run": self._order.run, "ask": self.worker.address, "refused": refused}
            self.worker.log_event(TOPIC, ask)
        answer = self._answer
        await asyncio.wait([answer], timeout=_ANSWER_WITHIN)
        if not answer.done():
            self._answer = None
            raise AuthError("the driver gave no token in time")
        grant = answer.result()
        if grant.error is not None:
            raise grant.error
        return grant

    def take(self, grant: Grant) -> None:
        """Take what the driver grants."""
        if grant.error is None:
            self._grant = grant
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(grant)
        self._answer = None

    def saw(self) -> None:
        """Hear that an attempt has seen a page."""
        if self._clock() - self._told >= _TELL_EVERY:
            self._told = self._clock()
            self._tell()

    async def _beat(self) -> None:
        while self._attempts or self._clock() - self._busy < _IDLE:
            if self._attempts:
                self._busy = self._clock()
                self._tell()
            for task, attempt in list(self._attempts.items()):
                if self._was_away() or not self._is_wanted(attempt.order.key):
                    task.cancel()
            self._beaten = self._clock()
            await asyncio.sleep(min(_BEAT, self._order.stall / 8))
        await self.close()

    def _was_away(self) -> bool:
        """Whether the event loop has stood still so long that the driver may have taken this worker for lost."""
        return self._clock() - self._beaten > self._order.stall / 2

    def _is_wanted(self, key: str) -> bool:
        """Whether the scheduler still asks for a task; Dask ends no coroutine when its future is cancelled."""
        task = self.worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    def _tell(self) -> None:
        traffic = None if self._session is None else self._session.traffic
        sign = Sign(
            run=self._order.run,
            worker=self.worker.address,
            shift=self._name,
            refused=self._refusals.count,
            retries=0 if traffic is None else traffic.retries,
            limit=0 if traffic is None else traffic.limit,
            attempts=tuple(attempt.sight for attempt in self._attempts.values()),
        )
        with contextlib.suppress(ValueError):  # the worker is closing
            self.worker.log_event(TOPIC, attrs.asdict(sign))


class _Refusals:
    """A hook that counts what the service refuses."""

    def __init__(self) -> None:
        self.count = 0

    def before_attempt(self, event: CallEvent) -> None:
        """Count nothing."""

    def after_attempt(self, event: CallEvent) -> None:
        """Count a refusal."""
        self.count += event.attempt is not None and event.attempt.status == _REFUSED

    def retrying(self, event: CallEvent) -> None:
        """Count nothing."""
