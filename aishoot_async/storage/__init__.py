"""What touches the disk: atomic writes, locks, folder fsync, SQLite files, threads. It imports errors alone."""

from ._files import atomic_write, check_regular, file_lock, fsync_folder, open_regular
from ._same_file import file_identity, names_below
from ._sqlite import explain_sqlite_error, is_damage, raise_reason
from ._threads import DiskExecutor, wait_uncancellable

__all__ = [
    "DiskExecutor",
    "atomic_write",
    "check_regular",
    "explain_sqlite_error",
    "file_identity",
    "file_lock",
    "fsync_folder",
    "is_damage",
    "names_below",
    "open_regular",
    "raise_reason",
    "wait_uncancellable",
]
