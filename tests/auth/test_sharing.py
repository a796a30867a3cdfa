"""One source, and several sessions, loops and tasks."""

import asyncio
from pathlib import Path

import pytest

from aishoot_async import (
    AIShootSession,
    ConfigurationError,
    CredentialFile,
    LoginRejectedError,
    RefreshToken,
    WrongLoopError,
)
from aishoot_async.auth._disk import locked
from aishoot_async.sandbox import ThreadedSandbox
from auth.conftest import STRICT
from helpers.official import official_write
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_one_source_in_two_sessions(sandbox, file, kind) -> None:
    source = CredentialFile(file) if kind == "file" else RefreshToken(sandbox.refresh_token)
    async with session_for(sandbox, source) as two:
        async with session_for(sandbox, source) as one:
            await asyncio.gather(*(session.skus.list_global() for session in (one, two) * 10))
            so_far = sandbox.calls["refresh"]
            sandbox.expire_tokens()
            await asyncio.gather(*(session.skus.list_global() for session in (one, two) * 10))
            assert sandbox.calls["refresh"] == so_far + 1
        sandbox.expire_tokens()
        await two.skus.list_global()
    assert sandbox.calls["refresh"] == so_far + 2


async def test_a_session_that_closes_takes_no_other_along(sandbox, source) -> None:
    """The first one's refresh waits for the lock when it closes; the second one's call waits for that refresh."""
    one, two = session_for(sandbox, source), session_for(sandbox, source)
    async with two:
        await asyncio.gather(one.skus.list_global(), two.skus.list_global())
        sandbox.expire_tokens()
        begun, renew = asyncio.Event(), source._keeper._renew

        def begin(need):
            begun.set()
            return renew(need)

        source._keeper._renew = begin
        async with locked(source.path):
            mine = asyncio.create_task(one.skus.list_global())
            await sandbox.wait_for_calls(3, "list_global_skus")
            await begun.wait()
            theirs = asyncio.create_task(two.skus.list_global())
            for _ in range(10):
                await asyncio.sleep(0)  # until it waits, too
            await one.aclose()
            await asyncio.wait([mine])
        await theirs
    assert type(mine.exception()).__name__ == "SessionClosedError"
    assert sandbox.calls["refresh"] == 1


async def test_on_another_loop_it_says_so(sandbox, source) -> None:
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()

        async def elsewhere() -> None:
            async with AIShootSession(source, base_url=sandbox.url, auth_url=sandbox.url) as other:
                with pytest.raises(WrongLoopError, match="source of tokens"):
                    await other.skus.list_global()

        await asyncio.to_thread(asyncio.run, elsewhere())


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_on_one_loop_after_another_it_works(tmp_path: Path, kind: str) -> None:
    with ThreadedSandbox(**STRICT) as sandbox:
        official_write(tmp_path / "c.json", sandbox.token, sandbox.refresh_token)
        source = CredentialFile(tmp_path / "c.json") if kind == "file" else RefreshToken(sandbox.refresh_token)

        async def use() -> None:
            async with session_for(sandbox, source) as session:
                await session.skus.list_global()

        for _ in range(3):
            asyncio.run(use())
            sandbox.expire_tokens()


@pytest.mark.parametrize("source", [RefreshToken("rt"), CredentialFile("x.json")])
async def test_before_it_is_given_to_a_session_it_says_so(source) -> None:
    with pytest.raises(ConfigurationError, match="AIShootSession"):
        await source.token()


async def test_each_who_waits_gets_an_error_of_his_own(sandbox, source) -> None:
    stale, revoked = "stale-0123456789abcdef", "revoked-0123456789abcdef"
    official_write(source.path, stale, revoked)
    async with session_for(sandbox, source) as session:
        calls = [asyncio.create_task(session.skus.list_global()) for _ in range(5)]
        await asyncio.wait(calls)
    errors = [call.exception() for call in calls]
    assert {type(error) for error in errors} == {LoginRejectedError}
    assert len({id(error) for error in errors}) == 5
    assert leaked("".join(map(everything, errors)), stale, revoked) == []
    assert sandbox.calls["refresh"] == 1


async def test_a_user_s_own_source_is_asked_and_told(sandbox) -> None:
    class Own:
        def __init__(self) -> None:
            self.asked: list[str | None] = []

        async def token(self, rejected: str | None = None) -> str:
            self.asked.append(rejected)
            return "stale" if rejected is None else sandbox.token

    source = Own()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
    assert source.asked == [None, "stale"]
