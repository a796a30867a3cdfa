"""Pure: the formats of a part, and where its blocks and parts end.

A block is what is encoded at once; it ends with a page, so that unchanged data gives the same blocks in every run.
"""

import unicodedata
from importlib.util import find_spec
from typing import Final

import attrs

from ..errors import ConfigurationError, RequestValidationError

_MIB: Final = 1024 * 1024


@attrs.frozen
class Measure:
    """So much, in pages or in bytes of JSON, whichever comes first."""

    pages: int
    size: int

    def is_reached(self, pages: int, size: int) -> bool:
        """Whether that is enough."""
        return pages >= self.pages or size >= self.size


@attrs.frozen(kw_only=True)
class Format:
    """A format.

    Attributes:
        name: as users name it, and as files end.
        seamless: the bytes do not depend on where blocks are cut.
        can_go_on: a file can be cut back to the end of a block, and written on.
        block: when a block ends.
        needs: the package that it needs, with the extra that brings it.
    """

    name: str
    seamless: bool = False
    can_go_on: bool = True
    block: Measure = Measure(64, _MIB)
    needs: tuple[str, str] | None = None


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

PART: Final = Measure(1024, 64 * _MIB)
"""When a part ends, where there can be several: at the first end of a block from here on."""

FORMATS: Final = {
    known.name: known
    for known in (
        Format(name="jsonl", seamless=True),
        Format(name="jsonl.gz"),
        Format(name="jsonl.zst", needs=("zstandard", "data")),
        Format(name="parquet", can_go_on=False, block=Measure(512, 4 * _MIB), needs=("pyarrow", "data")),
        Format(name="csv", seamless=True),
    )
}


def format_by_name(file_name: str) -> Format | None:
    """Tell a format by a file's name, whatever case it is written in."""
    name = file_name.lower()
    return next((known for known in FORMATS.values() if name.endswith(f".{known.name}")), None)


def _reads_like_a_file(file_name: str) -> bool:
    """Whether a name ends as those of files do, or did before something was put behind it."""
    # Signs that only look like others, and blanks at the end, are no reason to take it for a folder.
    endings = [ending.strip() for ending in unicodedata.normalize("NFKC", file_name).lower().split(".")[1:]]
    return any(ending in _OF_FILES or ending.startswith(_LIKE_OURS) for ending in endings[-2:])


def choose_format(named: object, file_name: str) -> Format:
    """Settle the format: the one that is named, else the file's, else JSON Lines.

    Args:
        named: what the user names, or ``None``.
        file_name: the last part of the destination's name.

    Raises:
        ConfigurationError: a package that it needs is not installed.
        RequestValidationError: there is no such format, or the file's name says another, or none.
    """
    by_name = format_by_name(file_name)
    if by_name is None and _reads_like_a_file(file_name):
        endings = ", ".join(f".{known}" for known in FORMATS)
        raise RequestValidationError(
            f"{file_name!r} reads like a file's name, and files can be written that end in {endings}. A folder may be "
            f"called so if a slash at its end says that it is one",
            field="destination",
        )
    if named is not None and (not isinstance(named, str) or named not in FORMATS):
        raise RequestValidationError(f"there is no format {named!r}; there are {', '.join(FORMATS)}", field="format")
    chosen = by_name or FORMATS["jsonl"] if named is None else FORMATS[named]
    if by_name is not None and by_name is not chosen:
        raise RequestValidationError(f"{file_name!r} does not end as format {chosen.name!r} does", field="format")
    if chosen.needs is not None and find_spec(chosen.needs[0]) is None:
        package, extra = chosen.needs
        raise ConfigurationError(f"{chosen.name} needs {package}: pip install 'aishoot-async[{extra}]'")
    return chosen
