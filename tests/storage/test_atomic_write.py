"""A file is replaced whole and on the disk, or it stays as it was and nothing is left beside it."""

import errno
import os
import stat

import pytest

from aishoot_async.storage import AtomicFileWriter, atomic_write, fsync_folder


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    return tmp_path / "file"


def refuse(number, only=lambda _: True):
    """Have a system call fail for the descriptors that `only` picks."""
    fsync = os.fsync

    def failing(descriptor):
        if only(descriptor):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    return failing


def is_folder(descriptor):
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def is_file(descriptor):
    return not is_folder(descriptor)


def check_untouched(path):
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_readers_see_the_old_content_until_the_new_one_is_whole(path):
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_failing_body_leaves_the_old_file(path, error):
    with pytest.raises(error), atomic_write(path) as file:
        file.write(b"half")
        raise error
    check_untouched(path)


def test_a_new_file_whose_body_fails_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="no"), atomic_write(tmp_path / "new") as file:
        file.write(b"half")
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC, is_file))
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(path) as file:
        file.write(b"new")
    assert caught.value.errno == errno.ENOSPC
    check_untouched(path)


def test_a_limit_on_file_sizes_leaves_the_old_file(path):
    resource, signal = pytest.importorskip("resource"), pytest.importorskip("signal")
    before, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"), atomic_write(path) as file:
            file.write(bytes(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    check_untouched(path)


def test_content_is_synced_before_the_rename_and_the_folder_after_it(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("folder" if is_folder(fd) else "file"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    with atomic_write(path) as file:
        file.write(b"new")
    assert calls == ["file", "replace", "folder"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES])
def test_a_file_system_that_syncs_no_folder_is_no_error(path, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", refuse(number, is_folder))
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_to_sync_a_folder_is_an_error(path, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", refuse(number, is_folder))
    with pytest.raises(OSError, match=os.strerror(number)):
        fsync_folder(path.parent)


def test_permissions_follow_the_umask_or_the_given_mode(path):
    before = os.umask(0o027)
    try:
        with atomic_write(path):
            pass
        writer = AtomicFileWriter(path, mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(writer.temporary.stat().st_mode) == 0o600
    writer.discard()
    writer.discard()
    assert list(path.parent.iterdir()) == [path]


def test_a_name_without_room_for_another_one_beside_it_is_an_error(tmp_path):
    with pytest.raises(OSError, match="too long"), atomic_write(tmp_path / ("n" * 255)):
        pytest.fail("a file was opened")
