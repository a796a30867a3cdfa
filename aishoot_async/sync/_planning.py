"""Making a plan: the catalog is taken in, the service looked at, and what a crash left in doubt found out."""

import logging
import os
from collections import defaultdict
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, get_args

import anyio
import attrs
from anyio import to_thread

from ..session import AIShootSession
from ..validation import check_choice, check_seconds
from ._catalog import collect, organization_of, wishes
from ._deciding import Situation, Wish, deletions
from ._deciding_all import decide_all
from ._decisions import Decide, Decisions, check_keys, parse_decisions
from ._fields import shows
from ._item import CatalogItem
from ._keys import respelled
from ._life import Operation
from ._limits import MaxDelete, check_catalog, check_deletions, parse_max_delete
from ._looking import Looker
from ._matching import Held
from ._plan import Prefer, SyncEntry, SyncPlan
from ._state import State, opened, state_path

logger: Final = logging.getLogger("aishoot_async.sync")


@attrs.frozen(kw_only=True)
class _Options:
    prune: bool
    max_delete: MaxDelete
    prefer: Prefer | None
    force: bool
    decisions: Decisions


async def plan_sync(
    session: AIShootSession,
    catalog: Iterable[CatalogItem] | AsyncIterable[CatalogItem],
    *,
    state: str | os.PathLike[str],
    prune: bool = False,
    max_delete: int | str | None = None,
    prefer: Prefer | None = None,
    force: bool = False,
    decide: Decide = None,
    settle: float = 10.0,
    patience: float = 1800.0,
) -> SyncPlan:
    """Work out what has to be done so that the service has what the catalog states. Nothing is sent.

    The catalog owns the fields that it states, and no others. What each SKU was when it was last read back is
    remembered in the state, so that a change on the service's side is told from one in the catalog, and a field that
    the service shows otherwise than it was sent is no change at all. Creates whose outcome an earlier run has left
    unknown are looked for first: that takes the settle time, once or twice.

    A key that looks the same as one of an earlier run (composed letters, characters that show nothing, blanks) is that
    one. An item without a SKU that is like one that is there is a conflict, and not created: the state may have been
    lost, or its key changed. Nor is the SKU of a key that it may have had deleted. ``decide`` settles that.

    Args:
        session: makes the calls.
        catalog: what the service should have.
        state: a file that remembers; made where there is none. Each catalog has its own.
        prune: also delete the SKUs of keys that the catalog does not have any more: those that this state created or
            adopted, and no others.
        max_delete: how many of them at most: a number, or a share of the SKUs that the state owns, such as ``"10%"``;
            ``None`` for a tenth, but at least one.
        prefer: who wins where the catalog and somebody else have both changed a field: ``"catalog"``, ``"remote"``, or
            ``None`` for nobody, which is a conflict. The same goes for a SKU that was deleted on one side and changed
            on the other: where the remote is preferred, one that the catalog has no more stays, and the state lets go
            of it.
        force: prune even by a catalog that is empty, or has less than half of the keys that the state owns.
        decide: what becomes of items that may have a SKU already: ``"adopt"`` makes it theirs, where it is one alone;
            ``"create"`` makes another one; ``{key: decision}`` says it item by item, also by the id of the SKU;
            ``None`` leaves them in conflict.
        settle: seconds after which a listing surely shows what was done.
        patience: seconds for which an outage is ridden out.

    Raises:
        AIShootError: as every strict walk does; whatever the catalog raises passes on, too.
        CatalogError: an item cannot be right; all problems are listed.
        ConfigurationError: an option cannot work.
        LockedError: another process has the state.
        SyncError: the state is damaged or foreign, or too much would be deleted. Nothing is planned.
    """
    settle, patience = check_seconds("settle", settle), check_seconds("patience", patience)
    check_choice("prefer", prefer, (*get_args(Prefer), None))
    options = _Options(
        prune=prune,
        max_delete=parse_max_delete(max_delete),
        prefer=prefer,
        force=force,
        decisions=parse_decisions(decide),
    )
    path = state_path(state)
    items = await collect(catalog)
    check_keys(options.decisions, [item.key for item in items])
    async with opened(path, session.base_url, organization_of(session)) as held:
        await _respell(held, items)
        if prune and not force:
            check_catalog({item.key for item in items}, held.owned)
        wanted = await wishes(session, items, held)
        looker = Looker(session, held, settle=settle, patience=patience, sleep=anyio.sleep)
        entries, left_alone = await _decide(looker, wanted, options)
        return SyncPlan(
            entries=tuple(entries),
            left_alone=tuple(left_alone),
            service=session.base_url,
            organization=organization_of(session),
            state=held.path,
            state_id=held.identity,
            revision=held.revision,
            listing=held.listing,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            options={
                "prune": prune,
                "max_delete": max_delete,
                "prefer": prefer,
                "force": force,
                "decide": dict(decide) if isinstance(decide, Mapping) else decide,
            },
        )


