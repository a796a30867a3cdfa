"""Which paths belong to an export: no report may be written there, and no input be read from there."""

import re
from pathlib import Path
from typing import Final

from ..storage import names_below
from ._destinations import is_store_url
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
    if names_below(path, to.with_name(f".{to.name}.aishoot")) is not None:
        return "is where the export keeps its journal"
    if not path.is_dir() and names_below(to, path) is not None:
        return "would have to be a folder"
    return None
