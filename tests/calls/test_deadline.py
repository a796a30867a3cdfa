"""Time-outs: one deadline over a whole call, one for the next bytes, one for admission."""

import asyncio

import pytest

from aishoot_async import (
    CallTimeoutError,
    Limits,
    RetryPolicy,
    ServerError,
    SkuCreate,
    SkuUpdate,
    Timeouts,
    TransportError,
)
from aishoot_async.sandbox import Fault, Sandbox, SlowDrip
from helpers.clock import LEAPING
from helpers.raw_server import RawServer, always, drop, hang, in_turn
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    """Simulate time: what a busy machine takes is little beside these deadlines."""
    return LEAPING


async def drip(_, connection) -> None:
    await connection.send(b"HTTP/1.1 200 Said\r\nContent-Length: 100000\r\n\r\n[")
    while not connection.closed:
        await connection.send(b" ")
        await asyncio.sleep(1)


async def took(call, kind: type[BaseException]) -> tuple[float, BaseException]:
    begun = asyncio.get_running_loop().time()
    with pytest.raises(kind) as caught:
        await call
    return asyncio.get_running_loop().time() - begun, caught.value


@pytest.mark.parametrize("handler", [hang, drip])
async def test_one_deadline_over_head_and_body(handler) -> None:
    async with RawServer(handler) as server:
        async with session_for(server, timeouts=Timeouts(call=15, read=500)) as session:
            seconds, error = await took(session.skus.list_global(), CallTimeoutError)
            assert 14.9 < seconds < 100
            assert isinstance(error, TimeoutError)
            assert "Timeouts.call" in str(error)
            assert [attempt.error for attempt in error.attempts] == ["cut off"]
            assert error.__context__ is None
            await server.until(lambda: server.open == 0)
            server.handler = always(b"[]")
            assert await session.skus.list_global() == []


async def test_a_body_that_drips_from_the_sandbox() -> None:
    async with Sandbox(faults=[Fault(SlowDrip(0.2))]) as sandbox:
        settings = {"timeouts": Timeouts(call=20)}
        async with session_for(sandbox, sandbox.token, **settings) as session:
            seconds, _ = await took(session.skus.list_global(), CallTimeoutError)
    assert seconds < 100


async def test_one_deadline_over_all_attempts() -> None:
    policy = RetryPolicy(attempts=10_000, backoff=1, backoff_max=2)
    async with RawServer(always(b"", 503)) as server:
        async with session_for(server, timeouts=Timeouts(call=20), retry=policy) as session:
            seconds, error = await took(session.skus.list_global(), Exception)
        # A wait that would not end in time is not begun: what was seen is worth more than a time-out.
        assert isinstance(error, ServerError | CallTimeoutError)
        assert 15 < seconds < 100
        assert 1 < len(server.requests) <= len(error.attempts) < 200


async def test_the_deadline_covers_the_token() -> None:
    class Slow:
        async def token(self, rejected: str | None = None) -> str:
            await asyncio.Event().wait()
            return "never"

    async with RawServer(always(b"[]")) as server:
        async with session_for(server, Slow(), timeouts=Timeouts(call=5)) as session:
            _, error = await took(session.skus.list_global(), CallTimeoutError)
            assert error.maybe_sent is False
            _, error = await took(session.skus.create(SkuCreate(name="n", front_image="f")), CallTimeoutError)
        assert server.connections == 0


async def test_a_sources_own_time_out_stays_its_own() -> None:
    class Late:
        async def token(self, rejected: str | None = None) -> str:
            raise TimeoutError

    async with RawServer(always(b"[]")) as server, session_for(server, Late()) as session:
        _, error = await took(session.skus.list_global(), TimeoutError)
        assert type(error) is TimeoutError


async def test_the_next_bytes() -> None:
    async with RawServer(in_turn(hang)) as server:
        async with session_for(server, timeouts=Timeouts(read=5)) as session:
            _, error = await took(session.skus.list_global(), CallTimeoutError)
            assert "nothing came for 5 s" in str(error)
            assert len(error.attempts) == len(server.requests) == 3
            assert error.maybe_sent
            server.handler = drip
            session_drips = asyncio.create_task(session.skus.list_global())
            await asyncio.wait([session_drips], timeout=20)
            assert not session_drips.done()
            session_drips.cancel()
            await asyncio.wait([session_drips])


async def test_a_put_that_times_out_says_that_it_may_have_been_sent() -> None:
    async with RawServer(hang) as server, session_for(server, timeouts=Timeouts(call=5)) as session:
        _, error = await took(session.skus.update("x", SkuUpdate(name="n", front_image="f")), CallTimeoutError)
        assert error.maybe_sent is True
        server.handler = drop
        _, error = await took(session.skus.delete("x"), TransportError)
        assert error.maybe_sent is True


async def test_no_deadline_at_all() -> None:
    timeouts = Timeouts(connect=None, read=None, call=None, pool=None)
    async with RawServer(in_turn(drop, always(b"[]"))) as server, session_for(server, timeouts=timeouts) as session:
        assert await session.skus.list_global() == []


async def test_admission() -> None:
    limits = Limits(connections=2, in_flight=2)
    async with RawServer(hang) as server:
        async with session_for(server, limits=limits, timeouts=Timeouts(pool=5, call=500)) as session:
            waiting = [asyncio.create_task(session.skus.list_global()) for _ in range(2)]
            await server.until_requests(2)
            seconds, error = await took(session.skus.list_global(), CallTimeoutError)
            assert 4.9 < seconds < 100
            assert error.maybe_sent is False
            assert "Timeouts.pool" in str(error)
            # Admission is not part of the call: its deadline begins behind it.
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
            server.handler = always(b"[]")
            assert await session.skus.list_global() == []
            assert len(server.requests) == 3


async def test_the_deadline_begins_with_the_admission() -> None:
    async def slow(_, connection) -> None:
        await asyncio.sleep(10)
        await connection.answer(b"[]")

    limits = Limits(connections=1)
    async with RawServer(slow) as server:
        async with session_for(server, limits=limits, timeouts=Timeouts(call=19)) as session:
            assert await asyncio.gather(*(session.skus.list_global() for _ in range(4))) == [[]] * 4


async def test_the_rate_holds_for_attempts_too() -> None:
    limits = Limits(rate=20)
    async with RawServer(in_turn(drop, drop, always(b"[]"))) as server, session_for(server, limits=limits) as session:
        begun = asyncio.get_running_loop().time()
        assert await session.skus.list_global() == []
        assert asyncio.get_running_loop().time() - begun >= 0.099
