"""Looking at what the service has: a whole listing, and what came of creates whose answers were lost."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import attrs
from anyio import to_thread

from ..errors import UnstableListingError
from ..session import AIShootSession
from ._fields import IMAGES, Fields, has_changed, shown, volatile_images
from ._matching import Held, Legibility, Matched, Shelf, match
from ._operations import Operation, Owned
from ._state import State

logger: Final = logging.getLogger("aishoot_async.sync")
Rows = Mapping[str, Fields]
Sleep = Callable[[float], Awaitable[None]]


class Looker:
    """Looks at what the service has, and remembers which SKUs were there."""

    def __init__(self, session: AIShootSession, state: State, *, settle: float, patience: float, sleep: Sleep) -> None:
        """Look at nothing yet.

        Args:
            session: makes the calls.
            state: remembers.
            settle: seconds after which a listing shows what was done.
            patience: seconds for which an outage is ridden out.
            sleep: waits.
        """
        self._session = session
        self.state = state
        self.settle = settle
        self._patience = patience
        self.sleep = sleep
        self.rows: Rows = {}
        self.volatile: Mapping[str, Collection[str]] = {}
        """The images that a SKU shows otherwise in each answer, by its id."""

    async def look(self) -> Rows:
        """List all SKUs, until two walks agree.

        Raises:
            AIShootError: as a strict walk does.
            UnstableListingError: the listing may lack something, so that what is created might be there already.
        """
        rows: dict[str, Fields] = {}
        async with self._session.skus.list(strict=True, patience=self._patience).walk() as walk:
            async for sku in walk:
                rows[sku.id] = shown(sku)
        if not walk.report.complete:
            msg = f"the {len(rows)} SKUs that the service lists may not be all of them; nothing is built on that"
            raise UnstableListingError(msg)
        await self.state.saw(rows)
        self.rows = rows
        return rows

    async def look_at_images(self, expected: Mapping[str, tuple[Fields, Fields]]) -> None:
        """List once more, at once, if images are not as expected: some services show them otherwise in each answer.

        Args:
            expected: by the SKU's id, what the service has shown of it, and what the catalog stated then.

        Raises:
            AIShootError: as a strict walk does.
        """
        first = self.rows
        if not any(
            has_changed(field, before, first[sku_id], applied)
            for sku_id, (before, applied) in expected.items()
            if sku_id in first
            for field in IMAGES
        ):
            return
        second = await self.look()
        found = {sku_id: volatile_images(row, second[sku_id]) for sku_id, row in first.items() if sku_id in second}
        self.volatile = {sku_id: fields for sku_id, fields in found.items() if fields}

    def legibility(self) -> Legibility:
        """Learn which fields this service shows so that they can be compared."""
        pairs: list[tuple[Fields, Fields]] = []
        for item in self.state.owned.values():
            row = self.rows.get(item.sku_id) if item.row is None else item.row
            if row:
                pairs.append((item.sent, row))
        return Legibility.learn(pairs, self.rows.values())

    async def find(self, operations: Sequence[Operation]) -> "Found":
        """Find out what came of creates; the settle time has passed since they were sent.

        What is found becomes its item's; what two listings, far enough apart, do not have is absent.

        Raises:
            AIShootError: as a strict walk does.
        """
        first = await self._match(operations)
        left = [operation for operation in operations if operation.number not in first.found]
        if not left:
            return Found(count=len(operations))
        await self.sleep(self.settle)
        second = await self._match(left)
        absent = [number for number in second.absent if number in first.absent]
        held = dict(second.held)
        for number in second.absent:
            if number not in first.absent:
                reason = "something like it was there a moment ago, and is not any more"
                held[number] = Held((), f"{reason}; look again")
        by_number = {operation.number: operation for operation in left}
        for number in absent:
            await self.state.end(by_number[number], "absent")
        return Found(
            count=len(operations) - len(held) - len(absent),
            held=held,
            absent=[by_number[number] for number in absent],
        )

    async def _match(self, operations: Sequence[Operation]) -> Matched:
        rows, state = await self.look(), self.state
        creates = {operation.number: operation.wanted for operation in operations}
        before = {operation.number: operation.listing for operation in operations}
        oldest = min(before.values())
        new = {sku_id: row for sku_id, row in rows.items() if sku_id not in state.keys and state.seen[sku_id] > oldest}

        def work() -> Matched:
            return match(
                creates,
                Shelf(new, self.legibility()),
                lambda number, sku_id: state.seen[sku_id] > before[number],
                self._own_images(operations),
            )

        matched = await to_thread.run_sync(work)
        by_number = {operation.number: operation for operation in operations}
        for number, sku_id in matched.found.items():
            operation = by_number[number]
            item = Owned(key=operation.key, sku_id=sku_id, applied=operation.wanted, row=rows[sku_id])
            logger.info("the create of %r was lost, and found as SKU %s", operation.key, sku_id)
            await state.end(operation, "done", note="found by looking", item=item)
        return matched

    def _own_images(self, operations: Sequence[Operation]) -> set[int]:
        keys = {operation.key for operation in operations}
        owned = (item for item in self.state.owned.values() if item.key not in keys)
        images = Counter(item.applied.get("front_image") for item in owned)
        images.update(operation.wanted.get("front_image") for operation in operations)
        return {operation.number for operation in operations if images[operation.wanted.get("front_image")] == 1}


@attrs.frozen(kw_only=True)
class Found:
    """What came of creates.

    Attributes:
        count: how many were found.
        held: of which it cannot be told, by their numbers.
        absent: which have not happened.
    """

    count: int
    held: Mapping[int, Held] = attrs.field(factory=dict[int, Held])
    absent: Sequence[Operation] = ()
