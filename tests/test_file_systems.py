"""File systems that can do less: folders that cannot be synced, and no locks. Stood in for by a library in C.

It is loaded before libc into a process of its own, so that everything else, SQLite's and Python's own work, is real.
"""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static int wanted(const char *name) { char *text = getenv(name); return text ? atoi(text) : 0; }
int fsync(int fd) {
  struct stat found;
  int error = wanted("NO_FOLDER_SYNC");
  if (error && !fstat(fd, &found) && S_ISDIR(found.st_mode)) { errno = error; return -1; }
  return syscall(SYS_fsync, fd);
}
int flock(int fd, int operation) {
  int error = wanted("NO_LOCKS");
  if (error) { errno = error; return -1; }
  return syscall(SYS_flock, fd, operation);
}
"""
SLOW = pytest.mark.slow
UNSYNCED = [
    errno.EINVAL,
    *(
        pytest.param(error, marks=SLOW)
        for error in (errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.ENOSYS)
    ),
]
LOCKLESS = [
    errno.ENOLCK,
    *(pytest.param(error, marks=SLOW) for error in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("library")
    (folder / "less.c").write_text(SOURCE)
    done = subprocess.run([compiler, "-shared", "-fPIC", "-o", "less.so", "less.c"], cwd=folder, check=False)
    if done.returncode:
        pytest.skip("the C compiler makes no library here")
    return folder / "less.so"


def run(library: Path, folder: Path, *arguments: str, **settings: int) -> subprocess.CompletedProcess[str]:
    (folder / "catalog.csv").write_text("key,name,frontImage\na,Dress,img-1\n")
    said = {name: str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "aishoot_async", "-q", "--sandbox", *arguments],
        cwd=folder,
        env={**os.environ, "LD_PRELOAD": str(library), **said},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


WORK = {
    "an export to a file": ("results", "export", "1", "--to", "r.jsonl"),
    "an export to a folder": ("results", "export", "1", "2", "--to", "out"),
    "a sync": ("skus", "sync", "catalog.csv", "--state", "s.state", "--apply"),
}


@pytest.mark.parametrize("error", UNSYNCED, ids=errno.errorcode.get)
@pytest.mark.parametrize("work", WORK)
def test_a_folder_that_cannot_be_synced_stops_nothing(library, tmp_path, work, error):
    done = run(library, tmp_path, *WORK[work], NO_FOLDER_SYNC=error)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_folder_whose_disk_fails_is_an_error(library, tmp_path, error):
    done = run(library, tmp_path, *WORK["an export to a file"], NO_FOLDER_SYNC=error)
    assert done.returncode == 1
    assert os.strerror(error) in done.stderr


@pytest.mark.parametrize("error", LOCKLESS, ids=errno.errorcode.get)
@pytest.mark.parametrize("work", WORK)
def test_a_file_system_without_locks_is_named_with_the_way_out(library, tmp_path, work, error):
    done = run(library, tmp_path, *WORK[work], NO_LOCKS=error)
    assert done.returncode == 1
    assert "has no locks" in done.stderr
    assert "local disk" in done.stderr
    assert "lock: " in done.stderr
    assert "Traceback" not in done.stderr
