"""What stands beside the parts: the manifest, and the mark that says that all is there. Blocking.

Each shard has its own (``_SUCCESS-1-of-4``); ``_SUCCESS`` stands there while all of them do.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ..errors import ExportError
from ._life import State, Unit
from ._places import MANIFEST, SUCCESS, Place


@attrs.frozen
class Shard:
    """One of ``count`` shards, from 1."""

    number: int = 1
    count: int = 1

    @property
    def name(self) -> str:
        """As files are called."""
        return f"{self.number}-of-{self.count}"

    @property
    def suffix(self) -> str:
        """As files end whose other shards have one like it."""
        return "" if self.count == 1 else f"-{self.name}"

    @property
    def manifest(self) -> str:
        """The manifest of this shard. It ends as no part does, so that a pattern for parts does not match it."""
        return f"{MANIFEST}{self.suffix}.ndjson"

    @property
    def earlier_manifest(self) -> str:
        """The manifest's name in earlier releases."""
        return f"{MANIFEST}{self.suffix}.jsonl"

    @property
    def mark(self) -> str:
        """The mark of this shard."""
        return f"{SUCCESS}{self.suffix}"


logger: Final = logging.getLogger("aishoot_async.export")
_MANIFEST_FIELDS: Final = frozenset(("complete", "rows", "pages", "sweeps", "begun", "ended", "parts"))
"""What every row of a manifest has, in earlier releases too."""

WHOLE: Final = Shard()
"""No shards."""


def lower(place: Place, shard: Shard) -> None:
    """Take the marks away: something is not whole."""
    place.remove(shard.mark)
    if shard.mark != SUCCESS:
        # Behind the shard's own: `raise_` of another shard looks at that once more after it has written this one.
        place.remove(SUCCESS)


def raise_(place: Place, shard: Shard) -> None:
    """Say that all is there: of this shard; and, if the others have said so too, of the whole."""
    if place.size(shard.mark) is None:
        place.write(shard.mark, b"")
    if shard.count > 1 and _all_stand(place, shard):
        try:
            place.write(SUCCESS, b"")
        except ExportError:
            # Unless another shard that has begun again was quicker to take it away.
            if _all_stand(place, shard):
                raise
        if not _all_stand(place, shard):
            place.remove(SUCCESS)


def _all_stand(place: Place, shard: Shard) -> bool:
    marks = (Shard(number, shard.count).mark for number in range(1, shard.count + 1))
    return all(place.size(mark) is not None for mark in marks)


def manifest(place: Place, units: Mapping[str, Unit]) -> bytes:
    """Make the manifest: a line for each brief that is published."""
    rows = [_row(place, unit) for _, unit in sorted(units.items()) if unit.published is not None]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def remove_earlier_manifest(place: Place, shard: Shard, digest: str | None) -> None:
    """Remove the manifest that an earlier release wrote, and nothing else that has its name.

    Args:
        place: the destination.
        shard: the shard of the manifest.
        digest: the SHA-256 of what the earlier release wrote, as far as its journal tells.
    """
    if place.is_single:
        return
    content = place.read(shard.earlier_manifest)
    if content is None or not (hashlib.sha256(content).hexdigest() == digest or _is_manifest(content)):
        return
    try:
        place.remove(shard.earlier_manifest)
    except ExportError as error:
        logger.warning("the manifest of an earlier release is left: %s", error)


def _is_manifest(content: bytes) -> bool:
    try:
        rows = [json.loads(line) for line in content.splitlines()]
    except (ValueError, RecursionError):
        return False
    return bool(rows) and all(isinstance(row, dict) and row.keys() >= _MANIFEST_FIELDS for row in rows)


def incomplete(units: Mapping[str, Unit]) -> Sequence[str]:
    """Name what the manifest calls incomplete, or what stands there by half: no mark may stand beside it."""
    return [name for name, unit in sorted(units.items()) if _is_incomplete(unit)]


def _is_incomplete(unit: Unit) -> bool:
    # What waits to be published may be half there, of one walk and another.
    return unit.state is State.PUBLISHING or (unit.published is not None and not unit.published.complete)


def _row(place: Place, unit: Unit) -> dict[str, object]:
    content = unit.published
    if content is None:
        raise AssertionError("nothing is published")
    name, _, number = unit.name.partition("=")
    return {
        name: int(number) if number else True,
        "complete": not _is_incomplete(unit),
        "rows": content.rows,
        "pages": content.pages,
        "first_total": content.point.first_total,
        "last_total": content.point.last_total,
        "sweeps": content.sweeps,
        "begun": content.begun,
        "ended": content.ended,
        "parts": [
            {
                "name": place.part_name(unit.name, part.number),
                "rows": part.rows,
                "pages": part.pages,
                "bytes": part.size,
                "sha256": part.sha256,
            }
            for part in content.parts
        ],
    }
