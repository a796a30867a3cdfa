"""A refresh that has begun comes to its end, whatever becomes of those who wait for it."""

import asyncio
import random

import pytest

from aishoot_async import CredentialFile, RefreshToken, SessionClosedError, Timeouts
from aishoot_async.sandbox import Delay, Fault, Sandbox
from auth.conftest import STRICT
from helpers.official import official_read, official_write
from helpers.raw_server import RawServer, hang
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
SLOW = Fault(Delay(0.5), operation="refresh")


def steps(count: int):
    """Let the loop go round so many times."""

    async def go() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    return go()


async def survive(times: int, seed: int, path) -> None:
    """Cancel callers at random moments of a refresh; each time, the next call must still be logged in."""
    draw = random.Random(seed)
    async with Sandbox(**STRICT, latency=0.001) as sandbox:
        official_write(path, sandbox.token, sandbox.refresh_token)
        for kind in ("file", "memory"):
            refresh_token = official_read(path).refresh_token
            source = CredentialFile(path) if kind == "file" else RefreshToken(refresh_token)
            async with session_for(sandbox, source) as session:
                await session.skus.list_global()
                sandbox.reset_requests()
                for expiry in range(1, times // 2 + 1):
                    sandbox.expire_tokens()
                    calls = [asyncio.create_task(session.skus.list_global()) for _ in range(draw.randint(1, 5))]
                    await steps(draw.randint(0, 60))
                    for call in draw.sample(calls, draw.randint(1, len(calls))):
                        call.cancel()
                        await steps(draw.randint(0, 20))
                    await asyncio.wait(calls)
                    await session.skus.list_global()
                    assert sandbox.calls["refresh"] == expiry


async def test_callers_that_are_cancelled_at_any_moment_lose_nothing(tmp_path) -> None:
    await survive(40, seed=1, path=tmp_path / "c.json")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_three_hundred_times(tmp_path) -> None:
    await survive(300, seed=2, path=tmp_path / "c.json")


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_the_only_caller_goes_and_the_new_token_stays(sandbox, file, kind) -> None:
    source = CredentialFile(file) if kind == "file" else RefreshToken(sandbox.refresh_token)
    sandbox.expire_tokens()
    sandbox.add_fault(SLOW)
    async with session_for(sandbox, source) as session:
        call = asyncio.create_task(session.skus.list_global())
        await sandbox.wait_for_calls(1, "refresh")
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1


async def test_a_call_that_runs_out_of_time_leaves_the_refresh_alone(sandbox, source) -> None:
    sandbox.expire_tokens()
    sandbox.add_fault(SLOW)
    async with session_for(sandbox, source, timeouts=Timeouts(call=0.3)) as session:
        with pytest.raises(TimeoutError):
            await session.skus.list_global()
        await sandbox.wait_for_calls(1, "refresh")
    assert official_read(source.path).access_token != sandbox.token


async def test_closing_waits_for_a_refresh_that_is_under_way(sandbox, source) -> None:
    sandbox.expire_tokens()
    sandbox.add_fault(SLOW)
    session = session_for(sandbox, source)
    calls = [asyncio.create_task(session.skus.list_global()) for _ in range(5)]
    await sandbox.wait_for_calls(1, "refresh")
    await session.aclose()
    await asyncio.wait(calls)
    assert {type(call.exception()) for call in calls} == {SessionClosedError}
    async with session_for(sandbox, CredentialFile(source.path)) as again:
        await again.skus.list_global()
    assert sandbox.calls["refresh"] == 1


async def test_closing_that_is_cancelled_does_not_cut_it_off_either(sandbox, source) -> None:
    sandbox.expire_tokens()
    sandbox.add_fault(SLOW)
    session = session_for(sandbox, source)
    call = asyncio.create_task(session.skus.list_global())
    await sandbox.wait_for_calls(1, "refresh")
    closing = asyncio.create_task(session.aclose())
    while not closing.done():
        await asyncio.sleep(0)
        closing.cancel()
    await asyncio.wait([call])
    assert type(call.exception()) is SessionClosedError
    await session._closing
    async with session_for(sandbox, CredentialFile(source.path)) as again:
        await again.skus.list_global()
    assert sandbox.calls["refresh"] == 1


async def test_closing_waits_no_longer_than_a_refresh_may_take(tmp_path) -> None:
    official_write(tmp_path / "c.json", "", "rt")
    async with RawServer(hang) as server:
        session = session_for(server, CredentialFile(tmp_path / "c.json"), timeouts=Timeouts(read=0.05))
        call = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        await session.aclose()
        await asyncio.wait([call])
        assert type(call.exception()) is SessionClosedError
        assert len(server.requests) == 2
        await server.until(lambda: server.open == 0)


async def test_a_session_that_closes_before_anything_was_sent_sends_nothing(sandbox, source) -> None:
    session = session_for(sandbox, source)
    sandbox.expire_tokens()
    begun, renew = asyncio.Event(), source._keeper._renew

    def begin(need):
        begun.set()
        return renew(need)

    source._keeper._renew = begin
    call = asyncio.create_task(session.skus.list_global())
    await begun.wait()
    await session.aclose()
    await asyncio.wait([call])
    assert type(call.exception()) is SessionClosedError
    assert sandbox.calls["refresh"] == 0
