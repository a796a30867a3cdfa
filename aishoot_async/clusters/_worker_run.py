"""What a worker does for one run: one session for all of its briefs, the tokens for it, and heartbeats.

A worker that hangs is taken for lost after `BriefTask.stall` seconds, and its units are given to others. If it wakes,
it must not go on: what it had in hand is dropped, and it sends no request with a token that is older than that.
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
from ._messages import TOPIC, AttemptProgress, BriefTask, Heartbeat
from ._token_message import TokenMessage

_HEARTBEAT_INTERVAL: Final = 0.5
_MIN_INTERVAL: Final = 0.1
_IDLE_TIMEOUT: Final = 30.0
_TOKEN_TIMEOUT: Final = 120.0
_REFUSED: Final = 429


class RunningAttempt(Protocol):
    """An attempt, as far as a run of a worker knows it."""

    task: BriefTask
    progress: AttemptProgress


class WorkerRun:
    """A worker's part in one run. It is the `TokenSource` of its session."""

    def __init__(self, worker: Worker, task: BriefTask, ended: Callable[[], object]) -> None:
        """Request nothing yet; the run's first task says what holds for all of them."""
        self.worker = worker
        self.staging = task.staging
        self._task = task
        self._ended = ended
        self._name = uuid4().hex
        self._refusals = _Refusals()
        self._attempts: dict[asyncio.Task[Any], RunningAttempt] = {}
        self._token_message: TokenMessage | None = None
        self._answer: asyncio.Future[TokenMessage] | None = None
        self._session: AIShootSession | None = None
        self._beating: asyncio.Task[None] | None = None
        self._clock = asyncio.get_running_loop().time
        self._beaten = self._busy = self._clock()
        self._sent = -_MIN_INTERVAL

    async def open(self) -> tuple[AIShootSession, dict[str, Any]]:
        """Return the session, and what the object store takes.

        Raises:
            AIShootError: the driver has no token.
        """
        message = self._token_message or await self._ask()
        if self._session is None:
            shared = self._task
            at_once = min(shared.in_flight, shared.share * self.worker.state.nthreads)
            self._session = AIShootSession(
                self,
                base_url=shared.base_url,
                timeouts=shared.timeouts,
                retry=shared.retry,
                limits=Limits(connections=at_once, in_flight=at_once, response_bytes=shared.response_bytes),
                hooks=[self._refusals],
                proxy=message.proxy,
                insecure_http=True,  # the driver's session has allowed its base URL
            )
            self._share_rate()
        return self._session, message.store_options

    def begin(self, task: "asyncio.Task[Any]", attempt: RunningAttempt) -> None:
        """Take an attempt in hand until its task has ended."""
        self._attempts[task] = attempt
        task.add_done_callback(self._end)
        self._share_rate()
        if self._beating is None:
            self._beaten = self._clock()
            self._beating = asyncio.create_task(self._beat())

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._attempts.pop(task, None)
        self._share_rate()

    def _share_rate(self) -> None:
        """Let the session start as many requests a second as its briefs may."""
        if self._session is not None and self._task.rate is not None:
            self._session._throttle.set_rate(self._task.rate * max(1, len(self._attempts)))  # noqa: SLF001

    async def close(self) -> None:
        """End what is in hand, and forget the token."""
        self._ended()
        tasks: set[asyncio.Task[Any]] = set(self._attempts)
        if self._beating is not None and self._beating is not asyncio.current_task():
            tasks.add(self._beating)
        for task in tasks:
            task.cancel()
        self._token_message = None
        if self._session is not None:
            # Before they have ended: what one of them leaves in the throttle, another's pages would take.
            await self._session.aclose()
        if tasks:
            await asyncio.wait(tasks)

    async def token(self, rejected: str | None = None) -> str:
        """Return the access token, another one from the driver if this one was refused.

        Raises:
            AIShootError: as it was for the driver.
        """
        refused, rejected = None if rejected is None else Secret(rejected), None  # a traceback may show this frame
        if self._was_away():
            raise TransportError("this worker hung, and the brief may be another's by now", maybe_sent=False)
        message = self._token_message
        if message is None or message.token == refused:
            message = await self._ask()
        if message.token is None:
            raise AuthError("the driver gave no token")
        return message.token.reveal()

    async def _ask(self) -> TokenMessage:
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            refused = None if self._token_message is None else self._token_message.number
            ask = {"run": self._task.run, "ask": self.worker.address, "refused": refused}
            self.worker.log_event(TOPIC, ask)
        answer = self._answer
        await asyncio.wait([answer], timeout=_TOKEN_TIMEOUT)
        if not answer.done():
            self._answer = None
            raise AuthError("the driver gave no token in time")
        message = answer.result()
        if message.error is not None:
            raise message.error
        return message

    def take(self, message: TokenMessage) -> None:
        """Take what the driver grants."""
        if message.error is None:
            self._token_message = message
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(message)
        self._answer = None

    def on_page(self) -> None:
        """Tell of a page that an attempt has read, unless that was just done."""
        if self._clock() - self._sent >= _MIN_INTERVAL:
            self._sent = self._clock()
            self._send_heartbeat()

    async def _beat(self) -> None:
        while self._attempts or self._clock() - self._busy < _IDLE_TIMEOUT:
            if self._attempts:
                self._busy = self._clock()
                self._send_heartbeat()
            for task, attempt in list(self._attempts.items()):
                if self._was_away() or not self._is_wanted(attempt.task.key):
                    task.cancel()
            self._beaten = self._clock()
            await asyncio.sleep(min(_HEARTBEAT_INTERVAL, self._task.stall / 8))
        await self.close()

    def _was_away(self) -> bool:
        """Whether the event loop has stood still so long that the driver may have taken this worker for lost."""
        return self._clock() - self._beaten > self._task.stall / 2

    def _is_wanted(self, key: str) -> bool:
        """Whether the scheduler still asks for a task; Dask ends no coroutine when its future is cancelled."""
        task = self.worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    def _send_heartbeat(self) -> None:
        traffic = None if self._session is None else self._session.traffic
        heartbeat = Heartbeat(
            run=self._task.run,
            worker=self.worker.address,
            worker_run=self._name,
            refused=self._refusals.count,
            retries=0 if traffic is None else traffic.retries,
            limit=0 if traffic is None else traffic.limit,
            attempts=tuple(attempt.progress for attempt in self._attempts.values()),
        )
        with contextlib.suppress(ValueError):  # the worker is closing
            self.worker.log_event(TOPIC, attrs.asdict(heartbeat))


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
