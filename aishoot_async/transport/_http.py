"""The only code that speaks to aiohttp. Its exceptions end here, each mapped once and chained to nothing.

A ``repr`` of aiohttp's `ClientResponseError` holds the request's headers, and so the token: what is raised here is
raised outside of ``except``, so that not even ``__context__`` leads there.
"""

import asyncio
import io
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

import aiohttp
import attrs
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.tracing import Trace
from yarl import URL

from ..config import Limits, Timeouts, parse_proxy
from ..errors import CallTimeoutError, ConfigurationError, ConnectError, TransportError
from ..secret import Secret
from ._body import Body, can_decode
from ._exchange import HEADER_BYTES, exchange, is_possible, take_parts
from ._messages import WRITTEN_AT_ONCE, Request, Response
from ._stream import Passage, Stream

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey

_FIRST_FINAL_STATUS: Final = 200
_FIRST_UNSUCCESSFUL_STATUS: Final = 300
_READ_AT_ONCE: Final = 64 * 1024
_EXCHANGES: Final = is_possible()


class _DroppedError(Exception):
    """What aiohttp would have resent for, wrapped into a class that it does not resend for."""

    def __init__(self, seen: aiohttp.ClientError) -> None:
        super().__init__()
        self.seen = seen


async def _never_resend(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET, PUT or DELETE again by itself: only counted retries exist here."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        dropped = _DroppedError(error)
    raise dropped


@attrs.define(eq=False, repr=False)
class Sending:
    """What is known of a request on its way: whether it obtained a connection, and so may have been seen.

    Attributes:
        moved: hears of the seconds that each part of a streamed body took.
    """

    moved: Callable[[float], None] = attrs.field(default=lambda _: None, kw_only=True)
    _transport: asyncio.Transport | None = attrs.field(default=None, init=False)

    @property
    def obtained(self) -> bool:
        """Whether a connection was obtained."""
        return self._transport is not None

    def begins(self, transport: asyncio.Transport | None) -> None:
        """Hear of the connection."""
        self._transport = transport

    def ends(self) -> None:
        """Let go of a connection that is not kept, without waiting until the server has taken what it was sent.

        A server that takes nothing, or does not answer the end of TLS, would hold its descriptor.
        """
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()


_SENDING: Final[ContextVar[Sending]] = ContextVar("aishoot_async.sending")


def _is_for_its_length(error: BaseException | None) -> bool:
    """Tell whether a line of an answer's head was too long: aiohttp wraps what says so once or twice."""
    return error is not None and (isinstance(error, LineTooLong) or _is_for_its_length(error.__cause__))


def _read_in_parts(transport: asyncio.Transport | None) -> None:
    """Let asyncio's own transport read at most so much at once: for each reading it takes all of that from the heap.

    The attribute is not documented. Where it is missing (uvloop, TLS), nothing is lost.
    """
    if isinstance(getattr(transport, "max_size", None), int):
        transport.max_size = _READ_AT_ONCE  # type: ignore[union-attr]


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    # Of bytes beyond a megabyte aiohttp would write all at once, and warn of it; a file's bytes it writes in parts.
    return body if body is None or len(body) <= WRITTEN_AT_ONCE else io.BytesIO(body)


class _Pool(aiohttp.TCPConnector):
    """Connections, each noted when it is handed out.

    A connection that was kept, and on which something has come meanwhile, is not used again: what nobody had asked
    for (a second answer, a 408 to an idle client) would be taken for the answer to the next request.
    """

    @cached_property
    def _known(self) -> WeakSet[asyncio.BaseProtocol]:
        return WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own
    ) -> Connection:
        connection = await self.obtain(req, timeout, traces)
        _SENDING.get().begins(connection.transport)
        return connection

    async def obtain(
        self, target: aiohttp.ClientRequest, waits: aiohttp.ClientTimeout, traces: list[Trace]
    ) -> Connection:
        """Give a connection to where a request would go; who asks notes it."""
        while True:
            connection = await super().connect(target, traces, waits)
            protocol = connection.protocol
            if protocol is None or not (protocol.should_close and protocol in self._known):
                break
            connection.close()
        if protocol is not None and protocol not in self._known:
            self._known.add(protocol)
            _read_in_parts(connection.transport)
        return connection


def _environment_proxy(origin: URL) -> str | None:
    """Read HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    aiohttp's trust_env would also put a password of ~/.netrc where the token goes.

    Raises:
        ConfigurationError: the proxy's URL cannot be one.
    """
    if urllib.request.proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(origin.scheme) or proxies.get("all")
    try:
        # ``proxy.example:3128`` is how it is often written.
        return parse_proxy(found if not found or "://" in found else f"http://{found}")
    except ConfigurationError:
        # What is there may hold a password, so it is not shown.
        msg = (
            f"the proxy in {origin.scheme.upper()}_PROXY or ALL_PROXY is no http:// or https:// URL; SOCKS is not known"
        )
    raise ConfigurationError(msg)


class _Target(aiohttp.ClientRequest):
    """Where requests go. They are many, and it stays what it is."""

    @cached_property
    def connection_key(self) -> "ConnectionKey":  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().connection_key


