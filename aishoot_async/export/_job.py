"""Pure: what makes a job the job that it is."""

import hashlib
import json
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import attrs
from yarl import URL

from ..config import canonical_url, is_loopback
from ..errors import RequestValidationError
from ..validation import check_brief_id
from ._columns import ColumnWatch
from ._formats import Format
from ._journal import VERSION
from ._marks import WHOLE, Shard
from ._places import Place

LOOPBACK: Final = "this machine"
_MOST: Final = 2**63
"""What a column of Parquet's, and those who read a folder's name as one, can hold."""


@attrs.frozen(kw_only=True)
class Job:
    """An export, checked.

    Attributes:
        kind: ``results`` or ``skus``.
        service: the base URL; a server on this machine is the same one whatever its port.
        filters: what the listing was asked for besides.
        format, columns: of the parts.
        place: the destination.
        units: all of the job's, whatever the shard.
        shard: which of them are this run's.
        refresh, restart, strict: as the user has it.
        watch: looks for the columns in what is read.
    """

    kind: str
    service: str
    filters: dict[str, str]
    format: Format
    columns: tuple[str, ...]
    place: Place
    units: tuple[str, ...]
    shard: Shard = WHOLE
    refresh: bool = False
    restart: bool = False
    strict: bool = False
    watch: ColumnWatch = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(lambda job: ColumnWatch(job.columns), takes_self=True)
    )

    @property
    def identity(self) -> str:
        """What another run must agree on to go on with this one; the units come beside it."""
        return json.dumps(
            {
                "version": VERSION,
                "kind": self.kind,
                "service": self.service,
                "filters": self.filters,
                "format": self.format.name,
                "columns": list(self.columns),
                "shards": self.shard.count,
            },
            sort_keys=True,
        )

    @property
    def units_hash(self) -> str:
        """A hash of all units."""
        return hashlib.sha256("\n".join(self.units).encode()).hexdigest()

    @property
    def own_units(self) -> tuple[str, ...]:
        """The units of this shard. A brief stays in its shard when others come or go."""
        return tuple(unit for unit in self.units if crc32(unit.encode()) % self.shard.count == self.shard.number - 1)


def service_name(base_url: str) -> str:
    """Name the service that a base URL leads to."""
    url = URL(base_url)
    return LOOPBACK if url.host is not None and is_loopback(url.host) else canonical_url(base_url)


def unit_names(briefs: Sequence[object]) -> tuple[str, ...]:
    """Name the units of some briefs: each once, in the order of their ids.

    Raises:
        RequestValidationError: there is none, or one is no integer of 64 bits.
    """
    ids: set[int] = set()
    for brief in briefs:
        brief_id = check_brief_id(brief)
        if not -_MOST <= brief_id < _MOST:
            raise RequestValidationError("brief_id must be an integer of at most 64 bits", field="brief_id")
        ids.add(brief_id)
    if not ids:
        raise RequestValidationError("no brief is named", field="briefs")
    return tuple(f"brief_id={brief}" for brief in sorted(ids))


def brief_of(unit: str) -> int | None:
    """Give a unit's brief."""
    _, _, number = unit.partition("=")
    return int(number) if number else None


def parse_shard(shard: object, *, is_single: bool) -> Shard:
    """Check a shard, ``(number from 1, count)``.

    Raises:
        RequestValidationError: it is none, or the destination is one file.
    """
    if shard is None:
        return WHOLE
    match shard:
        case (int(number), int(count)) if 1 <= number <= count and not isinstance(number, bool):
            if count > 1 and is_single:
                raise RequestValidationError("one file cannot be written in shards; name a folder", field="shard")
            return Shard(number, count)
        case _:
            raise RequestValidationError(f"shard must be (number from 1, count), not {shard!r}", field="shard")
