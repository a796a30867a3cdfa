"""A result of a brief: a record whose fields are not documented."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from .. import jsontext


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BriefResult(Mapping[str, Any]):
    """A result as the service gave it: ``result["imageUrl"]``, ``result.get("status")``, iteration over its keys.

    Attributes:
        id: its ``id``, or ``None`` where it has none; an integer on the wire becomes its digits.
        raw: a copy of its exact JSON.
    """

    id: str | None = None
    raw: bytes = b""
    _members: dict[str, Any] | None = attrs.field(default=None, init=False)

    def _read(self) -> dict[str, Any]:
        if self._members is None:
            # Read on first touch: a walk that only counts or copies never pays for it.
            object.__setattr__(self, "_members", jsontext.value(self.raw) if self.raw else {})
        return self._members or {}

    @property
    def extra(self) -> dict[str, Any]:
        """All of it, in a dictionary of your own: read anew, so that changing it changes nothing here."""
        return jsontext.value(self.raw) if self.raw else {}

    def __getitem__(self, key: str) -> Any:
        """Give a member by its name on the wire."""
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the members' names."""
        return iter(self._read())

    def __len__(self) -> int:
        """Count the members."""
        return len(self._read())

    def __repr__(self) -> str:
        """Show the id and the members' names, not a page of JSON."""
        return f"BriefResult(id={self.id!r}, keys={list(self._read())!r})"
