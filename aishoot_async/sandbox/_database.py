"""The SQLite file of a sandbox: its schema, and opening it."""

import sqlite3
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS skus (
    id TEXT PRIMARY KEY, serial INTEGER NOT NULL, rank INTEGER NOT NULL, is_global INTEGER NOT NULL,
    revision INTEGER NOT NULL, fields TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS skus_in_order ON skus (rank);
CREATE TABLE IF NOT EXISTS briefs (id INTEGER PRIMARY KEY, next_serial INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    brief_id INTEGER NOT NULL, place INTEGER NOT NULL, first_serial INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (brief_id, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    hash TEXT NOT NULL, organization TEXT NOT NULL, media_type TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (hash, organization));
CREATE TABLE IF NOT EXISTS access_tokens (token TEXT PRIMARY KEY, family INTEGER NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token TEXT PRIMARY KEY, family INTEGER NOT NULL, scope TEXT NOT NULL, rotated_at REAL);
CREATE TABLE IF NOT EXISTS device_codes (
    device_code TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, state TEXT NOT NULL,
    poll_interval REAL NOT NULL, expires_at REAL NOT NULL, polled_at REAL, polls INTEGER NOT NULL);
"""


def open_database(path: str) -> sqlite3.Connection:
    """Open a sandbox's file (made when it is missing), or a new one in memory.

    Writes survive the process, not a power cut: a sandbox need not wait for the disk.
    """
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def fact(connection: sqlite3.Connection, name: str) -> int | None:
    """Read one of the numbers that the file remembers."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def set_fact(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Let the file remember a number. The caller commits."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def take_serials(connection: sqlite3.Connection, name: str, count: int = 1) -> int:
    """Take `count` serial numbers that were never given before; returns the first (they start at 1)."""
    first = (fact(connection, name) or 0) + 1
    set_fact(connection, name, first + count - 1)
    return first
