"""Where jobs write: a file or a folder of this machine, or an object store. Blocking.

A new kind of destination is a class with the methods of `Destination`, its scheme in `_parsing`, and a line in
`open_destination`.
"""

from ._local import LocalFile, LocalFolder, empty_folder, path_exists
from ._object_store import ObjectStore
from ._opening import open_destination
from ._parsing import ParsedDestination, StoreUrl, is_store_url, parse_destination, parse_store_url
from ._protocol import Destination

__all__ = [
    "Destination",
    "LocalFile",
    "LocalFolder",
    "ObjectStore",
    "ParsedDestination",
    "StoreUrl",
    "empty_folder",
    "is_store_url",
    "open_destination",
    "parse_destination",
    "parse_store_url",
    "path_exists",
]
