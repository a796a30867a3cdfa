"""Files: written atomically, locked, flushed; SQLite files; and, in `destinations`, the places that jobs write to."""

from ._files import atomic_write, check_regular, fsync_folder, open_regular
from ._lock import file_lock
from ._same_file import Identity, identity, leads_to, names_below
from ._sqlite import DamagedFileError, SqliteFormat, explain_sqlite_error
from ._threads import DiskExecutor, wait_uncancellable

__all__ = [
    "DamagedFileError",
    "DiskExecutor",
    "Identity",
    "SqliteFormat",
    "atomic_write",
    "check_regular",
    "explain_sqlite_error",
    "file_lock",
    "fsync_folder",
    "identity",
    "leads_to",
    "names_below",
    "open_regular",
    "wait_uncancellable",
]
