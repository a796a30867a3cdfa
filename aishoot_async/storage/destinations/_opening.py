"""From what a user names as the destination to the object that writes there."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, JobError
from ...storage import leads_to
from ._local import LocalFile, LocalFolder
from ._object_store import ObjectStore
from ._parsing import ParsedDestination, refuse_tilde
from ._protocol import Destination


def open_destination(
    parsed: ParsedDestination,
    *,
    is_single: bool,
    is_file_name: bool | None = None,
    state: str | os.PathLike[str] | None = None,
    store_options: Mapping[str, Any] | None = None,
    error: type[JobError] = JobError,
    jobs: str = "jobs",
) -> Destination:
    """Return the destination; nothing is written, and nothing is connected to.

    Args:
        parsed: what the user names.
        is_single: it is one file.
        is_file_name: an object of this name would be one file, so that a slash makes it a prefix.
        state: the folder with the state of all jobs that write to object stores; ``None`` for the user's own.
        store_options: what ``obstore.store.from_url`` takes besides the URL.
        error: what the destination raises.
        jobs: the folder in ``state`` of jobs of this kind.

    Raises:
        ConfigurationError: obstore is missing or refuses, or no folder is known for the state.
        RequestValidationError: ``state`` cannot be right.
    """
    if parsed.url is not None:
        return ObjectStore(
            parsed.url,
            is_single=is_single,
            is_file_name=is_single if is_file_name is None else is_file_name,
            state=(_default_state() if state is None else _given_state(state)) / jobs,
            options=store_options,
            error=error,
        )
    if not is_single:
        return LocalFolder(Path(parsed.text), error)
    return LocalFile(leads_to(Path(parsed.text)), error)


def _given_state(path: str | os.PathLike[str]) -> Path:
    refuse_tilde(os.fspath(path), field="state")
    return Path(path)


def _default_state() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or ""
    try:
        return (Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state") / "aishoot-async"
    except RuntimeError:
        msg = "no home folder is known, where the journal of a job in an object store could be: set XDG_STATE_HOME"
    raise ConfigurationError(msg)
