"""A catalog as Parquet. Imported only where it is asked for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ._parquet import pa, pq
from ._rows import Complain, Heading, Stated, fields_of, miss

_ROWS_AT_ONCE: Final = 4096


def parquet_rows(path: Path, complain: Complain) -> Iterator[Stated]:
    """Give each row's number and what it states; null and empty text state nothing.

    Args:
        path: the file.
        complain: told of each problem.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            fields = fields_of(file.schema_arrow.names, None, complain)
            if fields is None or miss(fields, None, complain, "the column "):
                return
            heading = Heading(fields, None, "row", complain)
            number = 0
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                for cells in zip(*map(_values, batch.columns), strict=True):
                    number += 1
                    yield number, dict(_stated(heading.pair(number, cells)))
    except pa.ArrowException as error:
        complain(None, None, f"it cannot be read as Parquet; is it cut off? ({error})")


def _stated(cells: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, cell in cells.items():
        if cell is not None and cell != "":
            yield field, str(cell) if field == "key" and type(cell) is int else cell


def _values(column: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        # The bytes that are no text stay bytes, and are refused as such in their row.
        values = column.cast(pa.binary()).to_pylist()
        values = [_text(value) for value in values]
    return values


def _text(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value
