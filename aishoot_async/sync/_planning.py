"""Making a plan: reads the catalog, lists the SKUs, and finds out what became of an earlier run's lost creates."""

import logging
import os
from collections import defaultdict
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

import anyio
import attrs
from anyio import to_thread

from ..errors import CatalogError
from ..session import AIShootSession
from ..validation import check_choice, check_seconds
from ._catalog import CatalogItem, collect
from ._decisions import Decide, Decisions, parse_decisions, plan_entries
from ._fields import IMAGES, desired_fields, echoes
from ._images import PlannedPicture, examine, is_path
from ._keys import respelled
from ._limits import MaxDelete, check_catalog, check_deletions, parse_max_delete
from ._matching import Unresolved
from ._operations import Operation
from ._plan import Prefer, SyncEntry, SyncPlan
from ._planner import DesiredItem, PlanInput, count_deletions
from ._remote import RemoteView, organization_of
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
    options.decisions.check_keys(item.key for item in items)
    organization = organization_of(session)
    async with opened(path, session.base_url, organization) as opened_state:
        await _respell(opened_state, items)
        if prune and not force:
            check_catalog({item.key for item in items}, opened_state.owned)
        desired = await desired_items(session, items, opened_state)
        remote = RemoteView(session, opened_state, settle=settle, patience=patience, sleep=anyio.sleep)
        entries, left_alone = await _plan(remote, desired, options)
        return SyncPlan(
            entries=tuple(entries),
            left_alone=tuple(left_alone),
            service=session.base_url,
            organization=organization,
            state=opened_state.path,
            state_id=opened_state.identity,
            revision=opened_state.revision,
            listing=opened_state.listing,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            options={
                "prune": prune,
                "max_delete": max_delete,
                "prefer": prefer,
                "force": force,
                "decide": dict(decide) if isinstance(decide, Mapping) else decide,
            },
        )


async def desired_items(session: AIShootSession, items: Sequence[CatalogItem], state: State) -> Sequence[DesiredItem]:
    """Make items ready to be compared: paths of images become identifiers.

    Raises:
        CatalogError: images cannot be used; all of them are named.
        ConfigurationError: there are paths, but no organization that the images would belong to.
    """
    fields = [desired_fields(item.sku) for item in items]
    paths = [(number, field, path) for number, given in enumerate(fields) for field, path in _image_paths(given)]
    pictures: list[dict[str, PlannedPicture]] = [{} for _ in items]
    if paths:
        _ = session.images.organization
        examined, problems = await examine([path for _, _, path in paths], state)
        await state.save_pictures()
        if problems:
            raise CatalogError.of(
                [_bad_image(items[number], field, problems[path]) for number, field, path in paths if path in problems]
            )
        for number, field, path in paths:
            pictures[number][field] = examined[path]
            fields[number][field] = examined[path].identifier
    return [
        DesiredItem(key=item.key, fields=given, pictures=found, line=item.line)
        for item, given, found in zip(items, fields, pictures, strict=True)
    ]


def _image_paths(fields: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    given = ((field, fields.get(field)) for field in IMAGES)
    return [(field, str(Path(value).absolute())) for field, value in given if isinstance(value, str) and is_path(value)]


def _bad_image(item: CatalogItem, field: str, problem: str) -> CatalogError:
    where = f"line {item.line}: " if item.line is not None else ""
    return CatalogError(f"{where}{field} of {item.key!r}: {problem}", line=item.line, field=field, key=item.key)


async def _respell(state: State, items: Sequence[CatalogItem]) -> None:
    """Spell the keys of the state as the catalog does, if they look the same."""
    known = {*state.owned, *(operation.key for operation in state.open.values())}
    keys = respelled([item.key for item in items], known)
    if keys:
        logger.info("the catalog spells keys otherwise than before (%d), though they look the same", len(keys))
        await state.rename(keys)
        await state.bump_revision()


async def _plan(
    remote: RemoteView, desired: Sequence[DesiredItem], options: _Options
) -> tuple[Sequence[SyncEntry], Sequence[str]]:
    state = remote.state
    unresolved = await _refresh(remote)
    await remote.detect_volatile_images(
        {item.sku_id: (item.row, item.applied) for item in state.owned.values() if item.row is not None}
    )
    open_writes: dict[str, list[Operation]] = defaultdict(list)
    for operation in state.open.values():
        if operation.kind != "create":
            open_writes[operation.key].append(operation)
    given = PlanInput(
        rows=remote.rows,
        owned=state.owned,
        open_writes=open_writes,
        unresolved=unresolved,
        visibility=remote.visibility(),
        prefer=options.prefer,
        volatile=remote.volatile,
        adopted=state.adopted,
    )
    entries, left_alone = await to_thread.run_sync(
        lambda: plan_entries(desired, given, prune=options.prune, decisions=options.decisions)
    )
    check_deletions(count_deletions(entries, given.rows.keys()), len(state.owned), options.max_delete)
    return entries, left_alone


async def _refresh(remote: RemoteView) -> Mapping[str, Unresolved]:
    """List the SKUs as often as it takes to resolve lost creates; return those that stay unresolved, by key."""
    state = remote.state
    lost = [operation for operation in state.open.values() if operation.kind == "create"]
    if lost:
        # The run that sent them has ended, or the state would be locked; so they were sent before now.
        logger.warning("what came of creates of an earlier run (%d) is unknown; looking for their SKUs", len(lost))
        await remote.sleep(remote.settle)
        found = await remote.resolve_creates(lost)
        await state.bump_revision()
        return {
            operation.key: found.unresolved[operation.number]
            for operation in lost
            if operation.number in found.unresolved
        }
    await remote.refresh()
    wait = remote.settle - _youngest_difference(remote)
    if wait > 0:
        await remote.sleep(wait)
        await remote.refresh()
    return {}


def _youngest_difference(remote: RemoteView) -> float:
    """Return the age in seconds of the latest write that the listing does not show; it may only lag behind."""
    ages = [remote.settle]
    for item in remote.state.owned.values():
        row = remote.rows.get(item.sku_id)
        # An item that was read back once has not been lagging since.
        if row is None or (
            item.row is None and not all(echoes(field, value, row) for field, value in item.applied.items())
        ):
            ages.append(remote.state.age(item))
    return min(ages)
