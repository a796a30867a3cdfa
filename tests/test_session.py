"""The session: where it looks, and which loop and process it belongs to."""

import asyncio
import subprocess
import sys
import textwrap

import pytest

from aishoot_async import (
    AIShootSession,
    ConfigurationError,
    LoginRequiredError,
    SessionClosedError,
    WrongLoopError,
)
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
EMPTY = always(b'{"entries":[],"total":0}')


async def test_the_environment_names_the_api_and_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(EMPTY) as server:
        monkeypatch.setenv("AISHOOT_BASE_URL", f"{server.url}/prefix/")
        monkeypatch.setenv("AISHOOT_AUTH_URL", server.url)
        monkeypatch.setenv("AISHOOT_TOKEN", TOKEN)
        async with AIShootSession() as session:
            await session.skus.list_global()
        assert server.requests[0].target == "/prefix/ai-shoot/skus/global"
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("name", ["AISHOOT_BASE_URL", "AISHOOT_AUTH_URL"])
def test_a_bad_url_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://example.com")
    with pytest.raises(ConfigurationError):
        AIShootSession("token")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISHOOT_BASE_URL", "")
    AIShootSession("token")


async def test_an_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISHOOT_BASE_URL", "http://not.loopback.example")
    monkeypatch.setenv("AISHOOT_TOKEN", "another")
    async with RawServer(EMPTY) as server, session_for(server) as session:
        await session.skus.list_global()
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_without_a_token_the_first_call_says_what_to_do() -> None:
    async with RawServer(EMPTY) as server, session_for(server, auth=None) as session:
        with pytest.raises(LoginRequiredError) as caught:
            await session.skus.list_global()
        assert server.requests == []
    for name in ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN", "autoretouch-credentials.json", "aishoot login"):
        assert name in str(caught.value)


async def test_a_broken_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISHOOT_TOKEN", "two\nlines")
    async with RawServer(EMPTY) as server, session_for(server, auth=None) as session:
        with pytest.raises(ConfigurationError):
            await session.skus.list_global()
        assert server.requests == []


async def test_closing_twice_and_closing_what_was_never_used() -> None:
    async with RawServer(EMPTY) as server:
        session = session_for(server)
        await session.aclose()
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await session.skus.list_global()
        with pytest.raises(SessionClosedError):
            async with session:
                pass
        assert server.connections == 0


async def test_a_session_can_be_used_without_async_with() -> None:
    async with RawServer(EMPTY) as server:
        session = session_for(server)
        await session.skus.list_global()
        await session.aclose()
        await server.until(lambda: server.open == 0)
        with pytest.raises(SessionClosedError):
            await session.skus.list_global()


async def test_another_loop() -> None:
    async with RawServer(EMPTY) as server, session_for(server) as session:
        await session.skus.list_global()

        async def elsewhere() -> None:
            with pytest.raises(WrongLoopError):
                await session.skus.list_global()
            with pytest.raises(WrongLoopError):
                await session.aclose()

        await asyncio.to_thread(asyncio.run, elsewhere())
        await session.skus.list_global()
        assert len(server.requests) == 2


FORK = """
    import asyncio, os, sys
    from aishoot_async import AIShootSession, WrongLoopError
    from aishoot_async.sandbox import Sandbox

    async def main():
        async with Sandbox() as sandbox, AIShootSession(sandbox.token, base_url=sandbox.url) as session:
            USE
            child = os.fork()
            if child == 0:
                refused = 0
                for use in (session.skus.list_global, session.aclose):
                    try:
                        await use()
                    except WrongLoopError:
                        refused += 1
                os._exit(40 + refused)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            await session.skus.list_global()
            assert code == 42, code

    asyncio.run(main())
"""


@pytest.mark.parametrize("use", ["await session.skus.list_global()", "pass"])
def test_a_forked_child(use: str) -> None:
    program = textwrap.dedent(FORK).replace("USE", use)
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=30)


async def test_closing_goes_on_to_the_pool_when_it_is_cancelled() -> None:
    stuck = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await stuck.wait()

    async with RawServer(EMPTY) as server:
        session = session_for(server)
        await session.skus.list_global()
        task = session._lifetime.spawn(stubborn())
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await session.aclose()
        await server.until(lambda: server.open == 0)
        stuck.set()
        await asyncio.wait([task])
