"""What concerns one request leaves the others alone: its ``Retry-After``, and a renewal of the login."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from aishoot_async import (
    AIShootSession,
    APIStatusError,
    CallTimeoutError,
    CredentialFile,
    Limits,
    RetryPolicy,
    Timeouts,
)
from aishoot_async.calls import SessionLifecycle, Throttle
from helpers.raw_server import Handler, RawConnection, RawRequest, RawServer, hang
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio


def refusing(path: str, status: int) -> Handler:
    """Refuse one path, with a long ``Retry-After``; answer all others."""

    async def handle(request: RawRequest, connection: RawConnection) -> None:
        if path in request.target:
            await connection.answer(b"{}", status, {"Retry-After": "60"})
        else:
            await connection.answer(b"[]")

    return handle


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 500, 502, 504])
async def test_a_pause_that_one_request_is_asked_for_is_nobody_elses(status: int) -> None:
    policy = RetryPolicy(attempts=1, backoff_max=60)
    async with RawServer(refusing("/briefs/", status)) as server, session_for(server, retry=policy) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.briefs.results(1, start=3)
        assert caught.value.retry_after == 60
        async with asyncio.timeout(30):
            assert list(await session.skus.list_global()) == []


@pytest.mark.parametrize("status", [429, 503])
async def test_a_pause_that_the_service_asks_for_is_everybodys(status: int) -> None:
    policy = RetryPolicy(attempts=1, backoff_max=60)
    timeouts = Timeouts(pool=0.05)
    async with RawServer(refusing("/briefs/", status)) as server:
        async with session_for(server, retry=policy, timeouts=timeouts) as session:
            with pytest.raises(APIStatusError):
                await session.briefs.results(1, start=3)
            with pytest.raises(CallTimeoutError, match=r"asked for a pause; raise Timeouts\(pool="):
                await session.skus.list_global()


@pytest.mark.parametrize("connections", [1, 2, 5])
async def test_calls_with_a_good_token_go_on_while_it_is_renewed(connections: int, tmp_path: Path) -> None:
    renewing, finish = asyncio.Event(), asyncio.Event()

    async def handle(request: RawRequest, connection: RawConnection) -> None:
        if "/oauth/token" not in request.target:
            await connection.answer(b"[]")
            return
        renewing.set()
        await finish.wait()
        await connection.answer(json.dumps({"access_token": "access-2", "expires_in": 9999}).encode())

    path = tmp_path / "credentials.json"
    login = {"access_token": "access-1", "refresh_token": "refresh-1", "scope": "s", "token_type": "Bearer"}
    path.write_text(json.dumps({**login, "expires_in": 86400, "expires_at": int(time.time()) + 30}))
    path.chmod(0o600)
    async with RawServer(handle) as server:
        limits, timeouts = Limits(connections=connections), Timeouts(connect=60)
        auth = CredentialFile(path)
        async with AIShootSession(
            auth, base_url=server.url, auth_url=server.url, limits=limits, timeouts=timeouts
        ) as session:
            async with asyncio.timeout(30):  # less than it takes to give up the wait for a connection
                while not renewing.is_set():
                    await session.skus.list_global()
                for _ in range(5):
                    await asyncio.gather(*(session.skus.list_global() for _ in range(connections)))
            finish.set()


async def full(limits: Limits) -> str:
    """Give what a call says that finds as many on their way as there may be."""
    async with RawServer(hang) as server:
        async with session_for(server, limits=limits, timeouts=Timeouts(pool=0.02)) as session:
            calls = [asyncio.create_task(session.skus.list_global()) for _ in range(limits.in_flight)]
            await server.until_requests(limits.in_flight)
            with pytest.raises(CallTimeoutError) as caught:
                await session.skus.list_global()
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
    return str(caught.value)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(connections=1), "1 are on their way, as many as Limits allows; raise Limits(connections=…)"),
        (Limits(connections=3), "3 are on their way, as many as Limits allows; raise Limits(connections=…)"),
        (Limits(connections=2, in_flight=2), "raise Limits(connections=…)"),
        (Limits(in_flight=1), "1 are on their way, as many as Limits allows; raise Limits(in_flight=…)"),
        (Limits(connections=5, in_flight=4), "4 are on their way, as many as Limits allows; raise Limits(in_flight=…)"),
    ],
)
async def test_the_advice_names_the_limit_that_keeps_a_call_waiting(limits: Limits, said: str) -> None:
    assert said in await full(limits)


async def test_the_advice_names_the_rate_where_that_keeps_a_call_waiting() -> None:
    throttle = Throttle(SessionLifecycle(), limit=8, rate=0.001)
    throttle.release(await throttle.acquire("single", None))
    with pytest.raises(CallTimeoutError, match=r"0\.001 may start in a second; raise Limits\(rate="):
        await throttle.acquire("single", 0.01)
    throttle.close()