class _Client:
    """What the first request opens: the pool, and aiohttp's session over it."""

    def __init__(self, limits: Limits, timeouts: Timeouts, tls: ssl.SSLContext | None) -> None:
        # No total: the call's deadline is our own, over all attempts.
        self.waits = aiohttp.ClientTimeout(
            total=None, connect=timeouts.connect, sock_connect=None, sock_read=timeouts.read
        )
        self.pool = _Pool(limit=limits.connections, ssl=tls or True)
        self.session = aiohttp.ClientSession(
            connector=self.pool,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            raise_for_status=False,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            middlewares=(_never_resend,),
            timeout=self.waits,
        )
        self._targets: dict[URL, aiohttp.ClientRequest] = {}

    def target(self, origin: URL) -> aiohttp.ClientRequest:
        """Give what the pool needs to know of a request to an origin, past proxies; it is not sent."""
        target = self._targets.get(origin)
        if target is None:
            target = self._targets[origin] = _Target(
                "GET", origin, loop=asyncio.get_running_loop(), session=self.session
            )
        return target


class Transport:
    """One pool of connections. Nothing is opened before the first request."""

    def __init__(
        self, *, limits: Limits, timeouts: Timeouts, proxy: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Keep the settings."""
        self._limits = limits
        self._timeouts = timeouts
        self._proxy = proxy
        self._tls = tls
        self._proxies: dict[URL, str | None] = {}
        self._client: _Client | None = None

    async def send(self, request: Request, token: Secret | None, sending: Sending) -> Response:
        """Send one request once, and read the whole answer.

        Raises:
            ConnectError: no connection was obtained; nothing was sent.
            CallTimeoutError: nothing came for ``Timeouts.read``.
            RequestValidationError: the file that its body is read from is not what it was.
            ResponseTooLargeError: the body outgrew ``Limits.response_bytes``.
            TransportError: the connection died, or the answer is broken.
        """
        proxy = self._proxy_for(request.origin)
        if self._client is None:
            self._client = _Client(self._limits, self._timeouts, self._tls)
        passage = None
        if isinstance(request.body, Stream):
            passage = Passage(request.body, sending.moved, time.monotonic)
        try:
            if _EXCHANGES and proxy is None and request.is_short:
                return await self._exchange(self._client, request, token, sending)
            noted = _SENDING.set(sending)
            try:
                return await self._request(self._client, request, token, proxy, passage)
            finally:
                _SENDING.reset(noted)
        except _DroppedError as error:
            seen: Exception = error.seen
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            # ValueError: a header or a status line that aiohttp itself cannot take.
            seen = error
        finally:
            sending.ends()
            if passage is not None:
                passage.close()
        if passage is not None and passage.problem is not None:
            raise passage.problem
        raise self._lost(seen) if sending.obtained else ConnectError(self._unconnected(seen), maybe_sent=False)

    async def _exchange(self, client: _Client, request: Request, token: Secret | None, sending: Sending) -> Response:
        target = client.target(request.origin)
        connection = await client.pool.obtain(target, client.waits, [])
        sending.begins(connection.transport)
        try:
            message, content = await exchange(
                connection,
                partial(request.whole, target.url.host_port_subcomponent or "", token),
                has_body=request.method != "HEAD",
                read_timeout=self._timeouts.read,
            )
            response = await self._read(message.code, message.reason, message.headers, content)
        except BaseException:
            connection.close()
            raise
        connection.release()
        return response

    async def _request(
        self, client: _Client, request: Request, token: Secret | None, proxy: str | None, passage: Passage | None
    ) -> Response:
        response = await client.session.request(
            request.method,
            request.url,
            data=passage if isinstance(request.body, Stream) else _payload(request.body),
            headers=request.headers(token),
            allow_redirects=False,
            proxy=proxy,
        )
        try:
            return await self._read(response.status, response.reason, response.headers, response.content)
        finally:
            # Gives the connection back when the body was read to its end, and ends it otherwise.
            response.close()

    async def _read(
        self, status: int, reason: str | None, headers: Mapping[str, str], content: aiohttp.StreamReader
    ) -> Response:
        if status < _FIRST_FINAL_STATUS:
            msg = f"the answer's status {status} is no answer"
            raise TransportError(msg)
        encoding = headers.get("Content-Encoding", "")
        if status >= _FIRST_UNSUCCESSFUL_STATUS and not can_decode(encoding):
            encoding = ""  # the status says enough
        body = Body(encoding, self._limits.response_bytes)
        for part in take_parts(content) if _EXCHANGES else ():
            body.feed(part)
        while not content.at_eof():
            body.feed(await content.readany())
        return Response(status=status, reason=reason or "", headers=headers, body=body.whole())

    def _lost(self, error: Exception) -> TransportError:
        match error:
            case asyncio.TimeoutError():
                return CallTimeoutError(f"nothing came for {self._timeouts.read} s")
            case aiohttp.ClientPayloadError():
                return TransportError("the answer's body was cut short")
            case aiohttp.ClientResponseError() | HttpProcessingError():
                if _is_for_its_length(error):
                    return TransportError(f"the answer has a header of more than {HEADER_BYTES // 1024} KiB")
                return TransportError("the answer is no readable HTTP")
            case _:
                return TransportError("the connection was lost before a whole answer came")

    def _unconnected(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                return f"no connection within {self._timeouts.connect} s"
            case aiohttp.ClientHttpProxyError():
                return f"the proxy refused with status {error.status}"
            case aiohttp.ClientConnectorDNSError():
                return "the host's name cannot be resolved"
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
                return "the TLS handshake failed: is the certificate one to trust?"
            case aiohttp.ClientResponseError() | aiohttp.ServerDisconnectedError():
                return "the proxy's answer is no readable HTTP"
            case _:
                return f"cannot connect ({getattr(error, 'strerror', None) or 'the connection was lost at once'})"

    def _proxy_for(self, origin: URL) -> str | None:
        if self._proxy != "environment":
            return self._proxy
        if origin not in self._proxies:
            self._proxies[origin] = _environment_proxy(origin)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the pool; requests on their way fail."""
        client, self._client = self._client, None
        if client is not None:
            await client.session.close()
