"""Pure: what keeps a sync from deleting too much."""

import re
from collections.abc import Collection
from fractions import Fraction

from ..errors import ConfigurationError, SyncError

MaxDelete = int | Fraction | None


def parse_max_delete(value: object) -> MaxDelete:
    """Read ``max_delete``: a number of SKUs, or a share such as ``"10%"``.

    Raises:
        ConfigurationError: it is neither.
    """
    match value:
        case None:
            return None
        case bool():
            pass
        case int() if value >= 0:
            return value
        case str():
            number = re.fullmatch(r"\s*(\d{1,9})\s*", value, re.ASCII)
            share = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*%\s*", value, re.ASCII)
            if number is not None:
                return int(number[1])
            if share is not None and Fraction(share[1]) <= 100:  # noqa: PLR2004
                return Fraction(share[1]) / 100
        case _:
            pass
    msg = f'max_delete must be a number of SKUs from 0, or a share such as "10%", not {value!r}'
    raise ConfigurationError(msg)


def check_catalog(keys: Collection[str], owned: Collection[str]) -> None:
    """See that a catalog that is to be pruned by has not been cut short.

    Raises:
        SyncError: it is empty, or has less than half of the keys that the state owns.
    """
    if not keys:
        raise SyncError("the catalog is empty; nothing is deleted for that. If it is meant to be, use force")
    kept = sum(key in keys for key in owned)
    if 2 * kept < len(owned):
        raise SyncError(
            f"the catalog has only {kept} of the {len(owned)} keys that the state owns; nothing is deleted for that. "
            f"If its keys were changed, plan without prune, and decide which SKUs are theirs; if it is meant to have "
            f"so few, use force"
        )


def check_deletions(count: int, owned: int, most: MaxDelete) -> None:
    """See that no more is deleted than was allowed.

    Raises:
        SyncError: it is more.
    """
    allowed = max(1, owned // 10) if most is None else int(most * owned) if isinstance(most, Fraction) else most
    if count > allowed:
        raise SyncError(
            f"{count} of the {owned} SKUs that the state owns would be deleted, and {allowed} may be; nothing was "
            f"planned. If that is meant, allow it with max_delete"
        )
