"""A plan: what a sync would do, as values that a person can read and a program can apply later."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from ..disk import replacing
from ..errors import SyncError
from ._fields import IMAGES, stated
from ._item import CatalogItem
from ._pictures import is_path

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
            says = stated(item.sku)
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
        write_plan(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "SyncPlan":
        """Read what `save` wrote. Blocking.

        Raises:
            SyncError: it cannot be read, or is no plan.
        """
        return read_plan(Path(path))


IDLE: Final = frozenset({SyncAction.UNCHANGED, SyncAction.CONFLICT, SyncAction.HOLD})
"""Actions for which nothing is sent."""
_FORMAT: Final = "aishoot_async sync plan"
_VERSION: Final = 1


def _is_picture(value: object) -> bool:
    return isinstance(value, str) and is_path(value)


def write_plan(plan: SyncPlan, path: Path) -> None:
    """Write a plan to a file.

    Raises:
        SyncError: it cannot be written.
    """
    plain = {
        "format": _FORMAT,
        "version": _VERSION,
        "made_at": plan.made_at,
        "service": plan.service,
        "organization": plan.organization,
        "state": {
            "path": str(plan.state),
            "id": plan.state_id,
            "revision": plan.revision,
            "listing": plan.listing,
        },
        "options": dict(plan.options),
        "counts": {str(action): count for action, count in plan.counts.items()},
        "left_alone": list(plan.left_alone),
        "entries": [_entry_to_plain(entry) for entry in plan.entries],
    }
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        problem = f"the plan cannot be written to {path}: {error.strerror or error}"
    else:
        return
    raise SyncError(problem)


def _entry_to_plain(entry: SyncEntry) -> dict[str, Any]:
    # What is empty is left out: most entries of most plans are unchanged ones.
    plain: dict[str, Any] = {"key": entry.key, "action": str(entry.action)}
    optional = {
        "sku_id": entry.sku_id,
        "line": entry.line,
        "reason": entry.reason,
        "changes": {field: {"from": old, "to": new} for field, (old, new) in entry.changes.items()},
        "wanted": dict(entry.wanted),
        "seen": dict(entry.seen),
        "left": list(entry.left),
        "settled": list(entry.settled),
        "pictures": {field: attrs.asdict(picture) for field, picture in entry.pictures.items()},
        "renamed_from": entry.renamed_from,
        "candidates": list(entry.candidates),
    }
    return plain | {name: value for name, value in optional.items() if value not in (None, "", {}, [])}


def read_plan(path: Path) -> SyncPlan:
    """Read a plan from a file.

    Raises:
        SyncError: it cannot be read, or is no plan.
    """
    try:
        plain = json.loads(path.read_bytes())
        state = {_FORMAT: plain["state"]}[plain["format"]]
        return {_VERSION: SyncPlan}[plain["version"]](
            entries=tuple(_entry_from_plain(entry) for entry in plain["entries"]),
            left_alone=tuple(_text(key) for key in plain["left_alone"]),
            service=_text(plain["service"]),
            organization=None if plain["organization"] is None else _text(plain["organization"]),
            state=Path(_text(state["path"])),
            state_id=_text(state["id"]),
            revision=int(state["revision"]),
            listing=int(state["listing"]),
            made_at=_text(plain["made_at"]),
            options=dict(plain["options"]),
        )
    except OSError as error:
        problem = f"the plan {path} cannot be read: {error.strerror or error}"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = f"{path} is no plan of a sync ({type(error).__name__}: {error})"
    raise SyncError(problem)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is expected, not {value!r}")
    return value


def _entry_from_plain(plain: dict[str, Any]) -> SyncEntry:
    return SyncEntry(
        key=_text(plain["key"]),
        action=SyncAction(plain["action"]),
        sku_id=None if plain.get("sku_id") is None else _text(plain["sku_id"]),
        line=plain.get("line"),
        reason=plain.get("reason", ""),
        changes={field: (change["from"], change["to"]) for field, change in plain.get("changes", {}).items()},
        wanted=dict(plain.get("wanted", {})),
        seen=dict(plain.get("seen", {})),
        left=plain.get("left", ()),
        settled=plain.get("settled", ()),
        pictures={field: PlannedPicture(**picture) for field, picture in plain.get("pictures", {}).items()},
        renamed_from=None if plain.get("renamed_from") is None else _text(plain["renamed_from"]),
        candidates=plain.get("candidates", ()),
    )
