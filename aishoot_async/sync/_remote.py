"""What the service has: complete listings, and what came of creates whose responses were lost."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import attrs
from anyio import to_thread

from ..errors import ConfigurationError, UnstableListingError
from ..session import AIShootSession
from ._fields import IMAGES, Fields, has_changed, remote_fields, volatile_images
from ._matching import CandidateIndex, CreateMatches, FieldVisibility, Unresolved, match_creates
from ._operations import Operation, TrackedSku
from ._state import State

logger: Final = logging.getLogger("aishoot_async.sync")
Rows = Mapping[str, Fields]
Sleep = Callable[[float], Awaitable[None]]


class RemoteView:
    """Lists the SKUs of the service, and records in the state which listing had a SKU first.

    Attributes:
        state: the state.
        settle: seconds after which a listing shows what was done.
        sleep: waits.
        rows: the SKUs of the latest listing, by id.
        volatile: the images that a SKU shows differently in each answer, by id.
    """

    def __init__(self, session: AIShootSession, state: State, *, settle: float, patience: float, sleep: Sleep) -> None:
        self._session = session
        self.state = state
        self.settle = settle
        self._patience = patience
        self.sleep = sleep
        self.rows: Rows = {}
        self.volatile: Mapping[str, Collection[str]] = {}

    async def refresh(self) -> Rows:
        """List all SKUs, until two walks agree.

        Raises:
            AIShootError: as a strict walk does.
            UnstableListingError: the listing may lack something, so that what is created might be there already.
        """
        rows: dict[str, Fields] = {}
        async with self._session.skus.list(strict=True, patience=self._patience).walk() as walk:
            async for sku in walk:
                rows[sku.id] = remote_fields(sku)
        if not walk.report.complete:
            msg = f"the {len(rows)} SKUs that the service lists may not be all of them; nothing is built on that"
            raise UnstableListingError(msg)
        await self.state.record_listing(rows)
        self.rows = rows
        return rows

    async def detect_volatile_images(self, expected: Mapping[str, tuple[Fields, Fields]]) -> None:
        """List once more, at once, if images have changed: some services show them differently in each answer.

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
        second = await self.refresh()
        found = {sku_id: volatile_images(row, second[sku_id]) for sku_id, row in first.items() if sku_id in second}
        self.volatile = {sku_id: fields for sku_id, fields in found.items() if fields}

    def visibility(self) -> FieldVisibility:
        """Learn which fields this service shows in a form that can be compared."""
        pairs: list[tuple[Fields, Fields]] = []
        for item in self.state.owned.values():
            row = self.rows.get(item.sku_id) if item.row is None else item.row
            if row:
                pairs.append((item.sent, row))
        return FieldVisibility.learn(pairs, self.rows.values())

    async def resolve_creates(self, creates: Sequence[Operation]) -> "ResolvedCreates":
        """Find out what came of creates; the settle time has passed since they were sent.

        A SKU that is found becomes its item's. A create is absent if two listings, the settle time apart, show no
        trace of it.

        Raises:
            AIShootError: as a strict walk does.
        """
        first = await self._match(creates)
        rest = {create.number: create for create in creates if create.number not in first.found}
        if not rest:
            return ResolvedCreates()
        await self.sleep(self.settle)
        second = await self._match(list(rest.values()))
        unresolved = dict(second.unresolved)
        absent: list[Operation] = []
        for number in second.absent:
            if number in first.absent:
                absent.append(rest[number])
                await self.state.end(rest[number], "absent")
            else:
                reason = "something like it was there a moment ago, and is not any more; look again"
                unresolved[number] = Unresolved((), reason)
        return ResolvedCreates(unresolved=unresolved, absent=absent)

    async def _match(self, creates: Sequence[Operation]) -> CreateMatches:
        rows, state = await self.refresh(), self.state
        by_number = {create.number: create for create in creates}
        oldest = min(create.listing for create in creates)
        new = {sku_id: row for sku_id, row in rows.items() if sku_id not in state.keys and state.seen[sku_id] > oldest}

        def work() -> CreateMatches:
            return match_creates(
                {number: create.wanted for number, create in by_number.items()},
                CandidateIndex(new, self.visibility()),
                lambda number, sku_id: state.seen[sku_id] > by_number[number].listing,
                self._with_own_image(creates),
            )

        matches = await to_thread.run_sync(work)
        for number, sku_id in matches.found.items():
            create = by_number[number]
            item = TrackedSku(key=create.key, sku_id=sku_id, applied=create.wanted, row=rows[sku_id])
            logger.info("the create of %r was lost, and found as SKU %s", create.key, sku_id)
            await state.end(create, "done", note="found by looking", item=item)
        return matches

    def _with_own_image(self, creates: Sequence[Operation]) -> set[int]:
        """Return the creates whose front image no other item has."""
        keys = {create.key for create in creates}
        owned = (item for item in self.state.owned.values() if item.key not in keys)
        users = Counter(item.applied.get("front_image") for item in owned)
        users.update(create.wanted.get("front_image") for create in creates)
        return {create.number for create in creates if users[create.wanted.get("front_image")] == 1}


@attrs.frozen(kw_only=True)
class ResolvedCreates:
    """What came of creates; those that are in neither were found.

    Attributes:
        unresolved: creates of which it cannot be told, by number.
        absent: creates that have not happened.
    """

    unresolved: Mapping[int, Unresolved] = attrs.field(factory=dict[int, Unresolved])
    absent: Sequence[Operation] = ()


def organization_of(session: AIShootSession) -> str | None:
    """Return the session's organization; ``None`` if none is named."""
    try:
        return session.images.organization
    except ConfigurationError:
        return None
