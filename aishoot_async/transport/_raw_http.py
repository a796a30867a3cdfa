"""The fast path: requests over the connections of aiohttp's pool, without `ClientSession.request`.

`ClientSession.request` spends about 40 µs of each request on its options. This module avoids that with parts of aiohttp
that are not documented, and is the only module that uses such parts. `probe` exercises all of them together before the
first request. If one of them is missing or behaves differently, nothing of this module is used.
"""

import asyncio
import inspect
import ssl
from collections.abc import Coroutine
from functools import cached_property
from typing import Any, Final
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace
from yarl import URL

from ..config import Limits
from ..secret import Secret
from ._messages import MAX_HEADER, SEND_STATE, NoHttpError, Request

_FIRST_FINAL_STATUS: Final = 200
_SWITCHING: Final = 101
_MAX_READ: Final = 64 * 1024
"""Bytes that a connection reads at once. asyncio allocates all of that for each read, 256 KiB by default."""


class Pool(aiohttp.TCPConnector):
    """Connections; each request's `SendState` is told about its own.

    A kept connection on which bytes have come meanwhile is not used again: nobody asked for them (a second answer, a
    408 to an idle client), and they would be taken for the answer to the next request.
    """

    @cached_property
    def _used(self) -> WeakSet[asyncio.BaseProtocol]:
        return WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own
    ) -> Connection:
        """Return a connection for a request of aiohttp's session."""
        connection = await self.acquire(req, timeout, traces)
        SEND_STATE.get().connected(connection.transport)
        return connection

    async def acquire(
        self,
        request: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
        traces: list[Trace],
    ) -> Connection:
        """Return a connection to where a request would go."""
        while True:
            connection = await super().connect(req=request, traces=traces, timeout=timeout)
            protocol = connection.protocol
            if protocol is None or not (protocol.should_close and protocol in self._used):
                break
            connection.close()
        if protocol is not None and protocol not in self._used:
            self._used.add(protocol)
            transport = connection.transport
            # The attribute is asyncio's, and not documented. Where it is missing (uvloop, TLS), nothing is lost.
            if isinstance(getattr(transport, "max_size", None), int):
                transport.max_size = _MAX_READ  # type: ignore[union-attr]
        return connection


class _PoolKeyRequest(aiohttp.ClientRequest):
    """Names an origin to the pool; it is never sent. Its key does not change, and is computed once."""

    @cached_property
    def connection_key(self) -> ConnectionKey:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().connection_key


