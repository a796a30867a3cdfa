"""The pool of connections, and one request over it. Here aiohttp's exceptions are mapped, each once.

The ``repr`` of aiohttp's `ClientResponseError` holds the request's headers, and so the token. What is raised here is
raised outside of ``except``, so that neither ``__cause__`` nor ``__context__`` leads there.

Most requests take the fast path of `_raw_http`. Others, and all if `documented_only` says so, go through
`aiohttp.ClientSession` as documented.
"""

import asyncio
import io
import logging
import os
import ssl
import time
import urllib.request
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp
from yarl import URL

from ..config import Limits, Timeouts, parse_proxy
from ..errors import CallTimeoutError, ConfigurationError, ConnectError, TransportError
from ..secret import Secret
from ._body import Body, can_decode
from ._file_body import FileBody, VerifyingUpload
from ._messages import MAX_HEADER, MAX_INLINE_BODY, SEND_STATE, NoHttpError, Request, Response, SendState

if TYPE_CHECKING:
    from ._raw_http import RawHttp

logger: Final = logging.getLogger("aishoot_async.transport")
DOCUMENTED_HTTP: Final = "AISHOOT_DOCUMENTED_HTTP"
"""The environment variable that turns the fast path off: any value but an empty one, or 0."""
_FIRST_FINAL_STATUS: Final = 200
_FIRST_UNSUCCESSFUL_STATUS: Final = 300
# aiohttp's parser raises this through documented methods, and does not document it.
_PARSER_ERROR: Final = cast(
    "type[Exception]", getattr(getattr(aiohttp, "http_exceptions", None), "HttpProcessingError", aiohttp.ClientError)
)


class _DroppedError(Exception):
    """Hides an error for which aiohttp would resend the request."""

    def __init__(self, seen: aiohttp.ClientError) -> None:
        super().__init__()
        self.seen = seen


