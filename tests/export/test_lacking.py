"""What was lacking is no damage: it is named, with its file, and the same call goes on once it is there."""

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress

import pytest

from aishoot_async import ExportError
from aishoot_async.export import export_results
from aishoot_async.jobs import _journal as journals
from aishoot_async.sandbox import Sandbox
from aishoot_async.storage import explain_sqlite_error, is_damage
from helpers.parts import contents, session_of

pytestmark = pytest.mark.anyio
JOURNAL = "r/.aishoot/1-of-1/journal.sqlite"


@pytest.fixture
async def session(tmp_path):
    """Have one brief finished, and one that was not found."""
    async with Sandbox(briefs={1: 25, 2: 3}) as sandbox, session_of(sandbox) as open_session:
        await export_results(open_session, [1, 2, 99], tmp_path / "r")
        sandbox.add_brief(99, 4)
        yield open_session


@contextmanager
def locked_by_a_backup(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def beside_it_a_folder(path):
    """Have a folder where SQLite makes its log: neither can it be opened, nor made."""
    (path.parent / "journal.sqlite-wal").unlink(missing_ok=True)
    (path.parent / "journal.sqlite-wal").mkdir()
    yield
    (path.parent / "journal.sqlite-wal").rmdir()


@contextmanager
def a_folder_in_its_place(path):
    path.rename(path.with_name("kept"))
    path.mkdir()
    yield
    path.rmdir()
    path.with_name("kept").rename(path)


@contextmanager
def a_link_to_nothing_in_its_place(path):
    path.rename(path.with_name("kept"))
    path.symlink_to("nothing")
    yield
    path.unlink()
    path.with_name("kept").rename(path)


LACKING = {
    locked_by_a_backup: "another program has it open.*locked",
    beside_it_a_folder: "cannot be opened|Is a directory",
    a_folder_in_its_place: "Is a directory",
    a_link_to_nothing_in_its_place: "No such file",
}


@pytest.mark.parametrize(("lack", "told"), LACKING.items(), ids=[lack.__name__ for lack in LACKING])
@pytest.mark.parametrize("how", [{}, {"refresh": True}, {"restart": True}])
async def test_what_is_lacking_is_named_and_nothing_is_lost(tmp_path, session, monkeypatch, lack, told, how):
    monkeypatch.setattr(sqlite3, "connect", _impatient(sqlite3.connect))
    before = contents(tmp_path / "r")
    with lack(tmp_path / JOURNAL):
        with pytest.raises(ExportError, match=told) as caught:
            await export_results(session, [1, 2, 99], tmp_path / "r", **how)
        assert "journal.sqlite" in str(caught.value)
        assert "the same call goes on" in str(caught.value)
        assert "restart" not in str(caught.value)
        assert contents(tmp_path / "r") == before
    report = await export_results(session, [1, 2, 99], tmp_path / "r")
    assert [outcome.how for outcome in report.outcomes] == ["kept", "kept", "fetched"]
    assert report.complete


def _impatient(connect):
    return lambda *given, **options: connect(*given, **{**options, "timeout": 0.01})


@contextmanager
def no_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.open(os.curdir, os.O_RDONLY)  # the lowest that is free
    os.close(probe)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe + 64, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.curdir, os.O_RDONLY))
        yield taken
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("left", range(4))
def test_a_journal_for_which_there_are_no_descriptors_is_not_damaged(tmp_path, left):
    path = tmp_path / "journal.sqlite"
    journals.Journal.create(path).close()
    with no_descriptors() as taken:
        for _ in range(min(left, len(taken))):
            os.close(taken.pop())
        try:
            journals.Journal(path).close()
        except OSError as error:
            assert error.errno == errno.EMFILE
            assert error.filename is not None
        except sqlite3.OperationalError as error:
            assert not is_damage(error)
    journals.Journal(path).close()


@pytest.mark.parametrize("room", ["nr_inodes=12", "size=64k"])
def test_a_disk_without_room_for_more_files_is_named(tmp_path, room):
    """A disk that has no inode left, and one that has no block left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", room, "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        path = disk / "journal.sqlite"
        journals.Journal.create(path).close()
        with suppress(OSError):
            for number in range(100):
                (disk / str(number)).write_bytes(bytes(1024))
        with pytest.raises((OSError, sqlite3.OperationalError)) as caught:
            journals.Journal(path)
        if isinstance(caught.value, OSError):
            assert caught.value.errno == errno.ENOSPC
        else:
            assert not is_damage(caught.value)
        for found in disk.glob("[0-9]*"):
            found.unlink()
        journals.Journal(path).close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


CODES = {
    "SQLITE_BUSY": False,
    "SQLITE_BUSY_SNAPSHOT": False,
    "SQLITE_LOCKED": False,
    "SQLITE_CANTOPEN": False,
    "SQLITE_CANTOPEN_ISDIR": False,
    "SQLITE_FULL": False,
    "SQLITE_IOERR": False,
    "SQLITE_IOERR_FSYNC": False,
    "SQLITE_NOMEM": False,
    "SQLITE_NOLFS": False,
    "SQLITE_PERM": False,
    "SQLITE_PROTOCOL": False,
    "SQLITE_READONLY": False,
    "SQLITE_READONLY_CANTINIT": False,
    "SQLITE_AUTH": False,
    "SQLITE_INTERRUPT": False,
    "SQLITE_CORRUPT": True,
    "SQLITE_CORRUPT_VTAB": True,
    "SQLITE_NOTADB": True,
    "SQLITE_ERROR": True,
}


@pytest.mark.parametrize(("name", "damage"), CODES.items())
def test_codes_are_told_apart(name, damage):
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = getattr(sqlite3, name)
    assert is_damage(error) is damage
    assert "what SQLite says" in explain_sqlite_error(error)


@pytest.mark.parametrize("error", [ValueError("a"), KeyError("a"), TypeError("a"), sqlite3.DatabaseError("no code")])
def test_what_the_own_check_says_is_damage(error):
    assert is_damage(error)


@pytest.mark.skipif(shutil.which("setpriv") is None or os.getuid() != 0, reason="another user is needed")
def test_a_journal_of_another_user_is_not_damaged(tmp_path):
    path = tmp_path / "journal.sqlite"
    journals.Journal.create(path).close()
    path.chmod(0o600)
    code = (
        "import sqlite3, sys, pathlib\nfrom aishoot_async.jobs import Journal\n"
        "import os; os.setgid(65534); os.setuid(65534)\n"
        "try: Journal(pathlib.Path(sys.argv[1]))\n"
        "except OSError as error: print(error.strerror)"
    )
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "Permission denied"
