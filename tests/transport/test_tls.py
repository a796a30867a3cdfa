"""The same over TLS, whose end is a matter of its own: a server may never answer it.

promise 18: descriptors stay bounded, whatever a server does.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

import pytest

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    ConnectError,
    RetryPolicy,
    SkuCreate,
    Timeouts,
    TransportError,
    UnexpectedResponseError,
)
from helpers.certificates import make_contexts
from helpers.raw_server import reply
from helpers.sessions import TOKEN
from helpers.sockets import descriptors

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
NEW = SkuCreate(name="n", front_image="f")
ONCE = RetryPolicy(attempts=1)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate."""
    return make_contexts(tmp_path_factory.mktemp("tls"))


class TlsServer:
    """Serves each connection by a coroutine; counts them."""

    def __init__(self, serve: Serve, context: ssl.SSLContext) -> None:
        self._serve = serve
        self._context = context
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=self._context)
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        await self._serve(reader, writer)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        writer.write(reply(b"[]"))


async def answer_once_and_fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.write(reply(b"[]"))
    writer.transport.pause_reading()


async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.transport.pause_reading()


async def test_a_call(contexts, keeps_connections: bool) -> None:  # noqa: FBT001
    server_side, client_side = contexts
    async with TlsServer(answer, server_side) as server:
        async with AIShootSession(TOKEN, base_url=server.url, ssl=client_side) as session:
            for _ in range(3):
                assert await session.skus.list_global() == []
        assert server.connections == (1 if keeps_connections else 3)
        async with AIShootSession(TOKEN, base_url=server.url, retry=ONCE) as session:
            with pytest.raises(ConnectError, match="certificate"):
                await session.skus.create(NEW)


@pytest.mark.parametrize("size", [1, 5_000_000])
async def test_a_server_that_falls_silent_holds_no_descriptor(contexts, size: int) -> None:
    server_side, client_side = contexts
    large = SkuCreate(name="n" * size, front_image="f")
    async with TlsServer(fall_silent, server_side) as server:
        settings = {"ssl": client_side, "timeouts": Timeouts(call=0.05)}
        async with AIShootSession(TOKEN, base_url=server.url, **settings) as session:
            before = descriptors()
            for _ in range(3):
                with pytest.raises((AmbiguousWriteError, TransportError)):
                    await session.skus.create(large)
            await asyncio.sleep(0)
            assert server.connections >= 1
            assert descriptors() - before <= server.connections + 1  # the server's own ends


async def test_a_server_that_does_not_hear_of_the_end_holds_no_descriptor(contexts) -> None:
    server_side, client_side = contexts
    async with TlsServer(answer_once_and_fall_silent, server_side) as server:
        before = descriptors()
        for number in range(5):
            async with asyncio.timeout(20), AIShootSession(TOKEN, base_url=server.url, ssl=client_side) as session:
                assert await session.skus.list_global() == []
            await asyncio.sleep(0)
            assert descriptors() - before <= number + 1 + 1


async def test_a_server_that_speaks_first_is_not_connected_to_again_and_again(contexts) -> None:
    """What it says comes behind the last message of a TLS 1.2 handshake, before the connection is handed out."""
    server_side, client_side = contexts
    server_side.maximum_version = ssl.TLSVersion.TLSv1_2
    accepted: list[asyncio.BaseTransport] = []

    class SpeaksFirst(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)
            transport.write(reply(b"", 403))

    loop = asyncio.get_running_loop()
    async with await loop.create_server(SpeaksFirst, "127.0.0.1", 0, ssl=server_side) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(5), AIShootSession(TOKEN, base_url=url, ssl=client_side) as session:
            with pytest.raises(Exception, match="answered 403"):
                await session.skus.list_global()
        assert len(accepted) == 1
        accepted[0].abort()


async def test_a_connection_that_ends_without_its_farewell(contexts) -> None:
    """Anybody on the way can end TCP: a body that the connection's end delimits may be short."""
    whole = reply(b'[{"id":"1"}]').replace(b"Content-Length", b"X-Length")
    ends = list(range(20, len(whole), 7))

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(whole[: ends.pop()])
        await asyncio.sleep(0.01)
        writer.transport.abort()

    server_side, client_side = contexts
    async with TlsServer(cut, server_side) as server:
        async with AIShootSession(TOKEN, base_url=server.url, ssl=client_side, retry=ONCE) as session:
            while ends:
                with pytest.raises((TransportError, UnexpectedResponseError)):
                    await session.skus.list_global()
