"""The session: where it looks, and which loop and process it belongs to.

promise 25: another event loop, a forked child and use after closing are clear typed errors. (So are bad base URLs, in
test_config.py, and tokens with a line break, in auth/test_secret.py.)
promise 24: 1,000 sessions leave no task and no descriptor behind.
"""

import asyncio
import pathlib
import subprocess
import sys
import textwrap

import pytest

from aishoot_async import (
    AIShootSession,
    ConfigurationError,
    LoginRequiredError,
    SessionClosedError,
    SkuCreate,
    SkuUpdate,
    WrongLoopError,
)
from helpers.leaks import NothingLeft
from helpers.raw_server import RawServer, always
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
HERE = pathlib.Path(__file__).parent
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
        task = session._lifecycle.spawn(stubborn())
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await session.aclose()
        await server.until(lambda: server.open == 0)
        stuck.set()
        await asyncio.wait([task])


def every_use(session: AIShootSession):
    return {
        "list": lambda: session.skus.list().collect(),
        "first page": lambda: first_page(session),
        "walk": lambda: anext(session.briefs.results(1).walk()),
        "list_global": session.skus.list_global,
        "get": lambda: session.skus.get("x"),
        "create": lambda: session.skus.create(SkuCreate(name="n", front_image="f")),
        "update": lambda: session.skus.update("x", SkuUpdate(name="n", front_image="f")),
        "edit": lambda: session.skus.edit("x", name="n"),
        "delete": lambda: session.skus.delete("x"),
    }


async def first_page(session: AIShootSession) -> object:
    return await session.skus.list()


async def refusals(session: AIShootSession) -> dict[str, type[BaseException] | None]:
    """Use a session in every way; give the kind of error that each use ends with."""
    ends: dict[str, type[BaseException] | None] = {}
    for name, use in every_use(session).items():
        try:
            await use()
        except Exception as error:  # noqa: BLE001  # whatever it is
            ends[name] = type(error)
        else:
            ends[name] = None
    return ends


async def test_every_use_after_closing() -> None:
    async with RawServer(EMPTY) as server:
        session = session_for(server)
        await session.skus.list_global()
        begun = session.skus.list().walk()
        await session.aclose()
        server.requests.clear()
        assert set((await refusals(session)).values()) == {SessionClosedError}
        with pytest.raises(SessionClosedError):
            await anext(begun)
        assert server.requests == []


async def test_every_use_on_another_loop() -> None:
    async with RawServer(EMPTY) as server, session_for(server) as session:
        await session.skus.list_global()
        ends = await asyncio.to_thread(lambda: asyncio.run(refusals(session)))
        assert set(ends.values()) == {WrongLoopError}
        assert len(server.requests) == 1


FORKED = """
    import asyncio, multiprocessing, sys
    from aishoot_async import AIShootSession
    from aishoot_async.sandbox import Sandbox
    from test_session import refusals

    def child(session, queue):
        queue.put({name: kind.__name__ for name, kind in asyncio.run(refusals(session)).items()})

    async def main():
        async with Sandbox() as sandbox, AIShootSession(sandbox.token, base_url=sandbox.url) as session:
            await session.skus.list_global()
            fork = multiprocessing.get_context("fork")
            queue = fork.SimpleQueue()
            process = fork.Process(target=child, args=(session, queue))
            process.start()
            ends = await asyncio.to_thread(queue.get)
            await asyncio.to_thread(process.join)
            assert set(ends.values()) == {"WrongLoopError"}, ends
            assert process.exitcode == 0
            await session.skus.list_global()
            assert sandbox.calls["list_global_skus"] == 2

    asyncio.run(main())
"""


def test_every_use_in_a_child_of_multiprocessing() -> None:
    # Python 3.12 and later warn of a fork while threads run: the name look-up's and the queue's.
    settings = ["-W", "error", "-W", "ignore:.*fork:DeprecationWarning"]
    program = [sys.executable, *settings, "-c", textwrap.dedent(FORKED)]
    subprocess.run(program, check=True, timeout=30, cwd=HERE)


async def test_a_thousand_sessions_leave_nothing_behind() -> None:
    async with NothingLeft() as leftovers, RawServer(EMPTY) as server:
        for number in range(1000):
            session = session_for(server)
            await asyncio.gather(session.skus.list_global(), session.skus.list().collect())
            await session.aclose()
            if number % 50 == 0:
                await server.until(lambda: server.open == 0)
                tasks, descriptors = leftovers.extra()
                assert len(tasks) <= 1
                assert descriptors <= 6  # the server's own, and what closes in this turn of the loop
