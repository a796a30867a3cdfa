"""From pages to the bytes of a part. Nothing here differs from run to run: no time, no name, fixed levels."""

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, cast

from .. import jsontext
from ..errors import RequestValidationError
from ..models import Page
from ._columns import BOM, ColumnWatch, names_of
from ._formats import Format

_GZIP: Final = 31  # zlib's word for a gzip header, which it writes without a time or a name
_GZIP_LEVEL: Final = 6
_ZSTD_LEVEL: Final = 3


class Encoder(Protocol):
    """Encodes one part; blocking."""

    def begin(self) -> bytes:
        """Give what a part begins with."""
        ...

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        """Encode the next pages, in pieces; where it can, a page each.

        For a whole block the system would be asked for memory, and given it back, each time: that takes a sixth of all
        that an export does.
        """
        ...

    def end(self, *, empty: bool) -> bytes:
        """Give what a part ends with; ``empty`` says that no block came before."""
        ...


def make_encoder(
    wanted: Format, *, columns: Sequence[str] = (), brief_id: int | None = None, watch: ColumnWatch | None = None
) -> Encoder:
    """Make the encoder of one part; ``brief_id`` becomes a column where the format has columns of ours."""
    match wanted.name:
        case "jsonl.gz":
            return _Members(_gzip)
        case "jsonl.zst":
            return _Members(_zstd)
        case "csv":
            return _Csv(columns, watch)
        case "parquet":
            from ._parquet import ParquetEncoder  # noqa: PLC0415  # pyarrow is an extra

            return ParquetEncoder(brief_id)
        case _:
            return _Lines()


def make_join(wanted: Format, brief_id: int | None) -> "Callable[[Sequence[Path]], Iterator[bytes]] | None":
    """Make what makes one file of several parts, for a format that cannot go on in the middle of one."""
    if wanted.can_go_on:
        return None
    from ._parquet import join  # noqa: PLC0415  # pyarrow is an extra

    return partial(join, brief_id)


def lines(items: Sequence[bytes]) -> bytes:
    """Write each item on a line of its own; nothing is added, or changed but line breaks and indentation."""
    # Looked at once for all: an item of a compact answer holds no line break, and inside a string none can stand. To
    # join them for it takes a third of counting the breaks between them.
    whole = b"".join(items)
    if b"\n" in whole or b"\r" in whole:
        items = [*map(jsontext.compact, items)]
    return b"\n".join([*items, b""])


class _Lines:
    def begin(self) -> bytes:
        return b""

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        for page in pages:
            yield lines(page.raw)

    def end(self, *, empty: bool) -> bytes:  # noqa: ARG002
        return b""


def _gzip(text: bytes) -> bytes:
    return zlib.compress(text, _GZIP_LEVEL, _GZIP)


def _zstd(text: bytes) -> bytes:
    zstandard: Any = import_module("zstandard")  # an extra
    compressed: bytes = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(text)
    return compressed


class _Members(_Lines):
    """JSON Lines, each block compressed as a member (gzip) or frame (zstd) of its own."""

    def __init__(self, compress: Callable[[bytes], bytes]) -> None:
        self._compress = compress

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        yield self._compress(b"".join(super().block(pages)))

    def end(self, *, empty: bool) -> bytes:
        # A file without a member is none.
        return self._compress(b"") if empty else b""


class _Csv:
    """Some members of each item, as they stand: strings as text, all else as its JSON, null and missing as nothing.

    What a spreadsheet would take for a formula is left as it is.
    """

    def __init__(self, columns: Sequence[str], watch: ColumnWatch | None) -> None:
        self._mark = BOM if columns and columns[0].startswith(BOM) else ""
        self._columns = names_of(columns)
        self._watch = watch
        self._paths = [column.split(".") for column in self._columns]

    def begin(self) -> bytes:
        return self._mark.encode() + self._rows([self._columns])

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        if self._watch is not None:
            for page in pages:
                self._watch.look(page.raw)
        yield self._rows([[_cell(item, path) for path in self._paths] for page in pages for item in page.raw])

    def end(self, *, empty: bool) -> bytes:  # noqa: ARG002
        return b""

    @staticmethod
    def _rows(rows: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()


def _cell(item: bytes, path: Sequence[str]) -> str:
    for name in path:
        if jsontext.kind(item) != "an object":
            return ""
        item = jsontext.members(item).get(name, b"null")
    match jsontext.kind(item):
        case "a string":
            return str(jsontext.value(item))
        case "null":
            return ""
        case _:
            return jsontext.compact(item).decode()


def check_columns(columns: object) -> tuple[str, ...]:
    """Accept the columns of a CSV file: paths into the JSON, such as ``model.name``.

    Raises:
        RequestValidationError: there are none, one is no path, or one is named twice.
    """
    if columns is None:
        raise RequestValidationError(
            'CSV needs columns, paths into the JSON such as "id" or "model.name"; a .jsonl file holds all of each item',
            field="columns",
        )
    given = cast("Sequence[Any]", columns if isinstance(columns, list | tuple) else ())
    named = tuple(given)
    if not named or not all(isinstance(path, str) and all(path.split(".")) for path in named):
        raise RequestValidationError(f"columns must be paths such as model.name, not {columns!r}", field="columns")
    if len(set(named)) < len(named):
        raise RequestValidationError("a column is named twice", field="columns")
    return named
