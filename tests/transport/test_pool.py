"""Connections that are kept, and connections that are let go of.

promise 18: bytes that come on an idle connection answer no request; descriptors stay bounded, whatever a server does.
"""

import asyncio
from typing import Any, Self

import pytest

from aishoot_async import AIShootSession, AmbiguousWriteError, CallTimeoutError, Limits, SkuCreate, Timeouts
from helpers.leaks import NothingLeft
from helpers.raw_server import RawServer, always, chunked, reply
from helpers.sessions import TOKEN, session_for
from helpers.sockets import descriptors

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
STALE = reply(b'[{"id":"stale"}]')
UNASKED = {
    "an answer": STALE,
    "two answers": STALE * 2,
    "half an answer": STALE[:-3],
    "half a head": STALE[:20],
    "a time-out": b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "a line break": b"\r\n",
    "garbage": b"\x00\xffgarbage",
}


@pytest.mark.parametrize("unasked", UNASKED)
async def test_what_comes_on_an_idle_connection_answers_no_request(unasked: str) -> None:
    pushed = asyncio.Event()

    async def handle(_, connection) -> None:
        await connection.answer(b'[{"id":"fresh"}]')
        # Two packets: the client has its answer before the rest comes.
        await asyncio.sleep(0.01)
        await connection.send(UNASKED[unasked])
        pushed.set()

    async with RawServer(handle) as server, session_for(server) as session:
        for call in (session.skus.list_global, lambda: session.skus.delete("x"), session.skus.list_global):
            found = await call()
            assert found is None or [sku.id for sku in found] == ["fresh"]
            await pushed.wait()
            pushed.clear()
            await asyncio.sleep(0.01)
        assert len(server.requests) == 3


async def test_a_connection_is_read_in_parts_of_64_kib(keeps_connections: bool) -> None:  # noqa: FBT001
    """asyncio's transport takes as much from the heap as it may read, each time; the attribute is not documented."""
    async with RawServer(always(b"[]")) as server, session_for(server) as session:
        await session.skus.list_global()
        pool: Any = session._transport._client.session.connector
        if keeps_connections:
            assert [protocol.transport.max_size for protocol in pool._used] == [64 * 1024]


async def test_an_answer_with_another_behind_it_in_one_packet() -> None:
    """The connection is given back while the second answer is still being read."""
    head = b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + chunked(b'[{"id":', b'"fresh"}]')

    async def handle(_, connection) -> None:
        await connection.send(whole[:-20])
        await asyncio.sleep(0.01)
        await connection.send(whole[-20:] + STALE)

    async with RawServer(handle) as server, session_for(server) as session:
        for _ in range(5):
            assert [sku.id for sku in await session.skus.list_global()] == ["fresh"]


async def test_a_server_that_speaks_first_is_not_connected_to_again_and_again() -> None:
    async def never(_, __) -> None:
        await asyncio.Event().wait()

    class Hasty(RawServer):
        async def _serve(self, reader, writer) -> None:
            writer.write(reply(b"", 403))
            await super()._serve(reader, writer)

    async with Hasty(never) as server, session_for(server) as session:
        with pytest.raises(Exception, match="403"):
            await session.skus.list_global()
        assert server.connections == 1


async def test_a_connection_is_used_again(keeps_connections: bool) -> None:  # noqa: FBT001
    async with RawServer(always(b"[]")) as server, session_for(server) as session:
        for _ in range(20):
            await session.skus.list_global()
            await session.skus.delete("x")
        assert server.connections == (1 if keeps_connections else 40)


class Deaf:
    """Takes connections, and reads nothing from them."""

    async def __aenter__(self) -> Self:
        self.writers: list[asyncio.StreamWriter] = []
        self.taken = asyncio.Event()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0, limit=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def _take(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        self.writers.append(writer)
        self.taken.set()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()


LARGE = SkuCreate(name="n" * 10_000_000, front_image="f")


@pytest.mark.parametrize("way", ["deadline", "cancel"])
async def test_a_server_that_takes_nothing_holds_no_descriptor(way: str) -> None:
    async with NothingLeft(), Deaf() as server:
        timeouts = Timeouts(call=0.05) if way == "deadline" else Timeouts()
        async with AIShootSession(TOKEN, base_url=server.url, timeouts=timeouts) as session:
            before = descriptors()
            for _ in range(5):
                task = asyncio.create_task(session.skus.create(LARGE))
                if way == "cancel":
                    await server.taken.wait()
                    server.taken.clear()
                    await asyncio.sleep(0.01)
                    task.cancel()
                (end,) = await asyncio.gather(task, return_exceptions=True)
                assert isinstance(end, AmbiguousWriteError | CallTimeoutError | asyncio.CancelledError)
            await asyncio.sleep(0)
            assert server.writers
            assert descriptors() - before <= len(server.writers) + 1  # the server's own ends


async def test_a_server_that_answers_before_it_has_read_the_request() -> None:
    """The rest of one request must not be written before the next one."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head.split(b" ")[0])
        writer.write(reply(b"", 413) if b"POST" in head else reply(b"[]"))
        await writer.drain()
        while await reader.read(65536):
            pass
        writer.close()

    heads: list[bytes] = []
    async with NothingLeft(), await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with AIShootSession(TOKEN, base_url=url, limits=Limits(connections=1)) as session:
            with pytest.raises(Exception, match="answered 413"):
                await session.skus.create(LARGE)
            assert await session.skus.list_global() == []
        assert heads == [b"POST", b"GET"]
