"""A result of a brief: a record whose fields are not documented."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from .. import jsontext
from ._raw import LazyRaw, lazy_raw
from ._spec import ModelSpec, id_text, setters


@lazy_raw
@attrs.frozen(kw_only=True, eq=False, repr=False)
class BriefResult(Mapping[str, Any]):
    """A result as the service gave it: ``result["imageUrl"]``, ``result.get("status")``, iteration over its keys.

    Of a listing with ``fields=`` it has these members alone; ``raw`` and ``extra`` still hold everything.

    Attributes:
        id: its ``id``, or ``None`` where it has none; an integer on the wire becomes its digits.
        raw: a copy of its exact JSON.
    """

    id: str | None = None
    raw: bytes = b""
    _members: dict[str, Any] | None = attrs.field(default=None, init=False)
    """Those that were decoded; ``None`` where none have been yet."""

    @property
    def extra(self) -> dict[str, Any]:
        """All of it, in a dictionary of your own: read anew, so that changing it changes nothing here."""
        return jsontext.value(self.raw) if self.raw else {}

    def __getitem__(self, key: str) -> Any:
        """Give a member by its name on the wire."""
        # Most often it has been decoded: one look, and no call.
        if self._members is not None:
            return self._members[key]
        return self._decoded()[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the members' names."""
        return iter(self._decoded())

    def __len__(self) -> int:
        """Count the members."""
        return len(self._decoded())

    def __repr__(self) -> str:
        """Show the id and the members' names, not a page of JSON."""
        return f"BriefResult(id={self.id!r}, keys={list(self._decoded())!r})"

    def _decoded(self) -> dict[str, Any]:
        if self._members is None:
            _set["_members"](self, self.extra)
        return cast("dict[str, Any]", self._members)


_set: Final = setters(BriefResult)
_set_id, _set_raw, _set_members = _set["id"], _set["raw"], _set["_members"]
_new: Final = BriefResult.__new__


def _make(members: dict[str, Any], raw: LazyRaw) -> BriefResult:
    result = _new(BriefResult)
    found = members.get("id")
    _set_id(result, found if type(found) is str else id_text(found))
    _set_raw(result, raw)
    _set_members(result, members)
    return result


BRIEF_RESULT: Final = ModelSpec(model=BriefResult, name="result", wire=None, make=_make, requires_id=False)
