"""A plan: what a sync would do, as values that a person can read and a program can apply later."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from ..errors import SyncError
from ._catalog import CatalogItem
from ._fields import IMAGES, desired_fields
from ._images import PlannedPicture, is_path

Prefer = Literal["catalog", "remote"]
Decision = Literal["adopt", "create"]


class SyncAction(StrEnum):
    """What is to be done about an item."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    ADOPT = "adopt"  # the SKU is there already, made by somebody else or for another key; it becomes the item's
    CONFLICT = "conflict"  # changed on both sides, or a SKU that is there may be the item's; nothing is sent
    DELETE = "delete"
    RELEASE = "release"  # the catalog has it no more, and the remote is preferred: the SKU stays, and is nobody's
    HOLD = "hold"  # what became of an earlier create is not known, and cannot be found out yet; nothing is sent


@attrs.frozen(kw_only=True)
class SyncEntry:
    """What is to be done about one item.

    Attributes:
        key: the item's.
        action: what is to be done.
        sku_id: the SKU's id, where there is one.
        changes: the fields that differ: ``{field: (from, to)}``; of a create, all that the catalog states, from
            ``None``.
        reason: why: a sentence.
        line: where the catalog's file has the item.
        wanted: every field that the catalog states, by its snake_case name; images are identifiers.
        seen: every field of the SKU as the service showed it when the plan was made; what it did not show is not there.
        left: fields that stay as somebody else has changed them, because the remote is preferred.
        settled: those of them that the catalog has changed, too: from now on they count as settled.
        pictures: the pictures behind the image fields, where those are paths.
        renamed_from: the key that the SKU had until now, where it is taken over from one that the catalog has no more.
        candidates: of a conflict, the SKUs that may be the item's: some of them, where there are many.
    """

    key: str
    action: SyncAction
    sku_id: str | None = None
    changes: Mapping[str, tuple[Any, Any]] = attrs.field(factory=dict[str, tuple[Any, Any]])
    reason: str = ""
    line: int | None = None
    wanted: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    seen: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    left: Sequence[str] = attrs.field(default=(), converter=tuple[str, ...])
    settled: Sequence[str] = attrs.field(default=(), converter=tuple[str, ...])
    pictures: Mapping[str, PlannedPicture] = attrs.field(factory=dict[str, PlannedPicture], repr=False)
    renamed_from: str | None = None
    candidates: Sequence[str] = attrs.field(default=(), converter=tuple[str, ...])


@attrs.frozen(kw_only=True)
class SyncPlan:
    """What a sync would do. `apply_plan` does it.

    Attributes:
        entries: one an item, in the catalog's order; then the deletions.
        left_alone: keys that an earlier catalog had and this one does not, which are left as they are.
        service: where the API is.
        organization: whose SKUs they are; ``None`` where it is not named.
        state: the state file.
        state_id: which state file that is, wherever it lies.
        revision: how far the state was when the plan was made; a plan is stale once the state has moved on.
        listing: the number of the listing that it was made from.
        made_at: when, in ISO 8601, UTC.
        options: what `plan_sync` was told: ``prune``, ``max_delete``, ``prefer``, ``force``, ``decide``.
    """

    entries: Sequence[SyncEntry] = attrs.field(repr=lambda entries: f"<{len(entries)}>")
    left_alone: Sequence[str] = attrs.field(default=(), repr=False)
    service: str
    organization: str | None = None
    state: Path
    state_id: str
    revision: int
    listing: int
    made_at: str
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    @property
    def counts(self) -> Mapping[SyncAction, int]:
        """How many entries have which action; an action that none has counts 0."""
        return Counter(entry.action for entry in self.entries)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: nothing to send, and nothing to remember."""
        return all(entry.action in IDLE for entry in self.entries)

    def check_catalog(self, catalog: Iterable[CatalogItem]) -> None:
        """See that a catalog still says what the plan was made of; what is in its pictures is seen when it is applied.

        Raises:
            SyncError: it says something else.
        """
        planned = {entry.key: dict(entry.wanted) for entry in self.entries if entry.wanted}
        differing = set(planned)
        for item in catalog:
            says = desired_fields(item.sku)
            # A picture's path became its identifier when the plan was made.
            says |= {field: planned.get(item.key, {}).get(field) for field in IMAGES if _is_picture(says.get(field))}
            differing ^= {item.key} if planned.get(item.key) == says or item.key not in planned else set()
        if differing:
            raise SyncError(
                f"the plan is stale: the catalog says something else now of {len(differing)} items, such as "
                f"{min(differing)}. Nothing was sent; make a new plan"
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to a file: JSON, indented. Blocking.

        Raises:
            SyncError: it cannot be written.
        """
        from ._plan_file import write_plan  # noqa: PLC0415  # it knows plans

        write_plan(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "SyncPlan":
        """Read what `save` wrote. Blocking.

        Raises:
            SyncError: it cannot be read, or is no plan: the entry and the field that cannot be right are named.
        """
        from ._plan_file import read_plan  # noqa: PLC0415  # it knows plans

        return read_plan(Path(path))


IDLE: Final = frozenset({SyncAction.UNCHANGED, SyncAction.CONFLICT, SyncAction.HOLD})
"""Actions for which nothing is sent."""


def _is_picture(value: object) -> bool:
    return isinstance(value, str) and is_path(value)
