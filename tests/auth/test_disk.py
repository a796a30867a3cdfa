"""The credential file on disk."""

import contextlib
import errno
import logging
import os
import stat
from pathlib import Path

import pytest

import aishoot_async.auth._disk as disk
from aishoot_async import AuthError, ConfigurationError, LockedError, LoginRequiredError, SessionClosedError
from aishoot_async.auth import Secret
from aishoot_async.auth._disk import credentials_path, locked, read_file
from aishoot_async.auth._document import Credentials
from aishoot_async.auth._writing import open_writer, remove_file
from helpers.official import official_read, official_write
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio
LOGIN = Credentials(access=Secret("at-2"), refresh=Secret("rt-2"), expires_in=60, expires_at=1000)
SECRET = "rt-0123456789abcdef_SECRET"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials.json"
    official_write(path, "at-1", "rt-1")
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def nobody(folder: Path):
    """Be a user whom the file system can refuse something: root may do everything."""
    if os.geteuid() != 0:
        yield
        return
    for parent in folder.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def replace(path: Path) -> None:
    replacement = open_writer(path)
    try:
        replacement.commit(LOGIN)
    finally:
        replacement.discard()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_replaced_whole_and_for_its_owner_alone(file: Path) -> None:
    file.chmod(0o644)
    old = file.stat().st_ino
    replacement = open_writer(file)
    [beside] = file.parent.glob(".*.tmp")
    assert mode(beside) == 0o600
    assert official_read(file).access_token == "at-1"
    replacement.commit(LOGIN)
    replacement.discard()
    assert (mode(file), official_read(file).access_token) == (0o600, "at-2")
    assert file.stat().st_ino != old
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("umask", [0, 0o077])
def test_whatever_the_umask_nobody_else_can_ever_read_it(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        replacement = open_writer(file)
        [beside] = file.parent.glob(".*.tmp")
        assert mode(beside) == 0o600
        replacement.commit(LOGIN)
        replacement.discard()
        assert mode(file) == 0o600
    finally:
        os.umask(before)


def test_a_new_file_that_is_not_wanted_leaves_nothing(file: Path) -> None:
    open_writer(file).discard()
    assert official_read(file).access_token == "at-1"
    assert list(file.parent.iterdir()) == [file]


def test_what_a_killed_process_left_is_swept(file: Path) -> None:
    (file.parent / f".{file.name}.1a2b3c4d.tmp").touch()
    other = file.parent / ".other.json.1234.tmp"
    other.touch()
    replace(file)
    assert sorted(file.parent.iterdir()) == sorted([other, file])


def test_of_a_symbolic_link_the_target_is_replaced(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.json"
    link.parent.mkdir()
    link.symlink_to(Path("..") / file.name)
    replace(link)
    assert link.is_symlink()
    assert link.readlink() == Path("..") / file.name
    assert official_read(file).access_token == "at-2"
    assert list(link.parent.iterdir()) == [link]
    remove_file(link)
    assert (link.is_symlink(), file.exists()) == (True, False)
    replace(link)
    assert official_read(file).access_token == "at-2"


def test_a_file_that_others_may_read_is_a_warning(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    for wide in (0o644, 0o640, 0o660, 0o604):
        file.chmod(wide)
        caplog.clear()
        read_file(file, warn=True)
        [record] = caplog.records
        assert (record.name, record.levelno) == ("aishoot_async.auth", logging.WARNING)
        assert "chmod 600" in record.getMessage()
        assert str(file) in record.getMessage()
    file.chmod(0o600)
    caplog.clear()
    read_file(file, warn=True)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (None, LoginRequiredError, ["is not there", "aishoot login"]),
        (b"", LoginRequiredError, ["is empty", "aishoot login"]),
        (f'{{"access_token": "{SECRET}", "re'.encode(), LoginRequiredError, ["cut short or damaged", "aishoot login"]),
        (b'{"access_token": null}', LoginRequiredError, ["neither an access token nor", "aishoot login"]),
        (f"export TOKEN={SECRET}".encode(), AuthError, ["holds no JSON object", "left alone", "move it away"]),
        (f'{{"secret": "{SECRET}"}}'.encode(), AuthError, ["neither an access token nor", "move it away"]),
    ],
)
def test_each_bad_file_is_its_own_sentence(tmp_path: Path, text, kind, said) -> None:
    path = tmp_path / "c.json"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(AuthError) as caught:
        read_file(path)
    assert type(caught.value) is kind
    for part in (*said, str(path)):
        assert part in str(caught.value)
    assert leaked(everything(caught.value), SECRET) == []
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="cannot be read: Is a directory"):
        read_file(tmp_path)


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(AuthError, match="cannot be read"):
        read_file(tmp_path / "a")


