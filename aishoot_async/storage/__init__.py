"""What touches the disk: atomic writes, locks, folder fsync, SQLite files, threads. It imports errors alone."""

from ._files import AtomicFileWriter, atomic_write, check_regular, file_lock, fsync_folder, open_regular
from ._same_file import file_identity, leads_to, names_below
from ._sqlite import (
    DamagedFileError,
    SqliteFormat,
    create_sqlite,
    explain_sqlite_error,
    is_damage,
    open_sqlite,
    raise_reason,
    transaction,
)
from ._threads import DiskExecutor, wait_uncancellable

__all__ = [
    "AtomicFileWriter",
    "DamagedFileError",
    "DiskExecutor",
    "SqliteFormat",
    "atomic_write",
    "check_regular",
    "create_sqlite",
    "explain_sqlite_error",
    "file_identity",
    "file_lock",
    "fsync_folder",
    "is_damage",
    "leads_to",
    "names_below",
    "open_regular",
    "open_sqlite",
    "raise_reason",
    "transaction",
    "wait_uncancellable",
]
