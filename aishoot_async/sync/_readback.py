"""At the end of an apply: what the service shows now of what was done is what is compared with the next time."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from ..errors import AIShootError
from ..failures import ends_all
from ._fields import ABSENT, Fields, equal, same
from ._operations import Owned
from ._plan import SyncAction, SyncEntry
from ._remote import Looker, Rows
from ._report import OutcomeKind, SyncOutcome
from ._sending import Doubt, Touched, applied, outcome_of

logger: Final = logging.getLogger("aishoot_async.sync")


class ReadBack:
    """Looks once, and once more where the listing lags behind."""

    def __init__(self, looker: Looker, touched: Mapping[str, Touched], doubts: Sequence[Doubt]) -> None:
        """Take what was done, and the updates and deletes of which it is not known."""
        self._looker = looker
        self._state = looker.state
        self._touched = touched
        self._doubts = doubts

    async def run(self, rows: Rows | None) -> Sequence[SyncOutcome]:
        """Read back; ``rows``: a listing that was seen after all was done, if there is one.

        Returns:
            What became of what was in doubt.

        Raises:
            AIShootError: what stops everything. That a listing cannot be had does not: the next plan takes what it
                finds.
        """
        problem = "the service does not show it"
        if self._touched or self._doubts:
            try:
                rows = await self._look(rows)
            except AIShootError as error:
                if ends_all(error):
                    raise
                logger.warning("what was done could not be read back (%s); the next plan takes what it finds", error)
                rows, problem = None, f"and nothing could be looked at ({error})"
        found: Rows = {} if rows is None else rows
        await self._state.keep(*self._read_back(found))
        return [await self._settled(doubt, found if rows is not None else None, problem) for doubt in self._doubts]

    async def _look(self, rows: Rows | None) -> Rows:
        if rows is None:
            rows = await self._looker.look()
        if any(self._lags(rows, touched) for touched in self._touched.values()) or any(
            not _shows(rows, doubt) for doubt in self._doubts
        ):
            await self._looker.sleep(self._looker.settle)
            rows = await self._looker.look()
        return rows

    def _lags(self, rows: Rows, touched: Touched) -> bool:
        """Tell whether a listing does not show yet what was done: it is as it was, where it was to change."""
        row = rows.get(self._state.owned[touched.entry.key].sku_id)
        if row is None or touched.before is None:
            return row is None
        return any(_stands_still(field, new, touched.before, row) for field, (_, new) in touched.entry.changes.items())

    def _read_back(self, rows: Rows) -> Collection[Owned]:
        items: list[Owned] = []
        for key, touched in self._touched.items():
            item = self._state.owned[key]
            row = rows.get(item.sku_id)
            if row is not None and not self._lags(rows, touched):
                items.append(attrs.evolve(item, row=_as_left(touched.entry, row, touched.remembered)))
        return items

    async def _settled(self, doubt: Doubt, rows: Rows | None, problem: str) -> SyncOutcome:
        entry, state = doubt.entry, self._state
        if rows is not None and _shows(rows, doubt):
            if entry.action is SyncAction.DELETE:
                await state.forget(entry.key, doubt.operation)
                return attrs.evolve(outcome_of(entry, OutcomeKind.DELETED), found_by_looking=True)
            before = state.owned[entry.key]
            row = _as_left(entry, rows[before.sku_id], before.row)
            item = attrs.evolve(applied(entry, before), row=row)
            await state.end(doubt.operation, "done", note="found by looking", item=item)
            kind = OutcomeKind.ADOPTED if entry.action is SyncAction.ADOPT else OutcomeKind.UPDATED
            return attrs.evolve(outcome_of(entry, kind), found_by_looking=True)
        why = f"{doubt.problem}; {problem}. The next plan does it again, if it has to be done"
        return outcome_of(entry, OutcomeKind.UNKNOWN, error=why)


def _shows(rows: Rows, doubt: Doubt) -> bool:
    entry = doubt.entry
    row = rows.get(entry.sku_id or "")
    if entry.action is SyncAction.DELETE:
        return row is None
    return row is not None and all(
        same(field, new, row.get(field, ABSENT)) for field, (_, new) in entry.changes.items()
    )


def _stands_still(field: str, wanted: object, before: Fields, row: Fields) -> bool:
    now = row.get(field, ABSENT)
    if now is ABSENT and field not in before:
        return False  # it is never shown
    return equal(field, before.get(field, ABSENT), now) and not same(field, wanted, now)


def _as_left(entry: SyncEntry, row: Fields, remembered: Fields | None) -> Fields:
    """Give the row to remember: a field that was left as somebody has changed it is told as changed the next time."""
    left = [field for field in entry.left if field not in entry.settled]
    if not left or remembered is None:
        return row
    kept = {field: remembered[field] for field in left if field in remembered}
    return {**{field: value for field, value in row.items() if field not in left}, **kept}
