"""The worker's side: a brief is read by the pipeline of the one-machine export, and staged. Nothing is published here.

A worker may die, hang, or come back when its brief has long been given to another: whatever it has staged carries the
name of its attempt, and only the driver takes it from there.
"""

import asyncio
import contextlib
import hashlib
import pickle
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from weakref import WeakKeyDictionary

import attrs
from distributed import Worker, get_worker

from ..calls import CallEvent
from ..errors import AIShootError, AuthError, Cursor, ExportError
from ..export._disk import Disk
from ..export._driver import folder_shape
from ..export._formats import FORMATS
from ..export._job import brief_of
from ..export._life import Content, Unit
from ..export._publishing import staged_part
from ..export._reading import Reading, Sight
from ..export._stage import Stage
from ..export._stores import Store, staged_object
from ..paging import Pager
from ..secret import Secret
from ..session import AIShootSession
from ._order import Delivery, Order, Sign

GRANT: Final = "aishoot-grant"
"""The message by which a worker gets what nobody else may see. It is neither pickled nor kept by the scheduler."""
SHARED: Final = "shared"
"""The file in the staging folder by which a worker sees that it is the driver's folder."""
_SIGN_EVERY: Final = 1.0
_ANSWER_WITHIN: Final = 120.0
_REFUSED: Final = 429


def topic(run: str) -> str:
    """Name the topic on which the attempts of a run tell of themselves."""
    return f"aishoot-export-{run}"


class _Box:
    """What a worker has been granted for a run, in memory alone. It is a `TokenSource`."""

    def __init__(self, worker: Worker, run: str) -> None:
        self._worker = worker
        self._run = run
        self._answer: asyncio.Future[None] | None = None
        self._token: Secret | None = None
        self._error: AIShootError | None = None
        self.proxy: str | None = None
        self.store_options: dict[str, Any] = {}

    async def open(self) -> None:
        """Have it filled, if it is not."""
        if self._token is None:
            await self._ask(None)

    async def token(self, rejected: str | None = None) -> str:
        """Give the access token, another one from the driver if this one was refused.

        Raises:
            AIShootError: as it was for the driver.
        """
        refused, rejected = None if rejected is None else Secret(rejected), None  # a traceback may show this frame
        if self._token is None or self._token == refused:
            await self._ask(refused)
        if self._token is None:
            raise AuthError("the driver gave no token")
        return self._token.reveal()

    async def _ask(self, refused: Secret | None) -> None:
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            ask = {"ask": self._worker.address, "refused": None if refused is None else digest(refused)}
            self._worker.log_event(topic(self._run), ask)
        answer = self._answer
        await asyncio.wait([answer], timeout=_ANSWER_WITHIN)
        if not answer.done():
            raise AuthError("the driver gave no token in time")
        if self._error is not None:
            raise self._error

    def fill(
        self,
        token: str | None,
        error: bytes | None,
        proxy: str | None,
        store_options: dict[str, Any],
    ) -> None:
        """Take what the driver grants."""
        self._token = None if token is None else Secret(token)
        self._error = None if error is None else pickle.loads(error)  # noqa: S301  # from the driver, as the task is
        self.proxy, self.store_options = proxy, store_options
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        self._answer = None


def digest(token: Secret) -> str:
    """Name a token without showing it."""
    return hashlib.sha256(token.reveal().encode()).hexdigest()


