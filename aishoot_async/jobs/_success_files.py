"""What stands beside the parts: the manifest, and the success file that says that all is there. Blocking.

Each shard has its own (``_SUCCESS-1-of-4``); ``_SUCCESS`` stands there while all of them do.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Final

from ..errors import JobError
from ..storage.destinations import Destination
from ._layout import SUCCESS, Shard
from ._publishing import PartNamer
from ._units import PartSet, Unit

logger: Final = logging.getLogger("aishoot_async.jobs")
_MANIFEST_FIELDS: Final = frozenset(("complete", "rows", "pages", "sweeps", "begun", "ended", "parts"))
"""What every row of a manifest has, in earlier releases too."""


def remove_success_file(destination: Destination, shard: Shard) -> None:
    """Remove the success files: something is not whole."""
    destination.remove(shard.success_file)
    if shard.success_file != SUCCESS:
        # Behind the shard's own: another shard looks at that once more after it has written this one.
        destination.remove(SUCCESS)


def publish_success_file(destination: Destination, shard: Shard) -> None:
    """Say that all is there: of this shard; and, if the others have said so too, of the whole."""
    if destination.size(shard.success_file) is None:
        destination.write(shard.success_file, b"")
    if shard.count > 1 and _are_all_there(destination, shard):
        try:
            destination.write(SUCCESS, b"")
        except JobError:
            # Unless another shard that has begun again was quicker to remove it.
            if _are_all_there(destination, shard):
                raise
        if not _are_all_there(destination, shard):
            destination.remove(SUCCESS)


def _are_all_there(destination: Destination, shard: Shard) -> bool:
    names = (Shard(number, shard.count).success_file for number in range(1, shard.count + 1))
    return all(destination.size(name) is not None for name in names)


def encode_manifest(units: Iterable[Unit], part_name: PartNamer) -> bytes:
    """Return the manifest: a line for each unit that is published."""
    rows = [
        _row(unit, unit.published, part_name)
        for unit in sorted(units, key=lambda unit: unit.name)
        if unit.published is not None
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def remove_earlier_manifest(destination: Destination, shard: Shard, digest: str | None) -> None:
    """Remove the manifest that an earlier release wrote, and nothing else that has its name.

    Args:
        destination: where it stands.
        shard: the shard of the manifest.
        digest: the SHA-256 of what the earlier release wrote, as far as its journal tells.
    """
    if destination.is_single:
        return
    content = destination.read(shard.earlier_manifest)
    if content is None or not (hashlib.sha256(content).hexdigest() == digest or _is_manifest(content)):
        return
    try:
        destination.remove(shard.earlier_manifest)
    except JobError as error:
        logger.warning("the manifest of an earlier release is left: %s", error)


def _is_manifest(content: bytes) -> bool:
    try:
        rows = [json.loads(line) for line in content.splitlines()]
    except (ValueError, RecursionError):
        return False
    return bool(rows) and all(isinstance(row, dict) and row.keys() >= _MANIFEST_FIELDS for row in rows)


def _row(unit: Unit, published: PartSet, part_name: PartNamer) -> dict[str, object]:
    name, _, number = unit.name.partition("=")
    return {
        name: int(number) if number else True,
        "complete": not unit.is_incomplete,
        "rows": published.rows,
        "pages": published.pages,
        "first_total": published.point.first_total,
        "last_total": published.point.last_total,
        "sweeps": published.sweeps,
        "begun": published.begun,
        "ended": published.ended,
        "parts": [
            {
                "name": part_name(unit.name, part.number),
                "rows": part.rows,
                "pages": part.pages,
                "bytes": part.size,
                "sha256": part.sha256,
            }
            for part in published.parts
        ],
    }
