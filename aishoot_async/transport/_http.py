"""The only code that speaks to aiohttp. Its exceptions end here, each mapped once and chained to nothing.

A ``repr`` of aiohttp's `ClientResponseError` holds the request's headers, and so the token: what is raised here is
raised outside of ``except``, so that not even ``__context__`` leads there.
"""

import asyncio
import io
import ssl
import urllib.request
from types import SimpleNamespace
from typing import Final

import aiohttp
import attrs
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from .._version import __version__
from ..config import Limits, Timeouts, parse_proxy
from ..errors import CallTimeoutError, ConnectError, TransportError
from ..secret import Secret
from ._body import Body
from ._messages import Request, Response

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


async def _note_connection(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.obtained = True


def _connection_trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_note_connection)
    trace.on_connection_reuseconn.append(_note_connection)
    return trace


@attrs.define
class Sending:
    """What is known of a request on its way: whether it obtained a connection, and so may have been seen."""

    obtained: bool = False


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
        self._readers: aiohttp.ClientSession | None = None
        self._writers: aiohttp.ClientSession | None = None

    def _client(self, method: str) -> aiohttp.ClientSession:
        if self._readers is None or self._writers is None:
            connector = aiohttp.TCPConnector(limit=self._limits.connections, ssl=self._tls or True)
            # Whether a request may have been seen matters for writes alone, and tracing costs a fifth of the speed.
            self._readers = self._open(connector, [])
            self._writers = self._open(connector, [_connection_trace()])
        return self._readers if method in {"GET", "HEAD"} else self._writers

    def _open(self, connector: aiohttp.TCPConnector, traces: list[aiohttp.TraceConfig]) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            trust_env=False,
            auto_decompress=False,
            raise_for_status=False,
            middlewares=(_never_resend,),
            trace_configs=traces,
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
        if request.method in {"GET", "HEAD"}:
            sending.obtained = True  # not traced, so taken for granted; a read may always be repeated
        proxy = self._proxy_for(request.url)
        response = None
        try:
            response = await self._client(request.method).request(
                request.method,
                request.url,
                # Of bytes beyond a megabyte aiohttp would write all at once, and warn of it.
                data=None if request.body is None else io.BytesIO(request.body),
                headers=request.headers(token),
                allow_redirects=False,
                proxy=proxy,
                trace_request_ctx=sending,
            )
            return await self._read(response)
        except _DroppedError as error:
            failure = self._mapped(error.seen)
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            # ValueError: a header or a status line that aiohttp itself cannot take.
            failure = self._mapped(error)
        finally:
            if response is not None:
                # Gives the connection back when the body was read to its end, and ends it otherwise.
                response.close()
        failure.maybe_sent = failure.maybe_sent and sending.obtained
        raise failure

    async def _read(self, response: aiohttp.ClientResponse) -> Response:
        body = Body(response.headers.get("Content-Encoding", ""), self._limits.response_bytes)
        while chunk := await response.content.readany():
            body.feed(chunk)
        return Response(
            status=response.status,
            reason=response.reason or "",
            headers=response.headers,
            body=body.whole(),
        )

    def _mapped(self, error: Exception) -> TransportError:
        match error:
            case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.ClientHttpProxyError():
                return ConnectError(self._unconnected(error), maybe_sent=False)
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
            case _:
                return f"cannot connect ({getattr(error, 'strerror', None) or 'refused'})"

    def _proxy_for(self, url: URL) -> str | None:
        if self._proxy != "environment":
            return self._proxy
        origin = url.origin()
        if origin not in self._proxies:
            self._proxies[origin] = _environment_proxy(origin)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the pool; requests on their way fail."""
        readers, writers = self._readers, self._writers
        self._readers = self._writers = None
        if readers is not None and writers is not None:
            connector = readers.connector
            await readers.close()
            await writers.close()
            if connector is not None:
                await connector.close()
