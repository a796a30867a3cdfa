"""A SQLite file is of its kind, of its version and whole, or it is refused and not touched."""

import errno
import os
import sqlite3
from contextlib import closing

import attrs
import pytest

from aishoot_async.storage import DamagedFileError, SqliteFormat, create_sqlite, open_sqlite, transaction

KIND = SqliteFormat(application_id=0x1234, version=2, schema="CREATE TABLE t (x UNIQUE);")
OLD = attrs.evolve(KIND, version=1)


def rows(database):
    return [x for (x,) in database.execute("SELECT x FROM t ORDER BY x")]


@pytest.fixture
def path(tmp_path):
    create_sqlite(tmp_path / "db", KIND, lambda new: new.execute("INSERT INTO t VALUES (1)"))
    open_sqlite(tmp_path / "db", KIND, rows)[0].close()
    return tmp_path / "db"


def check_refused(path, kind, told, read=rows):
    before = path.read_bytes()
    with pytest.raises(DamagedFileError, match=told):
        open_sqlite(path, kind, read)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_was_created_is_opened_and_read(path):
    database, found = open_sqlite(path, KIND, rows)
    with closing(database):
        assert found == [1]
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_file_that_cannot_be_filled_is_not_created(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        create_sqlite(tmp_path / "db", KIND, lambda new: new.execute("INSERT INTO nothing VALUES (1)"))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def fsync(_):
        raise OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        create_sqlite(tmp_path / "db", KIND)
    assert list(tmp_path.iterdir()) == []


def test_another_programs_file_is_refused(path):
    check_refused(path, attrs.evolve(KIND, application_id=1), "something else")


def test_a_later_version_is_refused(path):
    check_refused(path, OLD, r"unsupported schema version 2 \(a later release wrote it: upgrade; .* reads 1\)")


def test_an_earlier_version_names_its_release_and_what_to_do(path):
    kind = attrs.evolve(KIND, version=3, earlier={2: "release 0.1 wrote it; finish the job with that release"})
    check_refused(path, kind, r"schema version 2 \(release 0.1 wrote it; finish the job .* reads 3\)")


@pytest.mark.parametrize("damage", [b"", b"text" * 500])
def test_a_file_that_is_no_database_is_refused(path, damage):
    path.write_bytes(damage)
    check_refused(path, KIND, "something else|not a database")


def test_a_page_that_was_overwritten_is_found_by_the_check(path):
    """Reading the content does not meet it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE u (y)")
        database.execute("INSERT INTO u VALUES (1)")
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'u'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    check_refused(path, KIND, ".")


def test_content_that_the_reader_refuses_is_damage(path):
    def read(_):
        raise ValueError("two\nlines")

    check_refused(path, KIND, "^two lines$", read)


def test_what_is_lacking_is_no_damage(path):
    path.rename(path.with_name("kept"))
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        open_sqlite(path, KIND, rows)
    with pytest.raises(FileNotFoundError):
        open_sqlite(path.with_name("nothing"), KIND, rows)


def test_a_transaction_is_whole_or_not_at_all(path):
    database, _ = open_sqlite(path, KIND, rows)
    with closing(database):
        with pytest.raises(sqlite3.IntegrityError), transaction(database):
            database.execute("INSERT INTO t VALUES (2)")
            database.execute("INSERT INTO t VALUES (1)")
        assert rows(database) == [1]
        with transaction(database):
            database.execute("INSERT INTO t VALUES (2)")
        assert rows(database) == [1, 2]