class _Post:
    """What a worker has in hand."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.attempts: dict[asyncio.Task[Delivery], Order] = {}
        self._boxes: dict[str, _Box] = {}
        worker.handlers[GRANT] = self._grant

    def box(self, run: str) -> _Box:
        """Give the box of a run."""
        return self._boxes.setdefault(run, _Box(self.worker, run))

    def _grant(self, run: str, **granted: Any) -> None:
        if run in self._boxes:
            self._boxes[run].fill(**granted)

    def forget(self, run: str) -> None:
        """Let go of what was granted for a run."""
        self._boxes.pop(run, None)


_posts: Final[WeakKeyDictionary[Worker, _Post]] = WeakKeyDictionary()


def _post(worker: Worker) -> _Post:
    if worker not in _posts:
        _posts[worker] = _Post(worker)
    return _posts[worker]


async def end_attempts(destination: str, dask_worker: Worker) -> None:
    """End what works for a destination, whichever run has ordered it, and forget its tokens."""
    post = _post(dask_worker)
    found = {task: order.run for task, order in post.attempts.items() if order.destination == destination}
    for task in found:
        task.cancel()
    if found:
        await asyncio.wait(found)
    for run in set(found.values()):
        post.forget(run)


async def bring(order: Order) -> Delivery:
    """Bring one brief into staged parts: the task that the driver submits. It never raises an error of ours."""
    worker = get_worker()
    post = _post(worker)
    task = asyncio.create_task(_Attempt(order, post).run())
    post.attempts[task] = order
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        await asyncio.wait([task])
        del post.attempts[task]
    return Delivery(attempt="") if task.cancelled() else task.result()


class _NoJournal:
    """An attempt is never gone on with: nothing is noted."""

    def save(self, *units: Unit) -> None:
        """Note nothing."""


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


class _Attempt:
    """One attempt at one brief."""

    def __init__(self, order: Order, post: _Post) -> None:
        self._order = order
        self._post = post
        self._name = uuid4().hex
        self._disk = Disk(2)
        self._refusals = _Refusals()
        self._session: AIShootSession | None = None
        self._task: asyncio.Task[Any] | None = None
        self._sight = Sight(pages=0, items=0, total=None)
        self._fetched = 0

    async def run(self) -> Delivery:
        """Bring the brief, and give signs of life."""
        self._task = asyncio.current_task()
        signs = asyncio.create_task(self._give_signs())
        try:
            content = await self._bring()
        except AIShootError as error:
            return Delivery(attempt=self._name, error=error, pages=self._fetched)
        else:
            return Delivery(attempt=self._name, content=content, pages=self._fetched)
        finally:
            signs.cancel()
            with contextlib.suppress(ValueError):  # the worker is closing
                self._tell()
            self._disk.close()

    async def _bring(self) -> Content:
        order = self._order
        box = self._post.box(order.run)
        await box.open()
        folder = await self._disk.run(self._make_folder)
        is_whole = False
        try:
            async with AIShootSession(
                box,
                base_url=order.base_url,
                timeouts=order.timeouts,
                retry=order.retry,
                limits=order.limits,
                hooks=[self._refusals],
                proxy=box.proxy,
                insecure_http=True,  # the driver's session has allowed its base URL
            ) as self._session:
                content = await self._read(self._session, folder)
            if order.staging is None:
                await self._disk.run(self._upload, folder, content, box.store_options)
            is_whole = True
            return content
        finally:
            if not is_whole or order.staging is None:
                await self._disk.run(shutil.rmtree, folder, True)  # noqa: FBT003

    def _make_folder(self) -> Path:
        if self._order.staging is None:
            return Path(tempfile.mkdtemp(prefix="aishoot-", dir=self._post.worker.local_directory))
        staging = Path(self._order.staging)
        if not (staging / SHARED).exists():
            raise ExportError(
                f"{self._order.destination} is not the same folder for worker {self._post.worker.address}: workers "
                f"need a file system that they share with the driver, or an object store"
            )
        folder = staging / self._name
        folder.mkdir()
        return folder

    async def _read(self, session: AIShootSession, folder: Path) -> Content:
        order = self._order
        shape = folder_shape(FORMATS[order.format], order.columns)
        brief = brief_of(order.unit) or 0

        def listing(start: Cursor | None) -> Pager[bytes]:
            return session.briefs.results(brief, into=bytes, start=start, **order.paging)

        stage = Stage(folder, _NoJournal(), Unit(name=order.unit), shape)
        unit = await Reading(stage, shape, self._disk, listing, self._see).run()
        return unit.reading or Content()

    def _upload(self, folder: Path, content: Content, options: dict[str, Any]) -> None:
        store = Store(
            self._order.destination, FORMATS[self._order.format], is_single=False, state=folder, options=options
        )
        for part in content.staged:
            store.publish(staged_part(folder, part.number), staged_object(self._name, part.number))

    def _see(self, sight: Sight) -> None:
        # A walk that is begun once more counts from 0.
        self._fetched += max(1, sight.pages - self._sight.pages)
        self._sight = sight

    async def _give_signs(self) -> None:
        while self._is_wanted():
            self._tell()
            await asyncio.sleep(_SIGN_EVERY)
        if self._task is not None:
            self._task.cancel()

    def _is_wanted(self) -> bool:
        """Whether the scheduler still asks for this; Dask ends no coroutine whose client is gone."""
        task = self._post.worker.state.tasks.get(self._order.key)
        return task is not None and task.state != "cancelled"

    def _tell(self) -> None:
        traffic = None if self._session is None else self._session.traffic
        sign = Sign(
            attempt=self._name,
            unit=self._order.unit,
            worker=self._post.worker.address,
            fetched=self._fetched,
            pages=self._sight.pages,
            items=self._sight.items,
            total=self._sight.total,
            retries=0 if traffic is None else traffic.retries,
            refused=self._refusals.count,
            limit=0 if traffic is None else traffic.limit,
        )
        self._post.worker.log_event(topic(self._order.run), {"sign": attrs.asdict(sign)})
