"""A plan: what a sync would do, as values that a person can read and a program can apply later."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import attrs

Prefer = Literal["catalog", "remote"]


class SyncAction(StrEnum):
    """What is to be done about an item."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    ADOPT = "adopt"  # the SKU is there already, made by somebody else; it becomes the item's
    CONFLICT = "conflict"  # changed on both sides, or several SKUs fit; nothing is sent
    DELETE = "delete"
    HOLD = "hold"  # what became of an earlier create is not known, and cannot be found out yet; nothing is sent


@attrs.frozen(kw_only=True)
class PlannedPicture:
    """A picture that an item's field names by its path.

    Attributes:
        path: where it lies, absolute.
        size: bytes.
        mtime_ns: when it was last changed, in nanoseconds since 1970.
        identifier: its SHA-256 in hex, which is what the service will call it.
    """

    path: str
    size: int
    mtime_ns: int
    identifier: str


@attrs.frozen(kw_only=True)
class SyncEntry:
    """What is to be done about one item.

    Attributes:
        key: the item's.
        action: what is to be done.
        sku_id: the SKU's id, where there is one.
        changes: the fields that differ: ``{field: (from, to)}``; of a create, all that the catalog states, from
            ``None``.
        reason: a sentence: why.
        line: where the catalog's file has the item.
        wanted: every field that the catalog states, by its snake_case name; images are identifiers.
        seen: the same fields as the service showed them when the plan was made; what it did not show is not there.
        pictures: the pictures behind the image fields, where those are paths.
    """

    key: str
    action: SyncAction
    sku_id: str | None = None
    changes: Mapping[str, tuple[Any, Any]] = attrs.field(factory=dict[str, tuple[Any, Any]])
    reason: str = ""
    line: int | None = None
    wanted: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    seen: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    pictures: Mapping[str, PlannedPicture] = attrs.field(factory=dict[str, PlannedPicture], repr=False)


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
        made_at: when, in ISO 8601, UTC.
        options: what `plan_sync` was told: ``prune``, ``max_delete``, ``prefer``, ``force``.
    """

    entries: Sequence[SyncEntry] = attrs.field(repr=False)
    left_alone: Sequence[str] = attrs.field(default=(), repr=False)
    service: str
    organization: str | None = None
    state: Path
    state_id: str
    revision: int
    made_at: str
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    @property
    def counts(self) -> Mapping[SyncAction, int]:
        """How many entries have which action; an action that none has counts 0."""
        return Counter(entry.action for entry in self.entries)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: nothing to send, and nothing to remember."""
        idle = {SyncAction.UNCHANGED, SyncAction.CONFLICT, SyncAction.HOLD}
        return all(entry.action in idle for entry in self.entries)

    def save(self, path: str | Path) -> None:
        """Write the plan to a file: JSON, indented. Blocking.

        Raises:
            SyncError: it cannot be written.
        """
        raise NotImplementedError

    @classmethod
    def load(cls, path: str | Path) -> "SyncPlan":
        """Read what `save` wrote. Blocking.

        Raises:
            SyncError: it cannot be read, or is no plan.
        """
        raise NotImplementedError
