"""A catalog file, written so that `read_catalog` reads the same items back."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from .. import jsontext
from ..errors import CatalogError
from ..models import UNSET, WIRE_NAMES
from ..storage import atomic_write
from ._catalog import CatalogItem
from ._readers import format_of, import_pyarrow

_Row = Mapping[str, Any]


def write_catalog(path: str | os.PathLike[str], items: Iterable[CatalogItem]) -> None:
    """Write a catalog file that `read_catalog` reads back. Whole or not at all; blocking.

    Args:
        path: the file; what its name ends in says its format.
        items: what to write. Its columns are those that an item states.

    Raises:
        CatalogError: the format is unknown, or an item states ``None``, which only JSON Lines can say.
        ConfigurationError: Parquet, and pyarrow is not installed.
        OSError: the file cannot be written.
    """
    place = Path(path)
    rows = [_row(item) for item in items]
    form = format_of(place).name
    if form != "jsonl":
        _refuse_null(rows)
    with atomic_write(place) as file:
        _WRITERS[form](file, rows, "\t" if place.suffix.lower() == ".tsv" else ",")


def _row(item: CatalogItem) -> _Row:
    stated = {wire: getattr(item.sku, field) for field, wire in WIRE_NAMES.items()}
    return {"key": item.key, **{wire: value for wire, value in stated.items() if value is not UNSET}}


def _refuse_null(rows: Iterable[_Row]) -> None:
    for row in rows:
        for name, value in row.items():
            if value is None:
                msg = f"{name} of key {row['key']!r} is to be erased, which only JSON Lines can say"
                raise CatalogError(msg, field=name, key=row["key"])


def _columns(rows: Iterable[_Row]) -> list[str]:
    stated = {"name", "frontImage"}.union(*rows)
    return ["key", *(wire for wire in WIRE_NAMES.values() if wire in stated)]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return ";".join(map(str, value)) or "[]"  # the ids of projects


def _write_csv(file: BinaryIO, rows: Sequence[_Row], delimiter: str) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, delimiter=delimiter)
    columns = _columns(rows)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)
    text.detach()


def _write_json(file: BinaryIO, rows: Sequence[_Row], _delimiter: str) -> None:
    file.writelines(jsontext.encode(row) + b"\n" for row in rows)


def _write_parquet(file: BinaryIO, rows: Sequence[_Row], _delimiter: str) -> None:
    pa, pq = import_pyarrow()
    cells = {
        name: pa.array([_cell(row[name]) if name in row else None for row in rows], pa.string())
        for name in _columns(rows)
    }
    pq.write_table(pa.table(cells), file)


_WRITERS: Final[dict[str, Callable[[BinaryIO, Sequence[_Row], str], None]]] = {
    "csv": _write_csv,
    "jsonl": _write_json,
    "parquet": _write_parquet,
}
