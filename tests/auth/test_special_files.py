"""What is no file in the place of the credential file or of its lock: a clear error at once, and nothing that waits."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from aishoot_async import AuthError, CredentialFile, LoginRequiredError
from aishoot_async.auth import login, logout, status
from helpers.official import official_read, official_write
from helpers.raw_server import RawServer, always
from helpers.sessions import session_for

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20)]
SOON = 10.0  # seconds; far more than any of this takes, and far less than for ever


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        where = os.open(path.parent, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{where}/{path.name}")  # a socket's path must be short
        except OSError:
            pytest.skip("no socket can be made here")
        finally:
            os.close(where)


def link_to(kind: str):
    def make(path: Path) -> None:
        KINDS[kind][0](path.with_name("target"))
        path.symlink_to(path.with_name("target"))

    return make


KINDS = {
    "pipe": (os.mkfifo, "pipe"),
    "folder": (Path.mkdir, "Is a directory"),
    "socket": (make_socket, "socket"),
    "endless device": (lambda path: path.symlink_to("/dev/zero"), "device"),
    "empty device": (lambda path: path.symlink_to("/dev/null"), "device"),
    "full device": (lambda path: path.symlink_to("/dev/full"), "device"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "device"),
    "link to a pipe": (link_to("pipe"), "pipe"),
    "link to a folder": (link_to("folder"), "Is a directory"),
    "links in a circle": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "huge file": (lambda path: path.write_bytes(b'{"x": "' + b"x" * 2**21 + b'"}'), "more than 1 MiB"),
    "huge file with a hole": (lambda path: path.touch() or os.truncate(path, 2**40), "more than 1 MiB"),
    "blanks without end": (lambda path: path.write_bytes(b" " * 2**21), "more than 1 MiB"),
}


async def renew(server, path: Path) -> None:
    session = session_for(server, CredentialFile(path))
    try:
        await session.skus.list_global()
    finally:
        await asyncio.wait_for(session.aclose(), SOON)


USES = {
    "call": renew,
    "status": lambda _, path: status(path),
    "login": lambda server, path: login(lambda _: None, path, auth_url=server.url),
    "logout": lambda server, path: logout(path, auth_url=server.url),
    "logout here": lambda server, path: logout(path, local=True, auth_url=server.url),
}


def is_there(path: Path) -> bool:
    return os.path.lexists(path)


def in_its_place(path: Path) -> tuple[object, ...]:
    kind = path.lstat()
    return kind.st_mode, kind.st_ino, kind.st_size


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_file_in_the_place_of_the_login(tmp_path, kind, use) -> None:
    make, said = KINDS[kind]
    path = tmp_path / "credentials.json"
    make(path)
    before = in_its_place(path)
    async with RawServer(always(b"{}")) as server:
        if kind == "links in a circle" and use.startswith("logout"):
            assert await USES[use](server, path) is False, "there is no login"
            return
        with pytest.raises(AuthError, match=said) as caught:
            await asyncio.wait_for(USES[use](server, path), SOON)
        assert server.requests == []
    assert str(path) in str(caught.value)
    assert in_its_place(path) == before


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
@pytest.mark.parametrize("use", USES)
async def test_nothing_is_left_beside_a_device(device, use) -> None:
    beside = Path(f"{device}.lock")
    async with RawServer(always(b"{}")) as server:
        with pytest.raises(AuthError):
            await asyncio.wait_for(USES[use](server, Path(device)), SOON)
    assert not is_there(beside)


LOCKS = ["pipe", "folder", "socket", "endless device", "empty device", "link to a pipe", "links in a circle"]


@pytest.mark.parametrize("use", ["call", "login", "logout"])
@pytest.mark.parametrize("kind", LOCKS)
async def test_what_is_no_file_in_the_place_of_the_lock(tmp_path, kind, use) -> None:
    make, said = KINDS[kind]
    path, lock = tmp_path / "credentials.json", tmp_path / "credentials.json.lock"
    official_write(path, "", "rt-1")
    make(lock)
    async with RawServer(always(b"{}")) as server:
        with pytest.raises(AuthError, match=f"cannot be locked: .*{said}") as caught:
            await asyncio.wait_for(USES[use](server, path), SOON)
        assert server.requests == []
    assert str(lock) in str(caught.value)
    assert official_read(path).refresh_token == "rt-1"


async def test_a_file_that_turns_into_a_pipe_while_a_session_lives(sandbox, source) -> None:
    session = session_for(sandbox, source)
    await session.skus.list_global()
    source.path.unlink()
    os.mkfifo(source.path)
    await session.skus.list_global()
    sandbox.expire_tokens()
    with pytest.raises(AuthError, match="pipe"):
        await session.skus.list_global()
    await asyncio.wait_for(session.aclose(), SOON)


async def test_a_link_that_leads_nowhere_is_no_login_and_a_login_is_made_there(tmp_path) -> None:
    path = tmp_path / "credentials.json"
    path.symlink_to(tmp_path / "gone.json")
    with pytest.raises(LoginRequiredError):
        await status(path)
    assert await logout(path) is False
