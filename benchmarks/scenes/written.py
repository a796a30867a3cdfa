"""What an export has written, read back and held against what was served.

Members' names and types are other ones in dlt's files: they are made what they were.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet

from benchmarks.page import item


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        yield from map(decode, file)


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def _files(folder: Path, suffix: str) -> Iterator[dict[str, Any]]:
    read = _lines if suffix == "jsonl" else _parquet
    for path in sorted(folder.glob(f"*.{suffix}")):
        yield from read(path)


def ours(folder: Path, suffix: str) -> Iterator[dict[str, Any]]:
    """Read the items of our export."""
    for row in _files(folder, suffix):
        yield msgspec.json.decode(row["raw"]) if suffix == "parquet" else row


def dlt(folder: Path, suffix: str) -> Iterator[dict[str, Any]]:
    """Read the items of dlt's: its names and its times as they were, without its own columns, with what was null."""
    names = {key: _snake(key) for key in item("")}
    for row in _files(folder / "out" / "briefs" / "results", suffix):
        found = {key: row.get(name) for key, name in names.items()}
        for key in ("model", "retouch"):
            if isinstance(found[key], str):
                found[key] = msgspec.json.decode(found[key])
        made = found["createdAt"]
        when = made if isinstance(made, datetime) else datetime.fromisoformat(made)
        found["createdAt"] = when.astimezone(UTC).isoformat().replace("+00:00", "Z")
        yield found


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def check(rows: Iterable[dict[str, Any]], count: int) -> None:
    """Hold the rows against what was served: the same items, each once, in their order.

    Raises:
        RuntimeError: they differ.
    """
    template = item("")
    for number, row in zip_longest(range(count), rows):
        if number is None or row != {**template, "id": f"{number:010}"}:
            raise RuntimeError(f"row {number} is not what was served: {row}")
