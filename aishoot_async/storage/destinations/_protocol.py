"""What a destination can do, whatever kind it is. All of it blocks.

A destination knows files by their names below it (``brief_id=1/part-00000.jsonl``); which names a job gives, and what
the files hold, is nothing to it. Its errors are those of the job that writes to it: a subclass of `JobError`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol


class Destination(Protocol):
    """Where the files of a job appear.

    Attributes:
        display_name: how users call it.
        state_dir: the folder of the journal, the locks and what is staged.
        file_name: where it is one file, its name; empty where it holds many.
    """

    @property
    def display_name(self) -> str: ...
    @property
    def state_dir(self) -> Path: ...
    @property
    def file_name(self) -> str: ...
    @property
    def is_single(self) -> bool: ...

    def prepare(self) -> None:
        """Make the state folder; refuse a destination that cannot be written to.

        Raises:
            JobError: it cannot.
        """
        ...

    def find_conflict(self, is_job_file: Callable[[str], bool]) -> str | None:
        """Name something there that a job would write over; asked when no journal says what is there."""
        ...

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes; ``None`` if it is not there."""
        ...

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        """Return the sizes of many files; those that are not there are left out."""
        ...

    def list_files(self, folder: str) -> Sequence[str]:
        """List the files in a folder of the destination (``""``: the top), sorted, whoever has written them."""
        ...

    def check_replaceable(self, name: str) -> None:
        """Refuse a name under which something stands that is no file.

        Raises:
            JobError: a folder does, or something else that is not replaced.
        """
        ...

    def contains(self, name: str, size: int, sha256: str) -> bool:
        """Return whether this file is there, as far as can be told without fetching it."""
        ...

    def publish(self, staged: Path, name: str) -> None:
        """Move a file of this machine there, in place of what has its name.

        Raises:
            JobError: it is not there then; it is still staged.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """Read a small file; ``None`` if it is not there."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a small file atomically. A destination of one file has none beside it: nothing is written.

        Raises:
            JobError: it is not there then.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...
