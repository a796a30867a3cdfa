"""What ends a call: its deadline, the end of its session, or its caller."""

import asyncio
import contextlib

import pytest

from aishoot_async import CallTimeoutError, SessionClosedError, SkuCreate, Timeouts
from helpers.leaks import NothingLeft
from helpers.raw_server import RawServer, always, hang
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio


async def test_a_deadline_that_is_over_does_not_cancel_what_comes_after() -> None:
    async with NothingLeft(), RawServer(hang) as server:
        async with session_for(server, timeouts=Timeouts(call=0.05)) as session:
            with pytest.raises(CallTimeoutError):
                await session.skus.list_global()
            await asyncio.sleep(0.1)
            task = asyncio.current_task()
            assert task is not None
            assert not task.cancelling()


async def test_a_call_that_was_answered_is_not_cut_off_afterwards() -> None:
    async with RawServer(always(b"[]")) as server:
        async with session_for(server, timeouts=Timeouts(call=0.05)) as session:
            assert await session.skus.list_global() == []
            await asyncio.sleep(0.1)


async def test_each_of_many_calls_has_a_deadline_of_its_own() -> None:
    loop = asyncio.get_running_loop()
    async with RawServer(hang) as server, session_for(server, timeouts=Timeouts(call=0.1)) as session:

        async def call(at: float) -> float:
            await asyncio.sleep(at)
            begun = loop.time()
            with pytest.raises(CallTimeoutError):
                await session.skus.list_global()
            return loop.time() - begun

        took = await asyncio.gather(call(0), call(0), call(0.05))
        took.append(await call(0))
    assert min(took) > 0.095
    assert max(took) < 1


@pytest.mark.parametrize("first", ["the session", "the caller"])
async def test_who_cancels_a_call_has_it_cancelled_though_its_time_is_up(first: str) -> None:
    async with NothingLeft(), RawServer(hang) as server:
        session = session_for(server)
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        if first == "the caller":
            task.cancel()
        closing = asyncio.create_task(session.aclose())
        if first == "the session":
            await asyncio.sleep(0)  # it has begun to close
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await closing


async def test_closing_ends_calls_with_and_without_a_deadline() -> None:
    for timeouts in (Timeouts(), Timeouts(call=None, read=None)):
        async with NothingLeft(), RawServer(hang) as server, session_for(server, timeouts=timeouts) as session:
            tasks = [asyncio.create_task(session.skus.list_global()) for _ in range(3)]
            await server.until_requests(3)
            await session.aclose()
            for task in tasks:
                with pytest.raises(SessionClosedError):
                    await task


async def test_a_token_sources_own_time_out_after_the_deadline_is_the_calls() -> None:
    """A source may turn its cancellation into a time-out of its own."""

    class Stubborn:
        async def token(self, rejected: str | None = None) -> str:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            raise TimeoutError

    async with RawServer(always(b"[]")) as server:
        async with session_for(server, Stubborn(), timeouts=Timeouts(call=0.05)) as session:
            with pytest.raises(TimeoutError):
                await session.skus.create(SkuCreate(name="n", front_image="f"))
        assert server.connections == 0


async def test_a_call_needs_a_task() -> None:
    failed = asyncio.get_running_loop().create_future()

    async with RawServer(always(b"[]")) as server, session_for(server) as session:

        def callback() -> None:
            call = session.skus.list_global()
            try:
                call.send(None)
            except RuntimeError as error:
                failed.set_result(str(error))
            finally:
                call.close()

        asyncio.get_running_loop().call_soon(callback)
        assert "task" in await failed