class RawHttp:
    """Sends requests over a `Pool`."""

    @staticmethod
    def open_pool(limits: Limits, tls: ssl.SSLContext | None) -> Pool:
        """Return a pool of connections."""
        return Pool(limit=limits.connections, ssl=tls or True)

    def __init__(self, session: aiohttp.ClientSession, pool: Pool, timeout: aiohttp.ClientTimeout) -> None:
        self._session = session
        self._pool = pool
        self._timeout = timeout
        self._keys: dict[URL, _PoolKeyRequest] = {}

    async def acquire(self, origin: URL) -> tuple[Connection, str]:
        """Return a connection to an origin, and the ``Host`` header.

        Release the connection when the body was read to its end, and close it otherwise.
        """
        key = self._keys.get(origin)
        if key is None:
            loop = asyncio.get_running_loop()
            key = self._keys[origin] = _PoolKeyRequest("GET", origin, loop=loop, session=self._session)
        connection = await self._pool.acquire(key, self._timeout, [])
        return connection, key.url.host_port_subcomponent or ""

    async def send(
        self, connection: Connection, host: str, request: Request, token: Secret | None
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Send a request that `Request.fits_in_one_write`; return the head of its answer, and its body as it comes.

        Raises:
            aiohttp.ClientError, NoHttpError, OSError: there is no answer, or no readable one.
        """
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError
        try:
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=self._timeout.sock_read,
                max_line_size=MAX_HEADER,
                max_field_size=MAX_HEADER,
            )
            # The bytes hold the token, which no variable of this frame may show.
            transport.write(request.serialize(host, token))
            protocol.start_timeout()
            while True:
                message, body = await protocol.read()
                if message.code >= _FIRST_FINAL_STATUS or message.code == _SWITCHING:
                    return message, body
        except HttpProcessingError as error:
            raise NoHttpError from error

    @staticmethod
    def drain_buffer(body: StreamReader) -> list[bytes]:
        """Take the parts of a body that has come whole, most often one; of a body that has not, none.

        `StreamReader.readany` would ask the connection to read on for each part.
        """
        if body.at_eof() or not body.is_eof():
            return []
        parts = [*body._buffer]  # noqa: SLF001
        body._buffer.clear()  # noqa: SLF001
        return parts


# What is used, with the names of the arguments that are passed; None for what is no method.
_USED: Final[tuple[tuple[type, str, tuple[str, ...] | None], ...]] = (
    (aiohttp.ClientRequest, "__init__", ("self", "method", "url", "loop", "session")),
    (aiohttp.ClientRequest, "connection_key", None),
    (aiohttp.TCPConnector, "connect", ("self", "req", "traces", "timeout")),
    (Connection, "protocol", None),
    (Connection, "transport", None),
    (Connection, "close", ("self",)),
    (Connection, "release", ("self",)),
    (
        ResponseHandler,
        "set_response_params",
        (
            "self",
            "skip_payload",
            "read_until_eof",
            "auto_decompress",
            "read_timeout",
            "max_line_size",
            "max_field_size",
        ),
    ),
    (ResponseHandler, "should_close", None),
    (ResponseHandler, "start_timeout", ("self",)),
    (ResponseHandler, "read", ("self",)),
    (StreamReader, "is_eof", ("self",)),
    (StreamReader, "at_eof", ("self",)),
    (StreamReader, "_buffer", None),
)
_PROBE_ANSWER: Final = b"HTTP/1.1 200 Fine\r\nX: %s\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n" % (
    b"x" * 9000
)


class _ProbeTransport(asyncio.Transport):
    """Answers what is written to it, but for the end of the body."""

    def __init__(self, protocol: ResponseHandler) -> None:
        super().__init__()
        self._protocol = protocol
        self._closed = False
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:  # noqa: ARG002
        self._protocol.data_received(_PROBE_ANSWER + b"pro")

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._protocol.connection_lost(None)

    abort = close


class _ProbePool(Pool):
    async def _create_connection(self, *_: object, **__: object) -> ResponseHandler:
        protocol = ResponseHandler(asyncio.get_running_loop())
        _ProbeTransport(protocol)
        return protocol


async def _exercise() -> None:
    """Send a request to a made-up peer, and see which connections are used again."""
    pool = _ProbePool(limit=1)
    session = aiohttp.ClientSession(connector=pool)
    raw = RawHttp(session, pool, aiohttp.ClientTimeout(total=None))
    origin = URL("http://probe.invalid")
    connection: Connection | None = None
    try:
        connection, host = await raw.acquire(origin)
        first = connection.protocol
        if first is None:
            raise LookupError("a connection has a protocol")
        message, body = await raw.send(connection, host, Request(method="POST", origin=origin, target="/"), None)
        head = (message.code, message.reason, message.headers["content-length"])
        _expect(head == (200, "Fine", "5"), "the head of an answer is read")
        _expect(first.should_close, "a connection in mid-answer is not kept")
        _expect(raw.drain_buffer(body) == [], "a body that has not come whole is left")
        first.data_received(b"be")
        _expect(raw.drain_buffer(body) == [b"pro", b"be"] and body.at_eof(), "a body that has come is taken")
        connection.release()
        connection, _ = await raw.acquire(origin)
        _expect(connection.protocol is first, "a connection is kept")
        connection.release()
        first.data_received(_PROBE_ANSWER)
        connection, _ = await raw.acquire(origin)
        _expect(connection.protocol is not first, "a connection on which something has come is not kept")
    finally:
        if connection is not None:
            connection.close()
        await session.close()


def _expect(condition: object, what: str) -> None:
    if not condition:
        raise LookupError(f"it is no longer so that {what}")


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run work that waits for nothing: it may only let the event loop turn."""
    failure: Exception | None = None
    try:
        while True:
            waits_for: object = work.send(None) if failure is None else work.throw(failure)
            failure = None if waits_for is None else LookupError("something waits that did not")
    except StopIteration:
        return


def probe() -> None:
    """Check all that this module uses of aiohttp, and use it once; call this inside a task.

    Raises:
        Exception: something is missing, or does not work.
    """
    for owner, name, arguments in _USED:
        found = getattr(owner, name)
        if arguments is not None:
            inspect.signature(found).bind(**dict.fromkeys(arguments))
    _run(_exercise())
