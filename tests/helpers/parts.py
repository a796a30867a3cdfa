"""Parts of exports, read back."""

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aishoot_async import AIShootSession

COLUMNS: dict[str, Any] = {"csv": {"columns": ["id", "imageUrl"]}}


def options_for(name: str) -> dict[str, Any]:
    return {"format": name, **COLUMNS.get(name, {})}


def contents(folder: Path) -> dict[str, bytes]:
    """Read the parts of a folder."""
    return {
        str(found.relative_to(folder)): found.read_bytes()
        for found in sorted(folder.rglob("part-*"))
        if ".aishoot" not in found.parts
    }


def journal_rows(state: Path) -> list[dict[str, Any]]:
    """Read the rows of an unsharded job's journal, while the job runs or not; none where there is no journal yet."""
    try:
        with closing(sqlite3.connect((state / "1-of-1" / "journal.sqlite").as_uri() + "?mode=ro", uri=True)) as journal:
            return [json.loads(record) for (record,) in journal.execute("SELECT record FROM unit")]
    except sqlite3.OperationalError:
        return []


def visible(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir() if not found.name.startswith("."))


def rows_of(folder: Path, brief: int) -> list[dict[str, object]]:
    """Read a brief's rows out of JSON Lines, compressed or not."""
    rows = []
    for part in sorted((folder / f"brief_id={brief}").iterdir()):
        text = gzip.decompress(part.read_bytes()) if part.suffix == ".gz" else part.read_bytes()
        rows += [json.loads(line) for line in text.splitlines()]
    return rows


def session_of(sandbox: Any, **options: Any) -> AIShootSession:
    return AIShootSession(sandbox.token, base_url=sandbox.url, **options)


def needs(name: str) -> None:
    """Skip where a format's package is not installed."""
    if name == "parquet":
        pytest.importorskip("pyarrow")
    if name == "jsonl.zst":
        pytest.importorskip("zstandard")


def bytes_of(destination: Path) -> dict[str, bytes] | bytes:
    """Read a file, or the parts of a folder."""
    return contents(destination) if destination.is_dir() else destination.read_bytes()


def home_of(destination: Path) -> Path:
    """Find where the journal of a file or a folder lies."""
    return destination / ".aishoot" if destination.is_dir() else destination.with_name(f".{destination.name}.aishoot")


def assert_the_journal_claims_no_more_than_is_there(destination: Path, name: str, scratch: Path) -> None:
    """See that each part of which the journal speaks has at least the bytes that it says."""
    own = home_of(destination) / "1-of-1"
    if not (own / "journal.sqlite").exists():
        return
    # From a copy: SQLite needs room even to read.
    scratch.mkdir()
    for file in own.glob("journal.sqlite*"):
        shutil.copy(file, scratch)
    with closing(sqlite3.connect(scratch / "journal.sqlite")) as journal:
        records = [json.loads(record) for (record,) in journal.execute("SELECT record FROM unit")]
    for record in records:
        reading = record["reading"] or {"staged": [], "open": None}
        for part in [*reading["staged"], *([reading["open"]] if reading["open"] else [])]:
            file = own / "staging" / record["name"] / f"part-{part['number']:05}.staged"
            if record["state"] == "publishing" and not file.exists():
                folder = destination / record["name"]
                file = folder / f"part-{part['number']:05}.{name}" if destination.is_dir() else destination
            assert file.stat().st_size >= part["size"]
