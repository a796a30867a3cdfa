"""What the state remembers, and the life of an operation.

    event       from     to        when it is written                        what is known then
    --------------------------------------------------------------------------------------------------------------
    intend      -        open      before the request is sent, and on the    it may be sent from now on; after a crash
                                   disk before that                          it counts as sent, its outcome as unknown
    done        open     done      once the service has answered that it     what the service has, together with the
                                   did it, or the SKU was found by looking   item's own row, in one transaction
    failed      open     failed    once it is known that nothing happened:   nothing has changed
                                   refused, or never sent
    absent      open     absent    once two listings, far enough apart,      nothing has happened; it may be intended
                                   have not had the SKU of a create          anew, as another operation

An operation whose answer was lost stays open. An open create is looked for in listings, and never sent again before it
is absent. An open update or delete may be repeated: that does no harm.

A SKU can only have come of a create if no listing had it before the create was intended. So each listing that is seen
whole has a number, each SKU the number of the listing that had it first, and each operation the number of the last
listing before it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from ._fields import Fields

Kind = Literal["create", "update", "delete"]
End = Literal["done", "failed", "absent"]


@attrs.frozen(kw_only=True)
class TrackedSku:
    """An item that has a SKU: created or adopted by this state.

    Attributes:
        key: the item's.
        sku_id: the SKU's.
        applied: every field that the catalog has stated, as last applied.
        row: what the service showed of it when it was read back; ``None`` where it was not. Nothing at all, where the
            remote was preferred for the deletion of its SKU.
        settled: fields that the remote was preferred for: ``applied`` does not say what was sent.
        at: when the last operation on it ended, in Unix seconds.
    """

    key: str
    sku_id: str
    applied: Fields
    row: Fields | None = None
    settled: frozenset[str] = frozenset()
    at: float = 0.0

    @property
    def is_gone(self) -> bool:
        """Whether its SKU was deleted at the service, and the remote was preferred for that."""
        return self.row is not None and not self.row

    @property
    def sent(self) -> Mapping[str, Any]:
        """What is known to have been sent."""
        return {field: value for field, value in self.applied.items() if field not in self.settled}


@attrs.frozen(kw_only=True)
class Operation:
    """An operation that was begun, and of which no outcome is known.

    Attributes:
        number: its own.
        kind: what it does.
        key: the item's.
        sku_id: the SKU's; ``None`` of a create.
        wanted: the fields that were sent; of an update, those that it changes.
        listing: the number of the last listing before it.
        tries: how many creates for this item came to nothing before it.
    """

    number: int
    kind: Kind
    key: str
    sku_id: str | None
    wanted: Fields
    listing: int
    tries: int = 0
