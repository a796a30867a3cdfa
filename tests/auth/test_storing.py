"""A login is renewed, and begun, only where the new one can be stored: a token that was used up cannot be had again."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from aishoot_async import CredentialFile
from aishoot_async.auth import status
from aishoot_async.auth._disk import locked, read_file
from aishoot_async.sandbox import Delay, Fault, Sandbox, ThreadedSandbox
from auth.conftest import STRICT
from helpers.confined import USER, can_mount, run_confined
from helpers.official import official_write
from helpers.sessions import session_for

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
MOUNTS = pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here")


@attrs.frozen(kw_only=True)
class Case:
    """How a file is protected, and what must come of it: ``said`` is None where the login can be stored."""

    prepare: str = ""  # shell commands; $1 is the file, $2 its folder, $U the user's id
    mount: str = ""
    as_user: bool = False
    limit: int = 0
    said: str | None = None


# A container's own folder, and in it the file of the host.
CONTAINER = """
mount -t tmpfs none /mnt; touch /mnt/c; mount --bind "$1" /mnt/c
mount -t tmpfs none "$2"; touch "$1"; mount --bind /mnt/c "$1"
"""
BIND = 'mount --bind "$1" "$1"'
CASES = {
    "mounted by itself": (Case(mount=BIND), MOUNTS),
    "mounted into a container": (Case(mount=CONTAINER.strip().replace("\n", ";")), MOUNTS),
    "mounted by itself, with a blank in its name": (
        Case(prepare='mv "$2" "$2 b"; ln -s "$2 b" "$2"', mount=BIND),
        MOUNTS,
    ),
    "mounted by itself, from another file system": (
        Case(mount='mkdir "$2/o"; mount -t tmpfs none "$2/o"; cp "$1" "$2/o/c"; mount --bind "$2/o/c" "$1"'),
        MOUNTS,
    ),
    "mounted by itself, to be read only": (
        Case(mount=f'{BIND}; mount -o remount,bind,ro "$1"', said="Read-only file system"),
        MOUNTS,
    ),
    "in a folder mounted to be read only": (
        Case(mount='mount --bind "$2" "$2"; mount -o remount,bind,ro "$2"', said="Read-only file system"),
        MOUNTS,
    ),
    "another user's in a sticky folder": (
        Case(prepare='chmod 1777 "$2"; chmod 644 "$1"', as_user=True, said="sticky bit"),
        ROOT,
    ),
    "another user's in a sticky folder, but for all": (
        Case(prepare='chmod 1777 "$2"; chmod 666 "$1"', as_user=True),
        ROOT,
    ),
    "in a folder that cannot be written": (Case(prepare='chmod 755 "$2"; chown $U "$1"', as_user=True), ROOT),
    "neither folder nor file can be written": (
        Case(prepare='chmod 755 "$2"; chmod 644 "$1"', as_user=True, said="Permission denied"),
        ROOT,
    ),
    "another user's in a folder for all": (Case(prepare='chmod 777 "$2"; chmod 644 "$1"', as_user=True), ROOT),
    "immutable": (Case(prepare='chattr +i "$1"', said="immutable"), ROOT),
    "append-only": (Case(prepare='chattr +a "$1"', said="append-only"), ROOT),
    "in a folder that is append-only": (Case(prepare='touch "$1.lock"; chattr +a "$2"'), ROOT),
    "a limit on file sizes": (Case(limit=4096, said="File too large"), ()),
    "a full disk": (
        Case(
            mount='cp "$1" "/tmp/c.$$"; mount -t tmpfs -o size=16k none "$2"; cp "/tmp/c.$$" "$1"; rm "/tmp/c.$$"',
            said="No space left",
        ),
        MOUNTS,
    ),
    "mounted by itself, on a full disk": (
        Case(
            mount='mkdir "$2/o"; mount -t tmpfs -o size=16k none "$2/o"; cp "$1" "$2/o/c"; mount --bind "$2/o/c" "$1"',
            said="No space left",
        ),
        MOUNTS,
    ),
}
PARAMS = [pytest.param(case, id=name, marks=marks) for name, (case, marks) in CASES.items()]


@pytest.fixture
def file() -> Iterator[Path]:
    """A file in a folder that other users can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder / "credentials.json"
    if shutil.which("chattr"):
        subprocess.run(["chattr", "-R", "-i", "-a", str(folder)], capture_output=True, check=False)
    for place in (folder.with_name(f"{folder.name} b"), folder):
        place.unlink() if place.is_symlink() else shutil.rmtree(place, ignore_errors=True)


