"""The only code that speaks to aiohttp. Its exceptions end here, each mapped once and chained to nothing.

A ``repr`` of aiohttp's `ClientResponseError` holds the request's headers, and so the token: what is raised here is
raised outside of ``except``, so that not even ``__context__`` leads there.
"""

import asyncio
import io
import ssl
import urllib.request
from contextvars import ContextVar
from functools import cached_property
from typing import Final
from weakref import WeakSet

import aiohttp
import attrs
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace
from yarl import URL

from .._version import __version__
from ..config import Limits, Timeouts, parse_proxy
from ..errors import CallTimeoutError, ConnectError, TransportError
from ..secret import Secret
from ._body import Body
from ._messages import Request, Response

_FIRST_FINAL_STATUS: Final = 200
_READ_AT_ONCE: Final = 64 * 1024
_WRITTEN_AT_ONCE: Final = 64 * 1024
USER_AGENT: Final = f"aishoot-async/{__version__}"


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


@attrs.define
class Sending:
    """What is known of a request on its way: whether it obtained a connection, and so may have been seen."""

    _transport: asyncio.Transport | None = None

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


def _read_in_parts(transport: asyncio.Transport | None) -> None:
    """Let asyncio's own transport read at most so much at once: for each reading it takes all of that from the heap.

    The attribute is not documented. Where it is missing (uvloop, TLS), nothing is lost.
    """
    if isinstance(getattr(transport, "max_size", None), int):
        transport.max_size = _READ_AT_ONCE  # type: ignore[union-attr]


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    # Of bytes beyond a megabyte aiohttp would write all at once, and warn of it; a file's bytes it writes in parts.
    return body if body is None or len(body) <= _WRITTEN_AT_ONCE else io.BytesIO(body)


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
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or not (protocol.should_close and protocol in self._known):
                break
            connection.close()
        if protocol is not None and protocol not in self._known:
            self._known.add(protocol)
            _read_in_parts(connection.transport)
        _SENDING.get().begins(connection.transport)
        return connection


def _environment_proxy(origin: URL) -> str | None:
    """Read HTTPS_PROXY and NO_PROXY: aiohttp's trust_env would also put a password of ~/.netrc where the token goes.

    Raises:
        ConfigurationError: the proxy's URL cannot be one.
    """
    if urllib.request.proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    found = urllib.request.getproxies().get(origin.scheme)
    # ``proxy.example:3128`` is how it is often written.
    return parse_proxy(found if not found or "://" in found else f"http://{found}")


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
        self._client: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Pool(limit=self._limits.connections, ssl=self._tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            trust_env=False,
            auto_decompress=False,
            raise_for_status=False,
            middlewares=(_never_resend,),
            # No total: the call's deadline is one timer of our own, over all attempts.
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._timeouts.connect, sock_connect=None, sock_read=self._timeouts.read
            ),
        )

    async def send(self, request: Request, token: Secret | None, sending: Sending) -> Response:
        """Send one request once, and read the whole answer.

        Raises:
            ConnectError: no connection was obtained; nothing was sent.
            CallTimeoutError: nothing came for ``Timeouts.read``.
            ResponseTooLargeError: the body outgrew ``Limits.response_bytes``.
            TransportError: the connection died, or the answer is broken.
        """
        proxy = self._proxy_for(request.url)
        if self._client is None:
            self._client = self._open()
        response = None
        noted = _SENDING.set(sending)
        try:
            response = await self._client.request(
                request.method,
                request.url,
                data=_payload(request.body),
                headers=request.headers(token),
                allow_redirects=False,
                proxy=proxy,
            )
            return await self._read(response)
        except _DroppedError as error:
            seen: Exception = error.seen
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            # ValueError: a header or a status line that aiohttp itself cannot take.
            seen = error
        finally:
            if response is not None:
                # Gives the connection back when the body was read to its end, and ends it otherwise.
                response.close()
            sending.ends()
            _SENDING.reset(noted)
        raise self._lost(seen) if sending.obtained else ConnectError(self._unconnected(seen), maybe_sent=False)

    async def _read(self, response: aiohttp.ClientResponse) -> Response:
        if response.status < _FIRST_FINAL_STATUS:
            msg = f"the answer's status {response.status} is no answer"
            raise TransportError(msg)
        body = Body(response.headers.get("Content-Encoding", ""), self._limits.response_bytes)
        while chunk := await response.content.readany():
            body.feed(chunk)
        return Response(
            status=response.status,
            reason=response.reason or "",
            headers=response.headers,
            body=body.whole(),
        )

    def _lost(self, error: Exception) -> TransportError:
        match error:
            case asyncio.TimeoutError():
                return CallTimeoutError(f"nothing came for {self._timeouts.read} s")
            case aiohttp.ClientPayloadError():
                return TransportError("the answer's body was cut short")
            case aiohttp.ClientResponseError() | HttpProcessingError():
                return TransportError("the answer is no readable HTTP")
            case _:
                return TransportError("the connection was lost before a whole answer came")

    def _unconnected(self, error: Exception) -> str:
        match error:
            case aiohttp.ConnectionTimeoutError():
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

    def _proxy_for(self, url: URL) -> str | None:
        if self._proxy != "environment":
            return self._proxy
        origin = url.origin()
        if origin not in self._proxies:
            self._proxies[origin] = _environment_proxy(origin)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the pool; requests on their way fail."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