async def _never_resend(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from resending a GET, PUT or DELETE by itself: only our counted retries exist."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        dropped = _DroppedError(error)
    raise dropped


def documented_only() -> bool:
    """Tell whether the environment asks for aiohttp's documented interface alone."""
    return os.environ.get(DOCUMENTED_HTTP, "") not in {"", "0"}


def _open_socket(address: "tuple[Any, ...]") -> Any:
    family, kind, protocol, *_ = address
    return SEND_STATE.get().open_socket(family, kind, protocol)


async def _note_connection(*_: object) -> None:
    SEND_STATE.get().connected()


def _documented_pool(limits: Limits, tls: ssl.SSLContext | None) -> aiohttp.TCPConnector:
    """Return a pool that keeps no connection.

    aiohttp documents no way to see whether bytes have come on a kept connection, which would be taken for the answer
    to the next request.
    """
    return aiohttp.TCPConnector(
        limit=limits.connections, ssl=tls or True, force_close=True, socket_factory=_open_socket
    )


def _connection_traces() -> aiohttp.TraceConfig:
    """Return what tells a request's `SendState` that a connection was obtained."""
    traces = aiohttp.TraceConfig()
    traces.on_connection_create_end.append(_note_connection)
    traces.on_connection_reuseconn.append(_note_connection)
    traces.freeze()
    return traces


@cache
def _fast_path() -> "type[RawHttp] | None":
    """Return the fast path if all that it uses of aiohttp is there and works; call this inside a task."""
    try:
        from ._raw_http import RawHttp, probe  # noqa: PLC0415  # it imports what aiohttp does not document

        probe()
    except Exception as error:  # noqa: BLE001  # whatever has changed
        logger.warning(
            "aiohttp %s is not as expected (%s: %s): requests go through its documented interface, which is slower",
            aiohttp.__version__,
            type(error).__name__,
            error,
        )
        return None
    return RawHttp


def _is_line_too_long(error: BaseException | None) -> bool:
    """Tell whether a line of an answer's head was too long. aiohttp wraps the error that says so, once or twice."""
    return error is not None and (type(error).__name__ == "LineTooLong" or _is_line_too_long(error.__cause__))


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


class _Client:
    """What the first request opens: the pool, and aiohttp's session over it.

    Attributes:
        session: aiohttp's session.
        raw: the fast path over the same pool; ``None`` if it may not be used.
    """

    def __init__(self, limits: Limits, timeouts: Timeouts, tls: ssl.SSLContext | None) -> None:
        # No total: the deadline of a call covers all its attempts, and is not aiohttp's.
        timeout = aiohttp.ClientTimeout(
            total=None, connect=timeouts.connect, sock_connect=None, sock_read=timeouts.read
        )
        fast_path = None if documented_only() else _fast_path()
        if fast_path is None:
            self.session = _open_session(_documented_pool(limits, tls), timeout, [_connection_traces()])
            self.raw = None
        else:
            pool = fast_path.open_pool(limits, tls)
            self.session = _open_session(pool, timeout)
            self.raw = fast_path(self.session, pool, timeout)


def _open_session(
    pool: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout, traces: list[aiohttp.TraceConfig] | None = None
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=pool,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        raise_for_status=False,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        middlewares=(_never_resend,),
        timeout=timeout,
        trace_configs=traces,
    )


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

    async def send(self, request: Request, token: Secret | None, state: SendState) -> Response:
        """Send a request once, and read the whole answer.

        Raises:
            ConnectError: no connection was obtained; nothing was sent.
            CallTimeoutError: nothing came for ``Timeouts.read``.
            RequestValidationError: the file that the body is read from has changed.
            ResponseTooLargeError: the body outgrew ``Limits.response_bytes``.
            TransportError: the connection died, or the answer is broken.
        """
        proxy = self._proxy_for(request.origin)
        if self._client is None:
            self._client = _Client(self._limits, self._timeouts, self._tls)
        upload = None
        if isinstance(request.body, FileBody):
            upload = VerifyingUpload(request.body, state.on_progress, time.monotonic)
        try:
            if self._client.raw is not None and proxy is None and request.fits_in_one_write:
                return await self._send_raw(self._client.raw, request, token, state)
            noted = SEND_STATE.set(state)
            try:
                return await self._send_documented(self._client.session, request, token, proxy, upload)
            finally:
                SEND_STATE.reset(noted)
        except _DroppedError as error:
            seen: Exception = error.seen
        except (aiohttp.ClientError, NoHttpError, _PARSER_ERROR, OSError, ValueError) as error:
            # ValueError: a header or a status line that aiohttp itself cannot take.
            seen = error
        finally:
            state.abort()
            if upload is not None:
                upload.close()
        if upload is not None and upload.problem is not None:
            raise upload.problem
        raise self._lost(seen) if state.was_connected else ConnectError(self._unconnected(seen), maybe_sent=False)

    async def _send_raw(self, raw: "RawHttp", request: Request, token: Secret | None, state: SendState) -> Response:
        connection, host = await raw.acquire(request.origin)
        state.connected(connection.transport)
        try:
            message, content = await raw.send(connection, host, request, token)
            parts = raw.drain_buffer(content)
            response = await self._read(message.code, message.reason, message.headers, content, parts)
        except BaseException:
            connection.close()
            raise
        connection.release()
        return response

    async def _send_documented(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        token: Secret | None,
        proxy: str | None,
        upload: VerifyingUpload | None,
    ) -> Response:
        body: bytes | io.BytesIO | VerifyingUpload | None = upload or request.body  # type: ignore[assignment]
        if isinstance(body, bytes) and len(body) > MAX_INLINE_BODY:
            # aiohttp would write the bytes at once, and warns of more than a megabyte. It writes a file in parts.
            body = io.BytesIO(body)
        response = await session.request(
            request.method,
            request.url,
            data=body,
            headers=request.headers(token),
            allow_redirects=False,
            proxy=proxy,
        )
        try:
            return await self._read(response.status, response.reason, response.headers, response.content)
        finally:
            # Releases the connection if the body was read to its end, and closes it otherwise.
            response.close()

    async def _read(
        self,
        status: int,
        reason: str | None,
        headers: Mapping[str, str],
        content: aiohttp.StreamReader,
        parts: Iterable[bytes] = (),
    ) -> Response:
        if status < _FIRST_FINAL_STATUS:
            raise TransportError(f"the answer's status {status} is no answer")
        encoding = headers.get("Content-Encoding", "")
        if status >= _FIRST_UNSUCCESSFUL_STATUS and not can_decode(encoding):
            encoding = ""  # the status says enough
        body = Body(encoding, self._limits.response_bytes)
        for part in parts:
            body.feed(part)
        while not content.at_eof():
            body.feed(await content.readany())
        return Response(status=status, reason=reason or "", headers=headers, body=body.finish())

    def _lost(self, error: Exception) -> TransportError:
        match error:
            case asyncio.TimeoutError():
                return CallTimeoutError(f"nothing came for {self._timeouts.read} s")
            case aiohttp.ClientPayloadError():
                return TransportError("the answer's body was cut short")
            case _ if isinstance(error, (aiohttp.ClientResponseError, NoHttpError, _PARSER_ERROR)):
                if _is_line_too_long(error):
                    return TransportError(f"the answer has a header of more than {MAX_HEADER // 1024} KiB")
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
