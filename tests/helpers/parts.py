"""Parts of exports, read back."""

import gzip
import json
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
