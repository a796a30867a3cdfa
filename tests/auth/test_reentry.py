"""Code of a user that runs because a token is needed, and makes a call that needs it: refused at once, never a hang."""

import asyncio
import functools
import json

import pytest

from aishoot_async import AuthError, ConnectError, Limits, RefreshToken, Timeouts
from aishoot_async.sandbox import Sandbox
from auth.conftest import STRICT
from helpers.raw_server import RawServer
from helpers.sessions import session_for

# No call of these has a time limit that would end a hang, but the test's own.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20)]
PATIENT = {"timeouts": Timeouts(call=None, read=None)}


async def call(session) -> None:
    await session.skus.list_global()


async def walk(session) -> None:
    await session.briefs.results(1).collect()


async def in_a_task(session) -> None:
    await asyncio.create_task(call(session))


async def in_a_group(session) -> None:
    await asyncio.gather(call(session), call(session))


async def in_a_thread(session) -> None:
    loop = asyncio.get_running_loop()

    def work() -> None:
        asyncio.run_coroutine_threadsafe(call(session), loop).result()

    await asyncio.to_thread(work)


async def in_another_session(session, *, url: str, source) -> None:
    async with session_for(RawServerAt(url), source) as other:
        await call(other)


class RawServerAt:
    def __init__(self, url: str) -> None:
        self.url = url


WAYS = {"call": call, "walk": walk, "task": in_a_task, "group": in_a_group, "thread": in_a_thread}


@pytest.mark.parametrize("in_flight", [1, 64])
@pytest.mark.parametrize("way", [*WAYS, "another session"])
async def test_an_on_rotate_that_calls_through_its_own_login_is_refused_at_once(sandbox, way, in_flight) -> None:
    stored: list[str] = []

    async def store(token: str) -> None:
        stored.append(token)
        if len(stored) == 1:
            use = WAYS.get(way) or functools.partial(in_another_session, url=sandbox.url, source=source)
            await use(session)

    source = RefreshToken(sandbox.refresh_token, on_rotate=store)
    async with session_for(sandbox, source, limits=Limits(in_flight=in_flight), **PATIENT) as session:
        with pytest.raises(AuthError, match=r"on_rotate failed with AuthError: .* would wait for itself"):
            await call(session)
        # It is kept, and given again.
        await call(session)
    assert len(set(stored)) == 1
    assert sandbox.calls["refresh"] == 1


async def test_an_on_rotate_may_call_through_a_login_of_its_own(sandbox) -> None:
    async def store(_: str) -> None:
        await call(vault)

    async with session_for(sandbox, sandbox.token) as vault:
        async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
            await call(session)


async def test_what_an_on_rotate_leaves_behind_may_call_once_it_has_ended(sandbox) -> None:
    tasks: list[asyncio.Task] = []
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        await call(session)

    async def store(_: str) -> None:
        tasks.append(asyncio.create_task(later()))

    async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
        await call(session)
        ended.set()
        await asyncio.gather(*tasks)


async def test_two_logins_that_store_through_one_another_are_refused(tmp_path) -> None:
    async with Sandbox(**STRICT) as one, Sandbox(**STRICT) as two:

        async def store_in_two(_: str) -> None:
            await call(second)

        async def store_in_one(_: str) -> None:
            await call(first)

        first = session_for(one, RefreshToken(one.refresh_token, on_rotate=store_in_two))
        second = session_for(two, RefreshToken(two.refresh_token, on_rotate=store_in_one))
        async with first, second:
            with pytest.raises(AuthError, match="would wait for itself"):
                await call(first)


class Own:
    """Makes a call through its own session, to find out what token it should give."""

    def __init__(self, way, when: str, url: str) -> None:
        self.way, self.when, self.url = way, when, url
        self.session = None

    async def token(self, rejected: str | None = None) -> str:
        if rejected is not None or self.when == "at first":
            use = WAYS.get(self.way) or functools.partial(in_another_session, url=self.url, source=self)
            await use(self.session)
        return "stale"


@pytest.mark.parametrize("in_flight", [1, 64])
@pytest.mark.parametrize("when", ["at first", "after a refusal"])
@pytest.mark.parametrize("way", [*WAYS, "another session"])
async def test_a_source_that_calls_through_its_own_session_is_refused_at_once(sandbox, way, when, in_flight) -> None:
    source = Own(way, when, sandbox.url)
    async with session_for(sandbox, source, limits=Limits(in_flight=in_flight), **PATIENT) as session:
        source.session = session
        for _ in range(2):
            with pytest.raises(AuthError, match="within the Own that gives this call its token"):
                await call(session)


async def test_a_source_that_asks_another_session_for_its_token_works(sandbox) -> None:
    class Vault:
        async def token(self, rejected: str | None = None) -> str:
            await call(vault)
            return sandbox.token

    async with session_for(sandbox, sandbox.token) as vault, session_for(sandbox, Vault()) as session:
        await asyncio.gather(*(call(session) for _ in range(5)))


async def test_calls_beside_an_on_rotate_wait_for_it_and_are_not_refused() -> None:
    called, allowed = asyncio.Event(), asyncio.Event()

    async def store(_: str) -> None:
        called.set()
        await allowed.wait()

    async def handle(request, connection) -> None:
        tokens = {"access_token": "at", "refresh_token": "rt-2"}
        await connection.answer(json.dumps(tokens).encode() if request.target == "/oauth/token" else b"[]")

    async with RawServer(handle) as server, session_for(server, RefreshToken("rt", on_rotate=store)) as session:
        first = asyncio.create_task(call(session))
        await called.wait()
        others = [asyncio.create_task(call(session)) for _ in range(5)]
        await asyncio.sleep(0)
        allowed.set()
        await asyncio.gather(first, *others)


async def test_an_error_of_its_own_is_not_taken_for_that(sandbox) -> None:
    async with RawServer(lambda *_: None) as gone:
        pass

    async def store(_: str) -> None:
        async with session_for(gone, "own-token") as other:
            await call(other)

    async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
        with pytest.raises(AuthError, match=f"on_rotate failed with {ConnectError.__name__}"):
            await call(session)
