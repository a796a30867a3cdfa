"""Object stores: parts are uploaded whole, by obstore, which is an extra. Blocking."""

import hashlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigurationError, ExportError
from ._destinations import StoreUrl
from ._formats import Format, format_by_name
from ._life import Part
from ._places import SKUS, is_ours, part_name, part_pattern

logger: Final = logging.getLogger("aishoot_async.export")
MAX_SINGLE_PUT: Final = 80 * 1024 * 1024
"""Bytes of an object that is sent in one request. Parts of folders are smaller, unless their pages are huge."""
_RIGHT_TO_DELETE: Final = {
    "s3": " (s3:DeleteObject)",
    "gs": " (storage.objects.delete)",
    "az": " (Storage Blob Data Contributor)",
}
# An underscore first: whoever reads the prefix as a dataset leaves it out.
_STAGING: Final = "_staging"
_STAGED: Final = re.compile(rf"{_STAGING}/[^/]+/([0-9a-f]{{32}})/part-\d{{5,}}\.staged")


def staged_object(shard: str, attempt: str, number: int) -> str:
    """Name a part that is staged in the store itself, by an attempt on another machine."""
    return f"{_STAGING}/{shard}/{attempt}/part-{number:05}.staged"


class Store:
    """A prefix of an object store, or one object there. Its journal lies on the machine that runs the job.

    What obstore is given is the bucket alone, and whole keys: a prefix in its URL it would decode.
    """

    def __init__(
        self, url: StoreUrl, wanted: Format, *, is_single: bool, state: Path, options: Mapping[str, Any] | None
    ) -> None:
        """Connect to nothing.

        Raises:
            ConfigurationError: obstore is not installed, does not take the options, or takes another place from them.
        """
        if find_spec("obstore") is None:
            raise ConfigurationError("object stores need obstore: pip install 'aishoot-async[cloud]'")
        self.title = url.text
        self.is_single = is_single
        self._format = wanted
        self._folder, _, self._name = url.key.rpartition("/") if is_single else (url.key, "", "")
        self._store: Any = _open_store(url, options or {})
        self._right_to_delete = _RIGHT_TO_DELETE.get(url.scheme, "")
        self._has_warned = False
        is_file_name = format_by_name(url.key.rpartition("/")[2]) is not None
        spellings = url.spellings(is_single=is_single, is_file_name=is_file_name, account=_account(url, self._store))
        homes = [state / "exports" / hashlib.sha256(name.encode()).hexdigest()[:32] for name in spellings]
        # One for each place, however it is spelled; earlier releases had one for each spelling.
        self.home = next((home for home in homes if home.exists()), homes[0])

    def _key(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    def _do(self, operation: str, name: str, *arguments: Any, **options: Any) -> None:
        """Have the store do something with an object; that it finds nothing is a failure too."""
        try:
            getattr(import_module("obstore"), operation)(self._store, self._key(name), *arguments, **options)
        except (_store_error(), OSError) as error:
            problem = _said(error)
        else:
            return
        raise ExportError(f"cannot {operation} {name} at {self.title}: {problem}")

    def _find(self, name: str) -> Any:
        """Look something up; ``None`` if it is not there."""
        try:
            return import_module("obstore").head(self._store, self._key(name))
        except FileNotFoundError:
            return None
        except (_store_error(), OSError) as error:
            problem = _said(error)
        raise ExportError(f"cannot look up {name} at {self.title}: {problem}")

    def _delete(self, name: str) -> None:
        # Who may not delete can still export where nothing is to be deleted.
        if self._find(name) is None:
            return
        try:
            import_module("obstore").delete(self._store, self._key(name))
        except FileNotFoundError:
            return
        except (_store_error(), OSError) as error:
            problem = _said(error)
        else:
            return
        raise ExportError(
            f"cannot delete {name} at {self.title}: {problem}. What stands there would be untrue beside it: grant the "
            f"right to delete{self._right_to_delete}, and the same call goes on"
        )

    def discard(self, name: str) -> None:
        """Delete what no reader ever takes for data; where that is refused, it is left, and said once."""
        try:
            self._delete(name)
        except ExportError as error:
            if not self._has_warned:
                self._has_warned = True
                logger.warning("what was staged is left: %s", error)

    def _verify(self, name: str, size: int) -> None:
        """See that an object is there, whole: whatever the store has answered to those who sent it.

        Raises:
            ExportError: it is not.
        """
        found = self.size(name)
        if found == size:
            return
        what = "it is not there" if found is None else f"{found} bytes of it are there"
        raise ExportError(
            f"{name} was sent to {self.title} with {size} bytes, and the store took it; but {what}. What was staged is "
            f"kept: see to the store, and the same call goes on"
        )

    def prepare(self) -> None:
        """Make the home. A bucket that is not there is told, if it can be: that of a prefix is when it is listed."""
        if self.is_single and self._find(self._name) is None:
            self._refuse_missing_bucket()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _refuse_missing_bucket(self) -> None:
        # Where an object is not there, only a listing tells whether the bucket is. Whoever may not list hears of it
        # when the object is written.
        try:
            self._listed(self._name)
        except ExportError as error:
            if "404 Not Found" in str(error):
                raise

    def foreign(self) -> str | None:
        """See `Place.foreign`."""
        if self.is_single:
            return self.title if self.size(self._name) is not None else None
        return next((found for found in self._listed("") if is_ours(found.split("/", 1)[0])), None)

    def _listed(self, folder: str) -> dict[str, int]:
        """List what lies in a folder of the prefix, by its name; in all of it if the folder is empty."""
        inside = "/".join(filter(None, (self._folder, folder)))
        start = f"{self._folder}/" if self._folder else ""
        found: dict[str, int] = {}
        try:
            for chunk in import_module("obstore").list(self._store, prefix=inside or None):
                found |= {entry["path"]: int(entry["size"]) for entry in chunk}
        except (_store_error(), OSError) as error:
            problem = _said(error)
        else:
            return {key.removeprefix(start): size for key, size in found.items() if key.startswith(start)}
        raise ExportError(f"cannot list {self.title}: {problem}")

    def size(self, name: str) -> int | None:
        """See `Place.size`."""
        found = self._find(name)
        return None if found is None else int(found["size"])

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        """See `Place.sizes`."""
        if not self.is_single:
            return self._listed("")
        return {name: size for name in names if (size := self.size(name)) is not None}

    def check_replaceable(self, name: str) -> None:
        """See `Place.check_replaceable`: any object is."""

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
        size = staged.stat().st_size
        # In one request, where that is no matter of memory: one of many that is killed leaves its pieces in the store.
        self._do("put", name, staged, use_multipart=size > MAX_SINGLE_PUT)
        self._verify(name, size)
        staged.unlink()

    def rename(self, name: str, new_name: str) -> None:
        """Give an object another name, in place of what had it."""
        size = self.size(name)
        self._do("copy", name, self._key(new_name))
        if size is not None:
            self._verify(new_name, size)
        self.discard(name)

    def staged(self, shard: str) -> dict[str, str]:
        """Name the objects that are staged for a shard, and the attempt of each; see `staged_object`."""
        matches = map(_STAGED.fullmatch, self._listed(f"{_STAGING}/{shard}"))
        return {found[0]: found[1] for found in matches if found is not None}

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        if self._find(name) is None:
            return None
        try:
            return bytes(import_module("obstore").get(self._store, self._key(name)).bytes())
        except FileNotFoundError:
            return None
        except (_store_error(), OSError) as error:
            problem = _said(error)
        raise ExportError(f"cannot read {name} at {self.title}: {problem}")

    def write(self, name: str, content: bytes) -> None:
        """See `Place.write`."""
        if not self.is_single:
            self._do("put", name, content)
            self._verify(name, len(content))

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        if not self.is_single or name == self._name:
            self._delete(name)


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
                self._store.discard(name)


def _with_defaults(url: StoreUrl, options: Mapping[str, Any]) -> dict[str, Any]:
    """Add what obstore takes to delete objects one by one: many stores and roles refuse the deletion of several."""
    config: Any = options.get("config") or {}
    named = {str(name).lower().removeprefix("aws_") for name in (*options, *config)}
    if url.scheme != "s3" or "disable_bulk_delete" in named:
        return dict(options)
    return {**options, "config": {**config, "aws_disable_bulk_delete": "true"}}


def _open_store(url: StoreUrl, options: Mapping[str, Any]) -> Any:
    try:
        store: Any = import_module("obstore.store").from_url(url.root, **_with_defaults(url, options))
    except BaseException as error:
        # A panic of its Rust is an Exception of no kind.
        if isinstance(error, Exception) is (type(error).__name__ == "PanicException"):
            raise
        problem = _said(error)
    else:
        for what, asked in (("bucket", url.bucket), ("container_name", url.bucket), ("account_name", url.account)):
            taken = store.config.get(what)
            if taken is not None and asked is not None and taken != asked:
                raise ConfigurationError(f"{url.text} says {asked}, and the store's options say {what} {taken}: choose")
        return store
    raise ConfigurationError(f"{url.text} cannot be used: {problem}")


def _account(url: StoreUrl, store: Any) -> str | None:
    if url.scheme != "az":
        return None
    account: str | None = store.config.get("account_name")
    return account or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or None


def _store_error() -> type[Exception]:
    error: type[Exception] = import_module("obstore.exceptions").BaseError
    return error


_XML_ERROR: Final = re.compile(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>")


def _said(error: BaseException) -> str:
    # What follows is the library's own debugging text.
    text = str(error).split("\n\nDebug source:", 1)[0].strip() or type(error).__name__
    found = _XML_ERROR.search(text)
    first = " ".join(text.split("<", 1)[0].split()).strip(" :")[:300]
    return first if found is None else f"{first} ({found[1]}: {found[2]})"[:500]
