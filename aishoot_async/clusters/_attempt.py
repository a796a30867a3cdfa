"""The worker's side: a brief is read by the pipeline of the one-machine export, and staged. Nothing is published here.

A worker may die, hang, or come back when its brief has long been given to another: whatever it has staged carries the
name of its attempt, and only the driver takes it from there.
"""

import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4
from weakref import WeakKeyDictionary

import attrs
from distributed import Worker, get_worker

from .._version import __version__
from ..errors import AIShootError, ConfigurationError, ExportError
from ..export._destinations import read_store_url
from ..export._disk import Disk
from ..export._driver import folder_shape
from ..export._export import results_of
from ..export._formats import FORMATS
from ..export._life import Content, Unit
from ..export._publishing import staged_part
from ..export._reading import Reading
from ..export._reading import Sight as Seen
from ..export._stage import Stage
from ..export._stores import Store, staged_object
from ..session import AIShootSession
from ..storage import fsync_folder
from ._grant import GRANT, Grant
from ._order import Delivery, Order, Sight
from ._shift import Shift


async def bring(order: Order) -> Delivery:
    """Bring one brief into staged parts: the task that the driver submits. It never raises an error of ours."""
    attempt = Attempt(order, _post(get_worker()).shift(order))
    task = asyncio.create_task(attempt.run())
    attempt.shift.begin(task, attempt)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        await asyncio.wait([task])
    return Delivery(attempt=attempt.name, fetched=attempt.sight.fetched) if task.cancelled() else task.result()


async def end_attempts(staging: str, dask_worker: Worker) -> None:
    """End what stages there, whichever run has ordered it, and forget its tokens."""
    shifts = [shift for shift in _post(dask_worker).shifts.values() if shift.staging == staging]
    await asyncio.gather(*(shift.close() for shift in shifts))


class _Post:
    """A worker's shifts, by run."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.shifts: dict[str, Shift] = {}
        cast("Any", worker).handlers[GRANT] = self._take

    def shift(self, order: Order) -> Shift:
        if order.run not in self.shifts:
            self.shifts[order.run] = Shift(self._worker, order, lambda: self.shifts.pop(order.run, None))
        return self.shifts[order.run]

    def _take(self, grant: Grant) -> None:
        if grant.run in self.shifts:
            self.shifts[grant.run].take(grant)


_posts: Final[WeakKeyDictionary[Worker, _Post]] = WeakKeyDictionary()


def _post(worker: Worker) -> _Post:
    if worker not in _posts:
        _posts[worker] = _Post(worker)
    return _posts[worker]


class _NoJournal:
    """An attempt is never gone on with: nothing is noted."""

    def save(self, *units: Unit) -> None:
        """Note nothing."""


class Attempt:
    """One attempt at one brief."""

    def __init__(self, order: Order, shift: Shift) -> None:
        """Begin nothing yet."""
        self.order = order
        self.shift = shift
        self.name = uuid4().hex
        self.sight = Sight(attempt=self.name, unit=order.unit, fetched=0, pages=0, items=0, total=None)
        self._disk = Disk(2)

    async def run(self) -> Delivery:
        """Bring the brief."""
        content: Content | None = None
        failure: AIShootError | None = None
        try:
            content = await self._bring()
        except (ConfigurationError, ExportError) as error:  # whose messages do not say where
            failure = type(error)(f"{error} (on worker {self.shift.worker.address})")
        except AIShootError as error:
            failure = error
        finally:
            self._disk.close()
        return Delivery(attempt=self.name, fetched=self.sight.fetched, content=content, error=failure)

    async def _bring(self) -> Content:
        order = self.order
        if order.release != __version__:
            raise ConfigurationError(f"aishoot-async is {__version__} there, and {order.release} at the driver")
        session, store_options = await self.shift.open()
        folder = await self._disk.run(self._make_folder)
        uploads: list[str] = []
        is_whole = False
        try:
            content = attrs.evolve(await self._read(session, folder), attempt=self.name)
            if order.store is not None:
                await self._disk.run(self._upload, folder, content, store_options, uploads)
            is_whole = True
            return content
        finally:
            if not is_whole and uploads:
                await self._disk.run(self._take_back, folder, store_options, uploads)
            if not is_whole or order.store is not None:
                await self._disk.run(shutil.rmtree, folder, True)  # noqa: FBT003

    def _make_folder(self) -> Path:
        order = self.order
        if order.store is not None:
            return Path(tempfile.mkdtemp(prefix="aishoot-", dir=self.shift.worker.local_directory))
        staging = Path(order.staging)
        if not (staging / order.run).exists():
            raise ExportError(
                f"{staging} is not the driver's folder: workers need a file system that they share with it, or an "
                f"object store"
            )
        folder = staging / self.name
        folder.mkdir()
        fsync_folder(staging)
        return folder

    async def _read(self, session: AIShootSession, folder: Path) -> Content:
        order = self.order
        shape = folder_shape(FORMATS[order.format], order.columns)
        listing = partial(results_of, session, order.paging, order.unit)
        stage = Stage(folder, _NoJournal(), Unit(name=order.unit), shape)
        strict = bool(order.paging.get("strict"))
        unit = await Reading(stage, shape, self._disk, listing, self._see, strict=strict).run()
        return unit.reading or Content()

    def _store(self, folder: Path, options: dict[str, Any]) -> Store:
        order = self.order
        url = read_store_url(order.store or "")
        return Store(url, FORMATS[order.format], is_single=False, state=folder, options=options)

    def _upload(self, folder: Path, content: Content, options: dict[str, Any], uploads: list[str]) -> None:
        store = self._store(folder, options)
        for part in content.staged:
            uploads.append(staged_object(self.order.shard, self.name, part.number))
            store.publish(staged_part(folder, part.number), uploads[-1])

    def _take_back(self, folder: Path, options: dict[str, Any], uploads: list[str]) -> None:
        store = self._store(folder, options)
        for name in uploads:
            store.remove(name)

    def _see(self, seen: Seen) -> None:
        # A walk that is begun once more counts from 0.
        fetched = self.sight.fetched + max(1, seen.pages - self.sight.pages)
        self.sight = attrs.evolve(self.sight, fetched=fetched, pages=seen.pages, items=seen.items, total=seen.total)
        self.shift.saw()