async def _respell(state: State, items: Sequence[CatalogItem]) -> None:
    """Spell the keys of the state as the catalog does, where they look the same."""
    known = {*state.owned, *(operation.key for operation in state.open.values())}
    keys = respelled([item.key for item in items], known)
    if keys:
        logger.info("the catalog spells keys otherwise than before (%d), though they look the same", len(keys))
        await state.rename(keys)
        await state.move_on()


async def _decide(
    looker: Looker, wanted: Sequence[Wish], options: _Options
) -> tuple[Sequence[SyncEntry], Sequence[str]]:
    state = looker.state
    held = await _look(looker)
    await looker.look_at_images(
        {item.sku_id: (item.row, item.applied) for item in state.owned.values() if item.row is not None}
    )
    situation = Situation(
        rows=looker.rows,
        owned=state.owned,
        doubts=_doubts(state),
        held=held,
        legibility=looker.legibility(),
        prefer=options.prefer,
        volatile=looker.volatile,
        adopted=state.adopted,
    )
    entries, left_alone = await to_thread.run_sync(
        lambda: decide_all(wanted, situation, prune=options.prune, decisions=options.decisions)
    )
    check_deletions(deletions(entries, situation.rows.keys()), len(state.owned), options.max_delete)
    return entries, left_alone


async def _look(looker: Looker) -> Mapping[str, Held]:
    """Look at the service once, or as often as it takes to find out what is in doubt; give what stays so, by keys."""
    state = looker.state
    lost = [operation for operation in state.open.values() if operation.kind == "create"]
    if lost:
        # Whoever sent them has ended, or the state would be locked; so they were sent before now.
        logger.warning("what came of creates of an earlier run (%d) is unknown; looking for their SKUs", len(lost))
        await looker.sleep(looker.settle)
        found = await looker.find(lost)
        await state.move_on()
        return {operation.key: found.held[operation.number] for operation in lost if operation.number in found.held}
    await looker.look()
    wait = looker.settle - _youngest_oddity(looker)
    if wait > 0:
        await looker.sleep(wait)
        await looker.look()
    return {}


def _youngest_oddity(looker: Looker) -> float:
    """Give the age of the youngest item that the listing does not show as it was left: it may only lag behind."""
    ages = [looker.settle]
    for item in looker.state.owned.values():
        row = looker.rows.get(item.sku_id)
        # What was read back once has not been lagging since.
        if row is None or (
            item.row is None and not all(shows(field, value, row) for field, value in item.applied.items())
        ):
            ages.append(looker.state.age(item))
    return min(ages)


def _doubts(state: State) -> Mapping[str, Sequence[Operation]]:
    doubts: dict[str, list[Operation]] = defaultdict(list)
    for operation in state.open.values():
        if operation.kind != "create":
            doubts[operation.key].append(operation)
    return doubts
