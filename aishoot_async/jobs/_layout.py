"""Pure but for `claims`: the names that jobs give at a destination and in its state folder.

At the destination, partitioned as Hive has it::

    brief_id=1/part-00000.jsonl     the parts of a unit; those of the unit ``skus`` lie at the top
    _manifest.ndjson                a line for each unit that is published
    _SUCCESS                        there only while all is whole; each shard has its own (``_SUCCESS-1-of-4``)

Beside it (``.aishoot``; of an object store, on the machine that runs the job)::

    job.json  lock                  whose destination it is
    1-of-1/journal.sqlite  lock     of a shard
    1-of-1/staging/brief_id=1/part-00000.staged
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from ..errors import RequestValidationError
from ..storage import names_below
from ..storage.destinations import is_store_url
from ..validation import check_brief_id

SKUS: Final = "skus"
"""The unit of a job over SKUs."""
MANIFEST: Final = "_manifest"
SUCCESS: Final = "_SUCCESS"
STAGING: Final = "staging"
_JOB_FILE: Final = re.compile(rf"(brief_id=-?\d+|part-\d{{5,}}\..+|{MANIFEST}.*\.(ndjson|jsonl)|{SUCCESS}.*)")
# Without regard to case: on many disks there is none.
_CLAIMED: Final = re.compile(rf"brief_id=.*|part-.*|{MANIFEST}.*|{SUCCESS}.*|\.aishoot", re.IGNORECASE | re.DOTALL)
# An underscore first: whoever reads the prefix as a dataset leaves it out.
_STORE_STAGING: Final = "_staging"
_STAGED_OBJECT: Final = re.compile(rf"{_STORE_STAGING}/[^/]+/([0-9a-f]{{32}})/part-\d{{5,}}\.staged")
_MAX_ID: Final = 2**63
"""What a column of Parquet's, and those who read a folder's name as one, can hold."""


@attrs.frozen
class Shard:
    """One of ``count`` shards, from 1."""

    number: int = 1
    count: int = 1

    @property
    def name(self) -> str:
        """Its folder in the state folder."""
        return f"{self.number}-of-{self.count}"

    @property
    def _suffix(self) -> str:
        return "" if self.count == 1 else f"-{self.name}"

    @property
    def manifest(self) -> str:
        """Its manifest. It ends as no part does, so that a pattern for parts does not match it."""
        return f"{MANIFEST}{self._suffix}.ndjson"

    @property
    def earlier_manifest(self) -> str:
        """The manifest's name in earlier releases."""
        return f"{MANIFEST}{self._suffix}.jsonl"

    @property
    def success_file(self) -> str:
        """Its success file."""
        return f"{SUCCESS}{self._suffix}"


UNSHARDED: Final = Shard()


def parse_shard(shard: object, *, is_single: bool) -> Shard:
    """Check a shard, ``(number from 1, count)``.

    Raises:
        RequestValidationError: it is none, or the destination is one file.
    """
    if shard is None:
        return UNSHARDED
    match shard:
        case (int(number), int(count)) if 1 <= number <= count and not isinstance(number, bool):
            if count > 1 and is_single:
                raise RequestValidationError("one file cannot be written in shards; name a folder", field="shard")
            return Shard(number, count)
        case _:
            raise RequestValidationError(f"shard must be (number from 1, count), not {shard!r}", field="shard")


def unit_names(briefs: Sequence[object]) -> tuple[str, ...]:
    """Return the units of some briefs: each once, in the order of their ids.

    Raises:
        RequestValidationError: there is none, or one is no integer of 64 bits.
    """
    ids: set[int] = set()
    for brief in briefs:
        brief_id = check_brief_id(brief)
        if not -_MAX_ID <= brief_id < _MAX_ID:
            raise RequestValidationError("brief_id must be an integer of at most 64 bits", field="brief_id")
        ids.add(brief_id)
    if not ids:
        raise RequestValidationError("no brief is named", field="briefs")
    return tuple(f"brief_id={brief}" for brief in sorted(ids))


def brief_of(unit: str) -> int | None:
    """Return the id of a unit's brief; ``None`` for the unit of the SKUs."""
    _, _, number = unit.partition("=")
    return int(number) if number else None


def unit_folder(unit: str) -> str:
    """Return the folder of a unit's parts; empty where they lie at the top."""
    return "" if unit == SKUS else unit


def part_name(unit: str, number: int, suffix: str) -> str:
    """Return the name of a part in a folder or a store."""
    return "/".join(filter(None, (unit_folder(unit), f"part-{number:05}.{suffix}")))


def part_pattern(unit: str, suffix: str) -> re.Pattern[str]:
    """Return what matches the names of a unit's parts, and no others."""
    folder = unit_folder(unit)
    return re.compile((re.escape(folder) + "/" if folder else "") + r"part-\d{5,}\." + re.escape(suffix))


def staged_part(folder: Path, number: int) -> Path:
    """Return the path of a staged part."""
    # No format's own ending: whoever reads the folder by a pattern must not find it.
    return folder / f"part-{number:05}.staged"


def store_staging(shard: Shard) -> str:
    """Return the folder of what other machines stage in an object store itself."""
    return f"{_STORE_STAGING}/{shard.name}"


def staged_object(shard: str, attempt: str, number: int) -> str:
    """Return the name of a part that is staged in the store itself, by an attempt on another machine."""
    return f"{_STORE_STAGING}/{shard}/{attempt}/part-{number:05}.staged"


def attempt_of(staged: str) -> str | None:
    """Return the attempt that has staged an object; ``None`` if it is no staged part."""
    found = _STAGED_OBJECT.fullmatch(staged)
    return None if found is None else found[1]


def is_job_file(name: str) -> bool:
    """Return whether jobs give such names at the top of a destination."""
    return _JOB_FILE.fullmatch(name) is not None


def claims(destination: str, path: Path) -> str | None:
    """Say what a path is to a job with a destination: "is the destination", say; ``None`` for nothing. Blocking."""
    if is_store_url(destination):
        return None
    to = Path(destination)
    if to.is_symlink():
        to = to.resolve()
    inside = names_below(path, to)
    if inside == ():
        return "is the destination"
    if inside is not None and _CLAIMED.fullmatch(inside[0]):
        return "is a name that the export gives in its folder"
    if to.name and names_below(path, to.with_name(f".{to.name}.aishoot")) is not None:
        return "is where the export keeps its journal"
    if not os.path.isdir(path) and names_below(to, path) is not None:  # noqa: PTH112  # it refuses no name
        return "would have to be a folder"
    return None
