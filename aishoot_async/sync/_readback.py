"""Reading back at the end of an apply: the next plan compares with what the service shows now."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from ..errors import AIShootError
from ..failures import ends_all
from ._fields import ABSENT, Fields, matches_desired, same_remote
from ._operations import TrackedSku
from ._plan import SyncAction, SyncEntry
from ._remote import RemoteView, Rows
from ._report import OutcomeKind, SyncOutcome
from ._sending import PendingReadback, UnknownOutcome, applied, outcome_of

logger: Final = logging.getLogger("aishoot_async.sync")


class ReadBack:
    """Reads back with one listing, and with a second one if the first lags behind."""

    def __init__(
        self, remote: RemoteView, pending: Mapping[str, PendingReadback], unknown: Sequence[UnknownOutcome]
    ) -> None:
        """Take the SKUs to read back, and the updates and deletes of unknown outcome."""
        self._remote = remote
        self._state = remote.state
        self._pending = pending
        self._unknown = unknown

    async def run(self, rows: Rows | None) -> Sequence[SyncOutcome]:
        """Read back; ``rows``: a listing that was read after all was done, if there is one.

        Returns:
            The outcomes of the updates and deletes that were unknown.

        Raises:
            AIShootError: what stops everything. A listing that fails does not: the next plan takes what it finds.
        """
        problem = "the service does not show it"
        if self._pending or self._unknown:
            try:
                rows = await self._look(rows)
            except AIShootError as error:
                if ends_all(error):
                    raise
                logger.warning("what was done could not be read back (%s); the next plan takes what it finds", error)
                rows, problem = None, f"and nothing could be looked at ({error})"
        found: Rows = {} if rows is None else rows
        await self._state.keep(*self._read_back(found))
        return [await self._resolve(unknown, found if rows is not None else None, problem) for unknown in self._unknown]

    async def _look(self, rows: Rows | None) -> Rows:
        if rows is None:
            rows = await self._remote.refresh()
        if any(self._lags(rows, pending) for pending in self._pending.values()) or any(
            not _has_happened(rows, unknown) for unknown in self._unknown
        ):
            await self._remote.sleep(self._remote.settle)
            rows = await self._remote.refresh()
        return rows

    def _lags(self, rows: Rows, pending: PendingReadback) -> bool:
        """Tell whether a listing does not show a write yet: a field that was to change is as it was."""
        row = rows.get(self._state.owned[pending.entry.key].sku_id)
        if row is None or pending.before is None:
            return row is None
        return any(_stands_still(field, new, pending.before, row) for field, (_, new) in pending.entry.changes.items())

    def _read_back(self, rows: Rows) -> Collection[TrackedSku]:
        items: list[TrackedSku] = []
        for key, pending in self._pending.items():
            item = self._state.owned[key]
            row = rows.get(item.sku_id)
            if row is not None and not self._lags(rows, pending):
                items.append(attrs.evolve(item, row=_as_left(pending.entry, row, pending.remembered)))
        return items

    async def _resolve(self, unknown: UnknownOutcome, rows: Rows | None, problem: str) -> SyncOutcome:
        entry, state = unknown.entry, self._state
        if rows is not None and _has_happened(rows, unknown):
            if entry.action is SyncAction.DELETE:
                await state.forget(entry.key, unknown.operation)
                return attrs.evolve(outcome_of(entry, OutcomeKind.DELETED), found_by_looking=True)
            before = state.owned[entry.key]
            row = _as_left(entry, rows[before.sku_id], before.row)
            item = attrs.evolve(applied(entry, before), row=row)
            await state.end(unknown.operation, "done", note="found by looking", item=item)
            kind = OutcomeKind.ADOPTED if entry.action is SyncAction.ADOPT else OutcomeKind.UPDATED
            return attrs.evolve(outcome_of(entry, kind), found_by_looking=True)
        why = f"{unknown.problem}; {problem}. The next plan does it again, if it has to be done"
        return outcome_of(entry, OutcomeKind.UNKNOWN, error=why)


def _has_happened(rows: Rows, unknown: UnknownOutcome) -> bool:
    entry = unknown.entry
    row = rows.get(entry.sku_id or "")
    if entry.action is SyncAction.DELETE:
        return row is None
    return row is not None and all(
        matches_desired(field, new, row.get(field, ABSENT)) for field, (_, new) in entry.changes.items()
    )


def _stands_still(field: str, wanted: object, before: Fields, row: Fields) -> bool:
    now = row.get(field, ABSENT)
    if now is ABSENT and field not in before:
        return False  # it is never shown
    return same_remote(field, before.get(field, ABSENT), now) and not matches_desired(field, wanted, now)


def _as_left(entry: SyncEntry, row: Fields, remembered: Fields | None) -> Fields:
    """Return the row to remember; a field that was kept as somebody changed it is reported again next time."""
    left = [field for field in entry.left if field not in entry.settled]
    if not left or remembered is None:
        return row
    kept = {field: remembered[field] for field in left if field in remembered}
    return {**{field: value for field, value in row.items() if field not in left}, **kept}
