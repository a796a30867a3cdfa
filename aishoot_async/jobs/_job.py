"""Pure: what makes a job the job that it is, and the options that all kinds of jobs take."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict
from zlib import crc32

import attrs
from yarl import URL

from ..config import canonical_url, is_loopback
from ..errors import RequestValidationError
from ..session import AIShootSession
from ..storage.destinations import Destination, ParsedDestination, open_destination
from ._journal import VERSION
from ._kind import JobKind
from ._layout import STAGING, UNSHARDED, Shard, parse_shard, part_name, part_pattern, unit_folder

LOOPBACK: Final = "this machine"
_PREFETCH: Final = 8
_PREFETCH_ALONE: Final = 32
_PATIENCE: Final = 1800.0


class JobOptions(TypedDict, total=False):
    """The options of all jobs.

    Attributes:
        refresh: fetch everything again, and replace the parts that have changed, at the service or by hand. A link
            is replaced itself, and what it leads to is not touched; a folder is not replaced. The briefs may be others
            than before, and what is there of those not named stays. An interrupted refresh goes on.
        restart: remove what earlier runs have written here, and begin anew.
        strict: walk each brief until two walks agree; one that never comes to that has failed. What was read
            otherwise, or cut off, is read from its beginning.
        shard: ``(number from 1, count)``: only the briefs of that shard. Each process of a folder takes another; the
            last to finish writes ``_SUCCESS``.
        patience: seconds for which an outage is ridden out; 1800 by default.
        prefetch: pages of each brief in flight or ready; ``None`` for 32, or 8 where there are several briefs.
        state: a folder for the journals of object stores; ``None`` for ``$XDG_STATE_HOME/aishoot-async``, or
            ``~/.local/state/aishoot-async``. Other destinations have theirs beside them.
        store_options: what ``obstore.store.from_url`` takes besides the URL (``config``, ``client_options``, …), where
            the environment does not say it.
    """

    refresh: bool
    restart: bool
    strict: bool
    shard: tuple[int, int] | None
    patience: float
    prefetch: int | None
    state: str | os.PathLike[str] | None
    store_options: Mapping[str, Any] | None


def check_options(options: Mapping[str, object], known: Any) -> None:
    """Refuse options that are not keys of ``known``, a TypedDict, as Python does with keyword arguments.

    Raises:
        TypeError: there is one.
    """
    names: frozenset[str] = known.__required_keys__ | known.__optional_keys__
    if unknown := [name for name in options if name not in names]:
        raise TypeError(f"got an unexpected keyword argument {unknown[0]!r}; there are {', '.join(sorted(names))}")


@attrs.frozen(kw_only=True)
class Job:
    """A job, checked.

    Attributes:
        kind: what its units do.
        service: the base URL; a server on this machine is the same one whatever its port.
        destination: where to.
        units: all of the job's, whatever the shard.
        shard: which of them are this run's.
        refresh, restart, strict: as the user has it.
        paging: options of the walks; without ``prefetch`` where the user names none.
        store_options: what object stores take, where workers of a cluster open one.
    """

    kind: JobKind
    service: str
    destination: Destination
    units: tuple[str, ...]
    shard: Shard = UNSHARDED
    refresh: bool = False
    restart: bool = False
    strict: bool = False
    paging: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    store_options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)

    @property
    def identity(self) -> str:
        """What another run must agree on to go on with this one; the units come beside it."""
        plain = {
            "version": VERSION,
            "kind": self.kind.name,
            "service": self.service,
            "format": self.kind.suffix,
            "shards": self.shard.count,
            **self.kind.identity(),
        }
        return json.dumps(plain, sort_keys=True)

    @property
    def units_hash(self) -> str:
        """A hash of all units."""
        return hashlib.sha256("\n".join(self.units).encode()).hexdigest()

    @property
    def own_units(self) -> tuple[str, ...]:
        """The units of this shard. A brief stays in its shard when others come or go."""
        return tuple(unit for unit in self.units if crc32(unit.encode()) % self.shard.count == self.shard.number - 1)

    @property
    def local_paging(self) -> Mapping[str, Any]:
        """Options of the walks on one machine."""
        return {"prefetch": _PREFETCH_ALONE if len(self.units) == 1 else _PREFETCH, **self.paging}

    @property
    def staging_dir(self) -> Path:
        """Where its parts are staged."""
        return self.destination.state_dir / self.shard.name / STAGING

    def part_name(self, unit: str, number: int) -> str:
        """Return the name of a part at the destination."""
        return self.destination.file_name or part_name(unit, number, self.kind.suffix)

    def find_parts(self, unit: str) -> Sequence[str]:
        """List the names of a unit's parts that are at the destination, whoever has written them."""
        found = self.destination.list_files(unit_folder(unit))
        if self.destination.is_single:
            return found
        pattern = part_pattern(unit, self.kind.suffix)
        return [name for name in found if pattern.fullmatch(name)]


def make_job(
    session: AIShootSession,
    kind: JobKind,
    units: Iterable[str],
    destination: ParsedDestination,
    options: Mapping[str, Any],
    *,
    is_single: bool = False,
    is_file_name: bool | None = None,
) -> Job:
    """Return a job; nothing is read or written.

    Args:
        session: says which service it is.
        kind: what its units do.
        units: their names, such as `unit_names` returns.
        destination: where to.
        options: see `JobOptions`; others are for the kind.
        is_single: the destination is one file.
        is_file_name: see `open_destination`.

    Raises:
        ConfigurationError: a package is missing, or the destination cannot work.
        RequestValidationError: an option cannot be right.
    """
    units = tuple(units)
    refresh, restart, strict = (bool(options.get(name)) for name in ("refresh", "restart", "strict"))
    if refresh and restart:
        raise RequestValidationError(
            "refresh keeps what has not changed, restart keeps nothing: choose", field="restart"
        )
    if is_single and len(units) > 1:
        raise RequestValidationError(
            f"one file holds one brief, and {len(units)} are named; name a folder, where each has its own",
            field="briefs",
        )
    store_options = options.get("store_options")
    # What a walk sees of a change is said by the report.
    paging: dict[str, Any] = {
        "patience": options.get("patience", _PATIENCE),
        "on_drift": "ignore",
    }
    paging |= {name: options[name] for name in ("prefetch", "strict") if options.get(name)}
    return Job(
        kind=kind,
        service=service_name(session.base_url),
        destination=open_destination(
            destination,
            is_single=is_single,
            is_file_name=is_file_name,
            state=options.get("state"),
            store_options=store_options,
            error=kind.error,
            jobs=f"{kind.noun}s",
        ),
        units=units,
        shard=parse_shard(options.get("shard"), is_single=is_single),
        refresh=refresh,
        restart=restart,
        strict=strict,
        paging=paging,
        store_options=store_options or {},
    )


def service_name(base_url: str) -> str:
    """Return the name of the service that a base URL leads to."""
    url = URL(base_url)
    return LOOPBACK if url.host is not None and is_loopback(url.host) else canonical_url(base_url)
