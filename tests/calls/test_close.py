"""A session that closes: nobody is left waiting, and nobody vanishes."""

import asyncio

import pytest

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    Limits,
    RetryPolicy,
    SessionClosedError,
    SkuCreate,
    SkuUpdate,
)
from helpers.raw_server import RawServer, always, hang
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="n", front_image="f")


async def test_waiting_and_in_flight() -> None:
    async with RawServer(hang) as server:
        session = session_for(server, limits=Limits(connections=2))
        tasks = [asyncio.create_task(session.skus.list_global()) for _ in range(20)]
        await server.until_requests(2)
        await session.aclose()
        await asyncio.wait(tasks, timeout=1)
        assert {type(task.exception()) for task in tasks} == {SessionClosedError}
        assert all(task.exception().__context__ is None for task in tasks)
        assert len(server.requests) == 2
        await server.until(lambda: server.open == 0)


async def test_inside_a_task_group_nothing_is_swallowed() -> None:
    async with RawServer(hang) as server:
        session = session_for(server, limits=Limits(connections=2))
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(session.skus.list_global())
                await server.until_requests(2)
                await session.aclose()
        assert len(caught.value.exceptions) >= 1
        assert {type(error) for error in caught.value.exceptions} == {SessionClosedError}


async def test_inside_a_task_group_one_call_alone() -> None:
    async with RawServer(hang) as server:
        session = session_for(server)
        seen: list[BaseException] = []

        async def call() -> None:
            try:
                await session.skus.list_global()
            except BaseException as error:
                seen.append(error)
                raise

        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(call())
                await server.until_requests(1)
                await session.aclose()
        assert [type(error) for error in seen] == [SessionClosedError]


async def test_writes_in_flight() -> None:
    async with RawServer(hang) as server:
        session = session_for(server)
        create = asyncio.create_task(session.skus.create(NEW))
        update = asyncio.create_task(session.skus.update("x", SkuUpdate(name="n", front_image="f")))
        await server.until_requests(2)
        await session.aclose()
        with pytest.raises(AmbiguousWriteError):
            await create
        with pytest.raises(SessionClosedError):
            await update
        assert len(server.requests) == 2


async def test_a_call_that_waits_to_repeat() -> None:
    told: list[str] = []

    class Hook:
        def before_attempt(self, _) -> None:
            told.append("before")

        def after_attempt(self, _) -> None:
            told.append("after")

        def retrying(self, _) -> None:
            told.append("retrying")

    policy = RetryPolicy(backoff=20, backoff_max=30)
    busy = always(b"", 503, {"Retry-After": "20"})
    async with RawServer(busy) as server:
        session = session_for(server, retry=policy, hooks=[Hook()])
        task = asyncio.create_task(session.skus.list_global())
        while "retrying" not in told:  # noqa: ASYNC110  # told by a hook
            await asyncio.sleep(0)
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await task
    async with RawServer(hang) as server:
        told.clear()
        session = session_for(server, retry=policy, hooks=[Hook()])
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await task
        assert told == ["before", "after"]


async def test_a_call_whose_token_comes_late_opens_no_pool() -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    class Slow:
        async def token(self, rejected: str | None = None) -> str:
            asked.set()
            await release.wait()
            return "late"

    async with RawServer(always(b"[]")) as server:
        session = session_for(server, Slow())
        task = asyncio.create_task(session.skus.list_global())
        await asked.wait()
        await session.aclose()
        release.set()
        with pytest.raises(SessionClosedError):
            await task
        assert server.connections == 0
        assert session._transport._readers is None


async def test_a_name_that_is_being_looked_up() -> None:
    """A TaskGroup would take a cancellation for the caller's own wish."""
    async with RawServer(hang) as server:
        session = session_for(server)
        looked_up = asyncio.Event()

        class Resolver:
            async def resolve(self, *_: object, **__: object) -> list[object]:
                looked_up.set()
                await asyncio.Event().wait()
                return []

            async def close(self) -> None: ...

        client = session._transport._client("GET")
        client.connector._resolver = Resolver()
        session.skus._caller._prefix = "http://name.example.invalid"
        task = asyncio.create_task(session.skus.list_global())
        await looked_up.wait()
        await session.aclose()
        await asyncio.wait([task], timeout=1)
        assert isinstance(task.exception(), SessionClosedError)


async def test_cancelled_by_its_own_user_while_closing() -> None:
    async with RawServer(hang) as server:
        session = session_for(server)
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        task.cancel()
        await session.aclose()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_body_that_the_server_does_not_take() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        heard.set()
        await hold.wait()
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])

    heard, hold = asyncio.Event(), asyncio.Event()
    async with await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024) as listening:
        session = AIShootSession(TOKEN, base_url=f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        task = asyncio.create_task(session.skus.create(SkuCreate(name="n" * 30_000_000, front_image="f")))
        await heard.wait()
        async with asyncio.timeout(5):
            await session.aclose()
        hold.set()
        with pytest.raises(AmbiguousWriteError):
            await task


async def test_two_sessions_do_not_close_each_other() -> None:
    async with RawServer(always(b"[]")) as server, session_for(server) as one:
        async with session_for(server) as two:
            await two.skus.list_global()
            await one.skus.list_global()
        assert await one.skus.list_global() == []
