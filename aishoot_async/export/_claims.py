"""Which paths belong to an export: no report may be written there, and no input be read from there."""

import os
import re
from pathlib import Path
from typing import Final

from ..samefile import leads_to, names_below
from ._destinations import is_store_url, read_destination
from ._formats import format_by_name
from ._places import MANIFEST, SUCCESS

# Without regard to case: on many disks there is none.
_OWN: Final = re.compile(rf"brief_id=.*|part-.*|{MANIFEST}.*|{SUCCESS}.*|\.aishoot", re.IGNORECASE | re.DOTALL)


def claims(destination: str, path: Path) -> str | None:
    """Say what a path is to an export to a destination: "is the destination", say; ``None`` for nothing. Blocking."""
    if is_store_url(destination):
        return None
    to = Path(destination)
    if to.is_symlink():
        to = to.resolve()
    inside = names_below(path, to)
    if inside == ():
        return "is the destination"
    if inside is not None and _OWN.fullmatch(inside[0]):
        return "is a name that the export gives in its folder"
    if to.name and names_below(path, to.with_name(f".{to.name}.aishoot")) is not None:
        return "is where the export keeps its journal"
    if not os.path.isdir(path) and names_below(to, path) is not None:  # noqa: PTH112  # it refuses no name
        return "would have to be a folder"
    return None


def needed_folder(destination: str) -> Path | None:
    """Name the folder that must be there for an export to begin: a file's own, or the first on the way to a folder.

    Returns:
        The folder; ``None`` in a store, or where none is on the way. Blocking.

    Raises:
        RequestValidationError: the destination cannot be read.
    """
    where = read_destination(destination)
    if where.url is not None:
        return None
    to = leads_to(Path(where.text))
    if format_by_name(where.file_name) is not None:
        return to.parent
    return next((folder for folder in to.parents if os.path.lexists(folder)), None)