async def test_a_folder_and_a_file_that_cannot_be_written(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with locked(tmp_path_factory.mktemp("warm") / "c.json"):
        pass  # imports what nobody may be unable to read
    for path, bits in ((file, 0o400), (file.parent, 0o555)):
        os.chmod(path, bits)  # noqa: PTH101
    with nobody(file.parent):
        assert read_file(file).access == Secret("at-1")
        with pytest.raises(AuthError, match="needs a folder that can be written"):
            open_writer(file)
        with pytest.raises(AuthError, match="needs a folder that can be written"):
            async with locked(file):
                pass
        with pytest.raises(AuthError, match="neither be removed nor emptied"):
            remove_file(file)
    file.parent.chmod(0o755)
    assert list(file.parent.iterdir()) == [file]


@pytest.fixture
def in_place(file: Path):
    """A file that can be written, in a folder that cannot."""
    file.parent.chmod(0o555)
    with nobody(file.parent):
        yield file
    file.parent.chmod(0o755)


def test_where_it_is_written_in_place_it_stays_the_same_file(in_place: Path) -> None:
    old = in_place.stat().st_ino
    writer = open_writer(in_place)
    assert official_read(in_place).access_token == "at-1"
    writer.commit(LOGIN)
    writer.discard()
    assert (official_read(in_place).access_token, in_place.stat().st_ino) == ("at-2", old)
    assert in_place.read_bytes() == LOGIN.text()


@pytest.mark.parametrize("text", [b"", b"{", b'{"access_token": "x"}', b" " * 9000, LOGIN.text() * 3])
def test_what_is_not_committed_in_place_leaves_the_file_as_it_was(in_place: Path, text: bytes) -> None:
    in_place.write_bytes(text)
    os.utime(in_place, (1, 1))
    open_writer(in_place).discard()
    assert (in_place.read_bytes(), in_place.stat().st_mtime) == (text, 1)


@pytest.mark.parametrize("step", ["pwrite", "fsync", "ftruncate"])
@pytest.mark.parametrize("calls", range(3))
def test_a_process_that_dies_while_it_writes_in_place_leaves_a_login(in_place: Path, monkeypatch, step, calls) -> None:
    """A longer one, and a shorter one, than the one that is written."""
    for token in ("at-1", "at-" + "1" * 900):
        official_write(in_place, token, "rt-1")
        real, left = getattr(os, step), iter(range(calls))

        def dies(*arguments, real=real, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(os, step, dies)
            with contextlib.suppress(KeyboardInterrupt):
                open_writer(in_place).commit(LOGIN)
        assert read_file(in_place).access in {Secret(token), Secret("at-2")}


async def test_a_file_in_a_folder_that_cannot_be_written_is_its_own_lock(file: Path, tmp_path_factory) -> None:
    async with locked(tmp_path_factory.mktemp("warm") / "c.json"):
        pass  # imports what nobody may be unable to read
    file.parent.chmod(0o555)
    with nobody(file.parent):
        async with locked(file):
            with pytest.raises(SessionClosedError):
                async with locked(file, lambda: True):
                    pytest.fail("two hold it")
        async with locked(file):
            assert list(file.parent.iterdir()) == [file]
    file.parent.chmod(0o755)


def test_a_file_that_cannot_be_read(file: Path) -> None:
    file.chmod(0)
    with nobody(file.parent), pytest.raises(AuthError, match="cannot be read: Permission denied"):
        read_file(file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_found_out_before_anything_is_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def full(path, *rest):
        return real("/dev/full", os.O_WRONLY) if str(path).endswith(".tmp") else real(path, *rest)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(AuthError, match=os.strerror(errno.ENOSPC)):
        open_writer(file)
    assert official_read(file).access_token == "at-1"


async def test_the_lock_shuts_out_others_and_its_file_stays(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    lock = tmp_path / "credentials.json.lock"
    async with locked(file):
        assert mode(lock) == 0o600
        inode = lock.stat().st_ino
        given_up = [False, True]
        with pytest.raises(SessionClosedError):
            async with locked(link, lambda: given_up.pop() if len(given_up) > 1 else True):
                pytest.fail("two hold it")
    assert lock.stat().st_ino == inode
    async with locked(link):
        assert lock.stat().st_ino == inode
    assert lock.exists()


async def test_a_lock_that_is_held_all_the_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with locked(file):
        monkeypatch.setattr(disk, "LOCK_SECONDS", 0.05)
        with pytest.raises(LockedError, match="another process has held"):
            async with locked(file):
                pytest.fail("two hold it")


def test_where_a_new_file_cannot_take_its_place_against_all_proof_the_old_one_is_written(file: Path) -> None:
    replacement = open_writer(file)
    replacement._writer.temporary.unlink()
    replacement.commit(LOGIN)
    replacement.discard()
    assert official_read(file).access_token == "at-2"


def test_a_new_file_that_vanishes_together_with_the_old_one_is_an_error(file: Path) -> None:
    replacement = open_writer(file)
    replacement._writer.temporary.unlink()
    file.unlink()
    with pytest.raises(AuthError, match="cannot be replaced: No such file"):
        replacement.commit(LOGIN)
    replacement.discard()


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert credentials_path("~/x.json") == tmp_path / "x.json"
    monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", "~/y.json")
    assert credentials_path() == tmp_path / "y.json"
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("AUTORETOUCH_CREDENTIALS_PATH")
        else:
            monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", unset)
        assert credentials_path() == tmp_path / ".config" / "autoretouch-credentials.json"


@pytest.mark.parametrize("path", ["", b"x", 7, "a\0b", ["x"], "~no-such-user/c.json"])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(ConfigurationError):
        credentials_path(path)
