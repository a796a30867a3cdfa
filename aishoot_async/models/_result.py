"""A result of a brief: a record whose fields are not documented."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from .. import jsontext
from ._asked import Heard, Reading
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
    # Copied in this order, and set in the other: another thread may turn some members into all of them meanwhile.
    _reading: Reading | None = attrs.field(default=None, init=False)
    """How ``_members`` were read; ``None`` where these are all, or none yet."""
    _members: dict[str, Any] | None = attrs.field(default=None, init=False)

    @property
    def extra(self) -> dict[str, Any]:
        """All of it, in a dictionary of your own: read anew, so that changing it changes nothing here."""
        return jsontext.value(self.raw) if self.raw else {}

    def __getitem__(self, key: str) -> Any:
        """Give a member by its name on the wire."""
        # Most often it has been read: one look, and no call.
        try:
            return self._members[key]  # type: ignore[index]
        except (KeyError, TypeError):
            pass
        reading = self._reading
        if reading is not None and key in reading.names:
            raise KeyError(key)
        return self._whole()[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the members' names."""
        return iter(self._whole())

    def __len__(self) -> int:
        """Count the members."""
        return len(self._whole())

    def __repr__(self) -> str:
        """Show the id and the members' names, not a page of JSON."""
        return f"BriefResult(id={self.id!r}, keys={list(self._whole())!r})"

    def _whole(self) -> dict[str, Any]:
        # In this order, as above.
        reading, members = self._reading, self._members
        if members is None:
            members = self.extra
        elif reading is not None:
            # What has been handed out stays the same object.
            members = Heard({**self.extra, **members}, reading.asked)
        else:
            return members
        _set_members(self, members)
        _set_reading(self, None)
        return members


_set_members: Final = BriefResult._members.__set__  # type: ignore[union-attr]  # noqa: SLF001
_set_reading: Final = BriefResult._reading.__set__  # type: ignore[union-attr]  # noqa: SLF001
