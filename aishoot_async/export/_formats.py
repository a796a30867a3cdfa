"""Pure: the formats of a part, and where its blocks and parts end.

A block is what is encoded at once; it ends with a page, so that unchanged data gives the same blocks in every run.
"""

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


_LOOKS_LIKE_A_FILE: Final = (".json", ".ndjson", ".gz", ".zst", ".pq", ".tsv", ".txt", ".xlsx", ".zip")

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
    """Tell a format by a file's name."""
    return next((known for known in FORMATS.values() if file_name.endswith(f".{known.name}")), None)


def choose_format(named: object, file_name: str) -> Format:
    """Settle the format: the one that is named, else the file's, else JSON Lines.

    Raises:
        ConfigurationError: a package that it needs is not installed.
        RequestValidationError: there is no such format, or the file's name says another, or none.
    """
    by_name = format_by_name(file_name)
    if by_name is None and file_name.lower().endswith(_LOOKS_LIKE_A_FILE):
        raise RequestValidationError(
            f"{file_name!r} reads like a file, and those of the formats end in {', '.join(FORMATS)}; or name a folder",
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