def prepare(case: Case, file: Path) -> None:
    env = {**os.environ, "U": str(USER)}
    done = subprocess.run(
        ["sh", "-ec", case.prepare, "sh", file, file.parent], env=env, capture_output=True, check=False
    )
    if done.returncode and "chattr" in case.prepare:
        pytest.skip("the file system knows no such attributes")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", PARAMS)
def test_a_login_is_renewed_and_begun_where_it_can_be_stored_and_not_asked_for_elsewhere(file, case) -> None:
    with ThreadedSandbox(**STRICT, device_interval=0, auto_approve_after=1) as sandbox:
        official_write(file, "stale", sandbox.refresh_token)
        file.chmod(0o600)
        os.utime(file, (1, 1))
        prepare(case, file)
        before = file.read_bytes()
        how = {"mount": case.mount, "as_user": case.as_user, "limit": case.limit}
        if case.said is None:
            said = run_confined(sandbox.url, file, "renew", "login", "renew", "logout", **how)
            assert [one.word for one in said] == ["ok"] * 4, said
            assert [sandbox.calls[name] for name in ("refresh", "device_code", "revoke")] == [1, 1, 1]
            # What cannot be removed is emptied.
            assert "/o" in case.mount or not file.exists() or file.read_bytes() == b""
        else:
            said = run_confined(sandbox.url, file, "renew", "login", **how)
            for one in said:
                assert one.word == "AuthError"
                for part in (case.said, str(file), "AUTORETOUCH_CREDENTIALS_PATH"):
                    assert part in one.text
                assert sandbox.refresh_token not in one.text
            assert [sandbox.calls[name] for name in ("refresh", "device_code", "token")] == [0, 0, 0]
            assert file.read_bytes() == before


@ROOT
def test_what_can_neither_be_removed_nor_emptied_is_said_to_be_revoked(file) -> None:
    with ThreadedSandbox(**STRICT) as sandbox:
        official_write(file, sandbox.token, sandbox.refresh_token)
        prepare(CASES["immutable"][0], file)
        [said] = run_confined(sandbox.url, file, "logout")
        assert sandbox.calls["revoke"] == 1
        assert "the login is revoked, but" in said.text


@ROOT
def test_root_leaves_a_user_their_file(file) -> None:
    with ThreadedSandbox(**STRICT) as sandbox:
        official_write(file, "stale", sandbox.refresh_token)
        os.utime(file, (1, 1))
        os.chown(file, USER, USER)
        assert [one.word for one in run_confined(sandbox.url, file, "renew")] == ["ok"]
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (USER, 0o600)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("mounted into a container", marks=MOUNTS),
        pytest.param("in a folder that cannot be written", marks=ROOT),
        pytest.param("another user's in a sticky folder, but for all", marks=ROOT),
    ],
)
def test_processes_that_write_in_place_renew_once_for_all(file, name) -> None:
    case = CASES[name][0]
    # So long that all the others have come before it is over.
    with ThreadedSandbox(**STRICT, faults=[Fault(Delay(4), operation="refresh")]) as sandbox:
        official_write(file, "stale", sandbox.refresh_token)
        os.utime(file, (1, 1))
        prepare(case, file)

        def renew(_: int) -> list[str]:
            said = run_confined(sandbox.url, file, "renew", mount=case.mount, as_user=case.as_user)
            return [one.word for one in said]

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(renew, range(4))) == [["ok"]] * 4
        assert sandbox.calls["refresh"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "half", [b"", b'{"access_token": "at-1", "refr', b'{"access_token": "at-1"}' + b" " * 9 + b"}"]
)
@pytest.mark.parametrize("use", ["status", "call"])
async def test_who_reads_half_of_what_is_written_in_place_reads_again(tmp_path, monkeypatch, use, half) -> None:
    path = tmp_path / "credentials.json"
    read = asyncio.Event()
    loop = asyncio.get_running_loop()

    def reading(*arguments, **options):
        try:
            return read_file(*arguments, **options)
        finally:
            loop.call_soon_threadsafe(read.set)

    monkeypatch.setattr("aishoot_async.auth._status.read_file", reading)
    monkeypatch.setattr("aishoot_async.auth._credential_file.read_file", reading)
    async with Sandbox(**STRICT) as sandbox, session_for(sandbox, CredentialFile(path)) as session:
        official_write(path, sandbox.token, sandbox.refresh_token)
        whole = path.read_bytes()
        async with locked(path):
            path.write_bytes(half)
            user = asyncio.ensure_future(status(path) if use == "status" else session.skus.list_global())
            await read.wait()
            path.write_bytes(whole)
        await user
        assert sandbox.calls["refresh"] == 0
