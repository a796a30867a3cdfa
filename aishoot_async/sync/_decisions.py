"""Pure: what a person has decided of items that may have a SKU already."""

from collections.abc import Collection, Mapping
from typing import Any, Final, get_args

import attrs

from ..errors import ConfigurationError
from ._keys import clean_key, key_identity
from ._plan import Decision

Decide = Decision | Mapping[str, str] | None
_FOR_ALL: Final = get_args(Decision)


@attrs.frozen
class Decisions:
    """Answers "is it this item's SKU?" by key.

    Attributes:
        of_all: what goes for each item that nothing else is said of.
        by_key: ``"adopt"``, ``"create"``, or the id of the SKU that is the item's, by the key's identity.
    """

    of_all: str | None = None
    by_key: Mapping[str, str] = attrs.field(factory=dict[str, str])

    def of(self, key: str) -> str | None:
        """Give what was decided of an item."""
        return self.by_key.get(key_identity(key), self.of_all)


def parse_decisions(decide: Any) -> Decisions:
    """Read ``decide``.

    Raises:
        ConfigurationError: it is no decision.
    """
    if decide is None or (isinstance(decide, str) and decide in _FOR_ALL):
        return Decisions(decide)
    if isinstance(decide, Mapping):
        by_key: dict[str, str] = {}
        for key, value in decide.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str) or not isinstance(value, str) or not value:
                msg = f'decide says of a key "adopt", "create" or the id of a SKU, not {key!r}: {value!r}'
                raise ConfigurationError(msg)
            by_key[key_identity(clean_key(key))] = value
        return Decisions(None, by_key)
    msg = f'decide must be "adopt", "create", a mapping of keys, or None, not {decide!r}'
    raise ConfigurationError(msg)


def check_keys(decisions: Decisions, keys: Collection[str]) -> None:
    """See that the catalog has every key that something was decided of.

    Raises:
        ConfigurationError: it does not have one.
    """
    foreign = sorted(decisions.by_key.keys() - {key_identity(key) for key in keys})
    if foreign:
        msg = f"decide names {foreign[0]!r}, and the catalog has no such key"
        raise ConfigurationError(msg)
