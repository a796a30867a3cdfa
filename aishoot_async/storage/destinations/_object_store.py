"""An object store as a destination: files are uploaded whole, by obstore, which is an extra. Blocking."""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ...errors import ConfigurationError, JobError
from ._parsing import StoreUrl

logger: Final = logging.getLogger("aishoot_async.storage")
MAX_SINGLE_PUT: Final = 80 * 1024 * 1024
"""Bytes of an object that is sent in one request. Parts of folders are smaller, unless their pages are huge."""
_RIGHT_TO_DELETE: Final = {
    "s3": " (s3:DeleteObject)",
    "gs": " (storage.objects.delete)",
    "az": " (Storage Blob Data Contributor)",
}


class ObjectStore:
    """A prefix of an object store, or one object there. Its journal lies on the machine that runs the job.

    What obstore is given is the bucket alone, and whole keys: a prefix in its URL it would decode.

    Attributes:
        display_name: the URL, as the user wrote it.
        state_dir: see `Destination.state_dir`.
        file_name: see `Destination.file_name`.
    """

    def __init__(
        self,
        url: StoreUrl,
        *,
        is_single: bool,
        is_file_name: bool,
        state: Path,
        options: Mapping[str, Any] | None,
        error: type[JobError] = JobError,
    ) -> None:
        """Connect to nothing.

        Args:
            url: where it is.
            is_single: it is one object, not a prefix.
            is_file_name: an object of that name could be written, so that a slash is what makes it a prefix.
            state: the folder with the state folders of all stores.
            options: what ``obstore.store.from_url`` takes besides the URL.
            error: what is raised.

        Raises:
            ConfigurationError: obstore is not installed, does not take the options, or takes another place from them.
        """
        if find_spec("obstore") is None:
            raise ConfigurationError("object stores need obstore: pip install 'aishoot-async[cloud]'")
        self.display_name: str = url.text
        self.file_name: str
        self._folder, _, self.file_name = url.key.rpartition("/") if is_single else (url.key, "", "")
        self._store: Any = _open_store(url, options or {})
        self._error = error
        self._right_to_delete = _RIGHT_TO_DELETE.get(url.scheme, "")
        self._has_warned = False
        spellings = url.spellings(is_single=is_single, is_file_name=is_file_name, account=_account(url, self._store))
        homes = [state / hashlib.sha256(name.encode()).hexdigest()[:32] for name in spellings]
        # One for each place, however it is spelled; earlier releases had one for each spelling.
        self.state_dir: Path = next((home for home in homes if home.exists()), homes[0])

    @property
    def is_single(self) -> bool:
        """Whether it is one object."""
        return bool(self.file_name)

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
        raise self._error(f"cannot {operation} {name} at {self.display_name}: {problem}")

    def _find(self, name: str) -> Any:
        """Look something up; ``None`` if it is not there."""
        try:
            return import_module("obstore").head(self._store, self._key(name))
        except FileNotFoundError:
            return None
        except (_store_error(), OSError) as error:
            problem = _said(error)
        raise self._error(f"cannot look up {name} at {self.display_name}: {problem}")

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
        raise self._error(
            f"cannot delete {name} at {self.display_name}: {problem}. What stands there would be untrue beside it: "
            f"grant the right to delete{self._right_to_delete}, and the same call goes on"
        )

    def discard(self, name: str) -> None:
        """Delete what no reader ever takes for data; where that is refused, it is left, and said once."""
        try:
            self._delete(name)
        except JobError as error:
            if not self._has_warned:
                self._has_warned = True
                logger.warning("what was staged is left: %s", error)

    def _verify(self, name: str, size: int) -> None:
        """Check that an object is there, whole: whatever the store has answered to those who sent it.

        Raises:
            JobError: it is not.
        """
        found = self.size(name)
        if found == size:
            return
        what = "it is not there" if found is None else f"{found} bytes of it are there"
        raise self._error(
            f"{name} was sent to {self.display_name} with {size} bytes, and the store took it; but {what}. What was "
            f"staged is kept: see to the store, and the same call goes on"
        )

    def prepare(self) -> None:
        """Make the home. A bucket that is not there is told, if it can be: that of a prefix is when it is listed."""
        if self.is_single and self._find(self.file_name) is None:
            self._refuse_missing_bucket()
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _refuse_missing_bucket(self) -> None:
        # Where an object is not there, only a listing tells whether the bucket is. Whoever may not list hears of it
        # when the object is written.
        try:
            self._listed(self.file_name)
        except JobError as error:
            if "404 Not Found" in str(error):
                raise

    def find_conflict(self, is_job_file: Callable[[str], bool]) -> str | None:
        """See `Destination.find_conflict`."""
        if self.is_single:
            return self.display_name if self.size(self.file_name) is not None else None
        return next((found for found in self._listed("") if is_job_file(found.split("/", 1)[0])), None)

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
        raise self._error(f"cannot list {self.display_name}: {problem}")

    def size(self, name: str) -> int | None:
        found = self._find(name)
        return None if found is None else int(found["size"])

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        if not self.is_single:
            return self._listed("")
        return {name: size for name in names if (size := self.size(name)) is not None}

    def check_replaceable(self, name: str) -> None:
        """See `Destination.check_replaceable`: any object is."""

    def contains(self, name: str, size: int, sha256: str) -> bool:  # noqa: ARG002  # stores have checksums of their own
        return self.size(name) == size

    def list_files(self, folder: str) -> Sequence[str]:
        """See `Destination.list_files`."""
        if self.is_single:
            return [self.file_name] if self.size(self.file_name) is not None else []
        return sorted(self._listed(folder))

    def publish(self, staged: Path, name: str) -> None:
        size = staged.stat().st_size
        # In one request, where that is no matter of memory: one of many that is killed leaves its pieces in the store.
        self._do("put", name, staged, use_multipart=size > MAX_SINGLE_PUT)
        self._verify(name, size)
        staged.unlink()

    def rename(self, name: str, new_name: str) -> None:
        """Rename an object, in place of what has the new name."""
        size = self.size(name)
        self._do("copy", name, self._key(new_name))
        if size is not None:
            self._verify(new_name, size)
        self.discard(name)

    def read(self, name: str) -> bytes | None:
        if self._find(name) is None:
            return None
        try:
            return bytes(import_module("obstore").get(self._store, self._key(name)).bytes())
        except FileNotFoundError:
            return None
        except (_store_error(), OSError) as error:
            problem = _said(error)
        raise self._error(f"cannot read {name} at {self.display_name}: {problem}")

    def write(self, name: str, content: bytes) -> None:
        if not self.is_single:
            self._do("put", name, content)
            self._verify(name, len(content))

    def remove(self, name: str) -> None:
        if not self.is_single or name == self.file_name:
            self._delete(name)


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
