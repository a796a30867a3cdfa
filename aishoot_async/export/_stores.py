"""Object stores: parts are uploaded whole, by obstore, which is an extra. Blocking."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigurationError, ExportError
from ._formats import Format
from ._life import Part
from ._places import SKUS, is_ours, part_name, part_pattern

_URL: Final = re.compile(r"(s3|s3a|gs|gcs|az|azure|abfs|abfss)://([^/]+)(?:/(.*))?")
# An underscore first: whoever reads the prefix as a dataset leaves it out.
_STAGING: Final = "_staging"
_STAGED: Final = re.compile(rf"{_STAGING}/[^/]+/([0-9a-f]{{32}})/part-\d{{5,}}\.staged")


def staged_object(shard: str, attempt: str, number: int) -> str:
    """Name a part that is staged in the store itself, by an attempt on another machine."""
    return f"{_STAGING}/{shard}/{attempt}/part-{number:05}.staged"


def is_store(destination: str) -> bool:
    """Whether a destination is an object store's URL."""
    return _URL.fullmatch(destination) is not None


class Store:
    """A prefix of an object store, or one object there. Its journal lies on the machine that runs the job."""

    def __init__(
        self, url: str, wanted: Format, *, is_single: bool, state: Path, options: Mapping[str, Any] | None
    ) -> None:
        """Connect to nothing.

        Raises:
            ConfigurationError: obstore is not installed, or does not take the options.
        """
        if find_spec("obstore") is None:
            raise ConfigurationError("object stores need obstore: pip install 'aishoot-async[cloud]'")
        store: Any = import_module("obstore.store")
        self.title = url
        self.is_single = is_single
        self.home = state / "exports" / hashlib.sha256(url.encode()).hexdigest()[:32]
        self._format = wanted
        base, _, self._name = url.rpartition("/") if is_single else (url.rstrip("/"), "", "")
        try:
            self._store: Any = store.from_url(base, **dict[str, Any](options or {}))
        except BaseException as error:
            # A panic of its Rust is an Exception of no kind.
            if isinstance(error, Exception) is (type(error).__name__ == "PanicException"):
                raise
            problem = _said(error)
        else:
            return
        raise ConfigurationError(f"{url} cannot be used: {problem}")

    def _try(self, operation: str, *arguments: Any, **options: Any) -> Any:
        try:
            return getattr(import_module("obstore"), operation)(self._store, *arguments, **options)
        except FileNotFoundError:
            return None
        except (_store_error(), OSError) as error:
            problem = _said(error)
        raise ExportError(f"cannot {operation} at {self.title}: {problem}")

    def prepare(self) -> None:
        """Make the home; the store shows itself when it is asked."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)

    def foreign(self) -> str | None:
        """See `Place.foreign`."""
        if self.is_single:
            return self.title if self.size(self._name) is not None else None
        return next((found for found in self._listed("") if is_ours(found.split("/", 1)[0])), None)

    def _listed(self, prefix: str) -> dict[str, int]:
        listing = self._try("list", prefix=prefix or None)
        found: dict[str, int] = {}
        try:
            for chunk in listing or ():
                found |= {entry["path"]: int(entry["size"]) for entry in chunk}
        except (_store_error(), OSError) as error:
            problem = _said(error)
        else:
            return found
        raise ExportError(f"cannot list {self.title}: {problem}")

    def size(self, name: str) -> int | None:
        """See `Place.size`."""
        found = self._try("head", name)
        return None if found is None else int(found["size"])

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        """See `Place.sizes`."""
        if not self.is_single:
            return self._listed("")
        return {name: size for name in names if (size := self.size(name)) is not None}

    def holds(self, name: str, part: Part) -> bool:
        """See `Place.holds`."""
        return self.size(name) == part.size

    def names(self, unit: str) -> Sequence[str]:
        """See `Place.names`."""
        if self.is_single:
            return [self._name] if self.size(self._name) is not None else []
        pattern = part_pattern(unit, self._format)
        return sorted(name for name in self._listed("" if unit == SKUS else unit) if pattern.fullmatch(name))

    def part_name(self, unit: str, number: int) -> str:
        """See `Place.part_name`."""
        return self._name if self.is_single else part_name(unit, number, self._format)

    def publish(self, staged: Path, name: str) -> None:
        """See `Place.publish`."""
        self._try("put", name, staged)
        staged.unlink()

    def rename(self, name: str, new_name: str) -> None:
        """Give an object another name, in place of what had it."""
        self._try("copy", name, new_name)
        self._try("delete", name)

    def staged(self, shard: str) -> dict[str, str]:
        """Name the objects that are staged for a shard, and the attempt of each; see `staged_object`."""
        matches = map(_STAGED.fullmatch, self._listed(f"{_STAGING}/{shard}"))
        return {found[0]: found[1] for found in matches if found is not None}

    def write(self, name: str, content: bytes) -> None:
        """See `Place.write`."""
        if not self.is_single:
            self._try("put", name, content)

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        if not self.is_single or name == self._name:
            self._try("delete", name)


class StagedObjects:
    """Parts that an attempt has staged in the store itself: `aishoot_async.export._publishing.Staged`."""

    def __init__(self, store: Store, shard: str, attempt: str) -> None:
        """Touch nothing."""
        self._store = store
        self._shard = shard
        self._attempt = attempt

    def has(self, number: int) -> bool:
        """See `Staged.has`."""
        return self._store.size(staged_object(self._shard, self._attempt, number)) is not None

    def move(self, number: int, place: object, name: str) -> None:  # noqa: ARG002  # it is the store
        """See `Staged.move`."""
        self._store.rename(staged_object(self._shard, self._attempt, number), name)

    def clear(self) -> None:
        """See `Staged.clear`."""
        for name, attempt in self._store.staged(self._shard).items():
            if attempt == self._attempt:
                self._store.remove(name)


def _store_error() -> type[Exception]:
    error: type[Exception] = import_module("obstore.exceptions").BaseError
    return error


def _said(error: BaseException) -> str:
    # The first line: what follows is the library's own debugging text.
    return str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
