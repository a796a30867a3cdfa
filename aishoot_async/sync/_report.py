"""What an apply came to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import attrs


class OutcomeKind(StrEnum):
    """What became of an item."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ADOPTED = "adopted"
    DELETED = "deleted"
    RELEASED = "released"  # the SKU stays as it is, and the state does not know it any more
    CONFLICT = "conflict"  # both sides have changed; nothing was sent
    FAILED = "failed"  # refused, or not sent; the next run tries again
    UNKNOWN = "unknown"  # it may or may not have happened; the next run looks again, and never sends blindly


_UNSETTLED: Final = frozenset({OutcomeKind.CONFLICT, OutcomeKind.FAILED, OutcomeKind.UNKNOWN})


@attrs.frozen(kw_only=True)
class SyncOutcome:
    """What became of an item.

    Attributes:
        key: the item's.
        outcome: what became of it.
        sku_id: the SKU's id, once there is one.
        error: why it failed, is a conflict, or is unknown: a sentence.
        line: where the catalog's file has the item.
        found_by_looking: whether the answer to its create was lost, and the SKU was found in the listing.
    """

    key: str
    outcome: OutcomeKind
    sku_id: str | None = None
    error: str | None = None
    line: int | None = None
    found_by_looking: bool = False

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain values, for a line of JSON."""
        return {**attrs.asdict(self), "outcome": str(self.outcome)}


@attrs.frozen(kw_only=True)
class SyncReport:
    """What an apply came to.

    Attributes:
        outcomes: each item's, in the order of the plan.
    """

    outcomes: Sequence[SyncOutcome] = attrs.field(repr=lambda outcomes: f"<{len(outcomes)}>")

    @property
    def counts(self) -> Mapping[OutcomeKind, int]:
        """How many items came to what; what nothing came to counts 0."""
        return Counter(outcome.outcome for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether the service has all that the plan wanted: no conflict, no failure, nothing unknown."""
        return not self.unsettled

    @property
    def unsettled(self) -> Sequence[SyncOutcome]:
        """The conflicts, the failures and what is unknown."""
        return [outcome for outcome in self.outcomes if outcome.outcome in _UNSETTLED]
