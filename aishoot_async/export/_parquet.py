"""Parquet. Imported only where it is asked for: pyarrow is an extra."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from .. import codec
from ..models import Page

# Neither is typed.
pa: Final[Any] = import_module("pyarrow")
pq: Final[Any] = import_module("pyarrow.parquet")

_ID: Final = pa.field("id", pa.string())
_BRIEF: Final = pa.field("brief_id", pa.int64(), nullable=False)
_PLACE: Final = (
    pa.field("page", pa.int32(), nullable=False),
    pa.field("position", pa.int32(), nullable=False),
    pa.field("raw", pa.string(), nullable=False),
)


class _Sink:
    """Takes what the writer writes, until it is taken away."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, data: Any) -> int:
        written = bytes(data)
        self._parts.append(written)
        self._position += len(written)
        return len(written)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        return

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


class ParquetEncoder:
    """Rows with the item's own JSON as a plain string; no schema is inferred. A block is a row group."""

    def __init__(self, brief_id: int | None) -> None:
        """Write a column ``brief_id`` if one is given; in a folder it stands in the folder's name."""
        self._brief_id = brief_id
        fields = (_ID, *([] if brief_id is None else [_BRIEF]), *_PLACE)
        self._schema = pa.schema(fields)
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            use_dictionary=False,
            write_statistics=["page", "position"],
        )

    def begin(self) -> bytes:
        """Give the file's first bytes."""
        return self._sink.take()

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        """Encode a row group."""
        raws = [raw for page in pages for raw in page.raw]
        columns = [
            pa.array([codec.row_id(raw) for raw in raws], pa.string()),
            pa.array([page.number for page in pages for _ in page.raw], pa.int32()),
            pa.array([at for page in pages for at in range(len(page.raw))], pa.int32()),
            pa.array(raws, pa.string()),
        ]
        if self._brief_id is not None:
            columns.insert(1, pa.array([self._brief_id] * len(raws), pa.int64()))
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=len(raws))
        yield self._sink.take()

    def copy(self, path: Path) -> Iterator[bytes]:
        """Take over the row groups of another file, one at a time."""
        with pq.ParquetFile(path) as part:
            for number in range(part.num_row_groups):
                self._writer.write_table(part.read_row_group(number))
                yield self._sink.take()

    def end(self, *, empty: bool) -> bytes:  # noqa: ARG002
        """Encode the footer."""
        self._writer.close()
        return self._sink.take()


def join(brief_id: int | None, paths: Sequence[Path]) -> Iterator[bytes]:
    """Make one file of several, row group by row group."""
    encoder = ParquetEncoder(brief_id)
    yield encoder.begin()
    for path in paths:
        yield from encoder.copy(path)
    yield encoder.end(empty=False)
