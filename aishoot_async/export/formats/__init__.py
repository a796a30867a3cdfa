"""The formats of parts: a class each, and a table of them. Whoever adds one writes a class, and a row here.

The command line, the names of files and the messages read the table.
"""

import unicodedata
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from ...errors import ConfigurationError, RequestValidationError
from ._base import Encoder, Format
from ._csv import Csv
from ._jsonl import GzipJsonLines, JsonLines, ZstdJsonLines, lines
from ._parquet import Parquet

__all__ = ["FORMATS", "Encoder", "Format", "choose_format", "configure_format", "find_format", "lines"]

FORMATS: Final[dict[str, type[Format]]] = {
    known.name: known for known in (JsonLines, GzipJsonLines, ZstdJsonLines, Parquet, Csv)
}
_OF_FILES: Final = frozenset(
    """
    7z arrow arrows avro br bson bz2 bzip2 cvs dat db dbf deflate doc docx dta duckdb feather geojson gz gzip h5 hdf
    hdf5 htm html ipc jl log lz lz4 lzma lzo mdb msgpack ods odt orc parq pdf pickle pkl pq proto psv rar rds rtf
    sas7bdat sav snappy sql sqlite sqlite3 sz tab tar tbz tgz txt txz xls xlsb xlsm xlsx xml xz yaml yml z zip zst zstd
    """.split()  # noqa: SIM905  # a list of them would have a line for each
)
"""Endings by which everybody takes a name for that of a file."""
_LIKE_OURS: Final = ("csv", "json", "ndjson", "parquet", "tsv")
"""So they do for whatever begins like these: jsonlines, json5, csv~."""


def find_format(file_name: str) -> type[Format] | None:
    """Return the format that a file's name says, whatever case it is written in."""
    name = file_name.lower()
    return next((known for known in FORMATS.values() if name.endswith(f".{known.name}")), None)


def choose_format(named: object, file_name: str) -> type[Format]:
    """Return the format that is named, else the file's, else JSON Lines.

    Args:
        named: what the user names, or ``None``.
        file_name: the last part of the destination's name.

    Raises:
        ConfigurationError: a package that it needs is not installed.
        RequestValidationError: there is no such format, or the file's name says another, or none.
    """
    by_name = find_format(file_name)
    if by_name is None and _reads_like_a_file(file_name):
        endings = ", ".join(f".{known}" for known in FORMATS)
        raise RequestValidationError(
            f"{file_name!r} reads like a file's name, and files can be written that end in {endings}. A folder may be "
            f"called so if a slash at its end says that it is one",
            field="destination",
        )
    if named is not None and (not isinstance(named, str) or named not in FORMATS):
        raise RequestValidationError(f"there is no format {named!r}; there are {', '.join(FORMATS)}", field="format")
    chosen = by_name or JsonLines if named is None else FORMATS[named]
    if by_name is not None and by_name is not chosen:
        raise RequestValidationError(f"{file_name!r} does not end as format {chosen.name!r} does", field="format")
    if chosen.package is not None and find_spec(chosen.package[0]) is None:
        package, extra = chosen.package
        raise ConfigurationError(f"{chosen.name} needs {package}: pip install 'aishoot-async[{extra}]'")
    return chosen


def configure_format(chosen: type[Format], options: Mapping[str, Any]) -> Format:
    """Return the format with its own options of those of an export.

    Raises:
        RequestValidationError: an option is another format's, or cannot be right.
    """
    for known in FORMATS.values():
        for name, refusal in known.options.items():
            # False and None are what says nothing.
            if name not in chosen.options and options.get(name) not in (None, False):
                raise RequestValidationError(refusal.format(other=chosen.name), field=name)
    return chosen(**{name: options[name] for name in chosen.options if name in options})


def _reads_like_a_file(file_name: str) -> bool:
    """Return whether a name ends as those of files do, or did before something was put behind it."""
    # Signs that only look like others, and blanks at the end, are no reason to take it for a folder.
    endings = [ending.strip() for ending in unicodedata.normalize("NFKC", file_name).lower().split(".")[1:]]
    return any(ending in _OF_FILES or ending.startswith(_LIKE_OURS) for ending in endings[-2:])
