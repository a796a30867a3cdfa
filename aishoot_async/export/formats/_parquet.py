"""Parquet: rows with the item's own JSON as a plain string. pyarrow is an extra, and imported when it is used."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import attrs

from ... import codec
from ...jobs import SizeLimit
from ...models import Page
from ._base import Encoder, Format


@attrs.frozen(kw_only=True)
class Parquet(Format):
    """Parquet. It cannot be resumed within a file: what is one file in the end is made of several parts."""

    name: ClassVar[str] = "parquet"
    resumable: ClassVar[bool] = False
    block: ClassVar[SizeLimit] = SizeLimit(512, 4 * 1024 * 1024)
    package: ClassVar[tuple[str, str] | None] = ("pyarrow", "data")

    def encoder(self, brief_id: int | None) -> Encoder:
        """See `Format.encoder`: the brief becomes a column."""
        return _ParquetEncoder(brief_id)

    def join(self, paths: Sequence[Path], brief_id: int | None) -> Iterator[bytes]:
        """See `Format.join`: row group by row group."""
        encoder = _ParquetEncoder(brief_id)
        yield encoder.begin()
        for path in paths:
            yield from encoder.copy(path)
        yield encoder.end(empty=False)


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


class _ParquetEncoder:
    """Rows with the item's own JSON as a plain string; no schema is inferred. A block is a row group."""

    def __init__(self, brief_id: int | None) -> None:
        """Write a column ``brief_id`` if one is given; in a folder it stands in the folder's name."""
        # Neither is typed.
        self._pa: Any = import_module("pyarrow")
        self._pq: Any = import_module("pyarrow.parquet")
        self._brief_id = brief_id
        pa = self._pa
        brief = [] if brief_id is None else [pa.field("brief_id", pa.int64(), nullable=False)]
        self._schema = pa.schema(
            [
                pa.field("id", pa.string()),
                *brief,
                pa.field("page", pa.int32(), nullable=False),
                pa.field("position", pa.int32(), nullable=False),
                pa.field("raw", pa.string(), nullable=False),
            ]
        )
        self._sink = _Sink()
        self._writer: Any = self._pq.ParquetWriter(
            self._sink,
            self._schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            use_dictionary=False,
            write_statistics=["page", "position"],
        )

    def begin(self) -> bytes:
        """Return the file's first bytes."""
        return self._sink.take()

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        """Encode a row group."""
        pa = self._pa
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
        with self._pq.ParquetFile(path) as part:
            for number in range(part.num_row_groups):
                self._writer.write_table(part.read_row_group(number))
                yield self._sink.take()

    def end(self, *, empty: bool) -> bytes:  # noqa: ARG002
        """Encode the footer."""
        self._writer.close()
        return self._sink.take()
