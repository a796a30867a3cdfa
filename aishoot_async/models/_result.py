"""A result of a brief: a record whose fields are not documented."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from .. import jsontext
from ._raw import OfPage, raw_when_asked


@raw_when_asked
@attrs.frozen(kw_only=True, eq=False, repr=False)
class BriefResult(OfPage, Mapping[str, Any]):
    """A result as the service gave it: ``result["imageUrl"]``, ``result.get("status")``, iteration over its keys.

    Attributes:
        id: its ``id``, or ``None`` where it has none; an integer on the wire becomes its digits.
        raw: a copy of its exact JSON.
    """

    id: str | None = None
    raw: bytes = b""
    _members: dict[str, Any] | None = attrs.field(default=None, init=False)

    def _read(self) -> dict[str, Any]:
        # What came with a page was read with it; this is for one that was made of its JSON alone.
        members = self._members
        if members is None:
            members = self.extra
            _set_members(self, members)
        return members

    @property
    def extra(self) -> dict[str, Any]:
        """All of it, in a dictionary of your own: read anew, so that changing it changes nothing here."""
        return jsontext.value(self.raw) if self.raw else {}

    def __getitem__(self, key: str) -> Any:
        """Give a member by its name on the wire."""
        # Most often it has been read: one look, and no call.
        members = self._members
        return (self._read() if members is None else members)[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the members' names."""
        return iter(self._read())

    def __len__(self) -> int:
        """Count the members."""
        return len(self._read())

    def __repr__(self) -> str:
        """Show the id and the members' names, not a page of JSON."""
        return f"BriefResult(id={self.id!r}, keys={list(self._read())!r})"


_set_members: Final = BriefResult._members.__set__  # type: ignore[union-attr]  # noqa: SLF001
