"""Using a login where the file system forbids something: in another mount namespace, as another user, with a limit.

As a program, it is the child: ``confined.py URL FILE UID LIMIT COMMAND...``.
"""

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import attrs

from aishoot_async import AIShootError, AIShootSession, CredentialFile, RetryPolicy
from aishoot_async.auth import login, logout
from aishoot_async.auth._disk import locked

USER = 12_345
NAMESPACE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]


@attrs.frozen
class Said:
    """What the child said: "ok", or the error's name and its text."""

    word: str
    text: str


def can_mount() -> bool:
    """Tell whether this machine lets us mount anything, in a namespace of its own."""
    try:
        done = subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def run_confined(
    url: str, file: Path, *commands: str, mount: str = "", as_user: bool = False, limit: int = 0
) -> list[Said]:
    """Run the child.

    Args:
        url: the API and the auth server.
        file: the credential file.
        commands: each ``renew`` (a call whose token has to be renewed first), ``login`` or ``logout``.
        mount: shell commands that mount something; ``$1`` is the file, ``$2`` its folder.
        as_user: be a user whom the file system can refuse something.
        limit: the largest file that can be written, in bytes; 0 for none.
    """
    child = [sys.executable, __file__, url, str(file), str(USER if as_user else 0), str(limit), *commands]
    if mount:
        script = f'set -e; {mount}; shift 2; exec "$@"'
        child = [*NAMESPACE, "sh", "-c", script, "sh", str(file), str(file.parent), *child]
    done = subprocess.run(child, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    said = [line.partition(" ") for line in done.stdout.splitlines()]
    return [Said(word, text) for word, _, text in said]


async def _use(url: str, file: Path, command: str) -> None:
    if command == "login":
        await login(lambda _: None, file, auth_url=url)
    elif command == "logout":
        await logout(file, auth_url=url)
    else:
        async with AIShootSession(CredentialFile(file), base_url=url, auth_url=url) as session:
            for _ in range(3):
                await session.skus.list_global()


async def _child(url: str, file: Path, user: int, limit: int, commands: list[str]) -> None:
    # What is imported later, another user may be unable to read.
    async with AIShootSession("warm", base_url=url, retry=RetryPolicy(attempts=1)) as session:
        with contextlib.suppress(AIShootError):
            await session.skus.list_global()
    with tempfile.TemporaryDirectory() as folder:
        async with locked(Path(folder) / "warm.json"):
            pass
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    for command in commands:
        try:
            await _use(url, file, command)
        except AIShootError as error:
            sys.stdout.write(f"{type(error).__name__} {error}\n")
        else:
            sys.stdout.write("ok\n")


if __name__ == "__main__":
    asyncio.run(_child(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]))
