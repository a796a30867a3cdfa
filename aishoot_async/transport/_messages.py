"""A request, its response, and the state of sending it; none of them knows the HTTP library.

They are not frozen: each attempt makes new ones, and frozen ones take twice as long to make.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Final

import attrs
from yarl import URL

from .._version import __version__
from ..secret import Secret
from ._file_body import FileBody

JSON: Final = "application/json"
USER_AGENT: Final = f"aishoot-async/{__version__}"
MAX_INLINE_BODY: Final = 64 * 1024
"""Bytes. A larger body is written in parts."""
MAX_HEADER: Final = 64 * 1024
"""Bytes of a header or status line of an answer. Gateways write policies and traces of more than aiohttp's 8 KiB."""
# RFC 9110, 8.6: a request with another method and no body says that it has none.
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})


class _RedactedStr(str):
    """A header's value without a readable repr: aiohttp's frames hold it, and tools that show locals print them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[token]'"


@attrs.define(kw_only=True, eq=False, repr=False)
class Request:
    """A request to send.

    Attributes:
        method: the HTTP method, in capitals.
        origin: scheme, host and port of the service.
        target: the path and the query, percent-encoded.
        body: the bytes, or a file that is read while it is sent; ``None`` for none.
        content_type: the media type of the body.
        accept: the media type to ask for.
    """

    method: str
    origin: URL
    target: str
    body: bytes | FileBody | None = attrs.field(default=None, repr=False)  # it may hold a token
    content_type: str = JSON
    accept: str = JSON

    @property
    def url(self) -> URL:
        """The whole URL."""
        return URL(f"{self.origin}{self.target}", encoded=True)

    @property
    def fits_in_one_write(self) -> bool:
        """Whether head and body are short enough to be written at once."""
        return self.body is None or (isinstance(self.body, bytes) and len(self.body) <= MAX_INLINE_BODY)

    def headers(self, token: Secret | None) -> dict[str, str]:
        """Return the headers, without ``Host``."""
        made = {"User-Agent": USER_AGENT, "Accept": self.accept, "Accept-Encoding": "gzip"}
        if isinstance(self.body, FileBody):
            made["Content-Type"] = self.body.content_type
            made["Content-Length"] = str(self.body.length)
        elif self.body is not None:
            made["Content-Type"] = self.content_type
            made["Content-Length"] = str(len(self.body))
        elif self.method not in _WITHOUT_BODY:
            made["Content-Length"] = "0"
        if token is not None:
            made["Authorization"] = _RedactedStr(f"Bearer {token.reveal()}")
        return made

    def serialize(self, host: str, token: Secret | None) -> bytes:
        """Return the bytes to send, of a request that `fits_in_one_write`. ``host`` is the ``Host`` header.

        Raises:
            ValueError: the target holds a character that would end the request line.
        """
        target = self.target
        if not (target.isascii() and target.isprintable()) or " " in target:
            msg = "the URL is not percent-encoded"
            raise ValueError(msg)
        lines = [f"{name}: {value}\r\n" for name, value in self.headers(token).items()]
        head = f"{self.method} {target} HTTP/1.1\r\nHost: {host}\r\n{''.join(lines)}\r\n"
        return head.encode() + self.body if isinstance(self.body, bytes) else head.encode()


@attrs.define(kw_only=True, eq=False, repr=False)
class Response:
    """A complete response.

    Attributes:
        status: the HTTP status.
        reason: the HTTP reason.
        headers: the headers, by names of any case.
        body: the decompressed body.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


class NoHttpError(Exception):
    """What came is no HTTP. Its cause is the HTTP library's own error."""


@attrs.define(eq=False, repr=False)
class SendState:
    """Whether an attempt obtained a connection, so that the service may have seen its request.

    Attributes:
        on_progress: called with the seconds that each part of a file took to be sent.
        was_connected: whether a connection was obtained.
    """

    on_progress: Callable[[float], None] = attrs.field(default=lambda _: None, kw_only=True)
    was_connected: bool = attrs.field(default=False, init=False)
    _transport: asyncio.Transport | None = attrs.field(default=None, init=False)
    _sockets: list[socket.socket] = attrs.field(factory=list, init=False)

    def connected(self, transport: asyncio.Transport | None = None) -> None:
        """Record that a connection was obtained."""
        self.was_connected = True
        self._transport = transport

    def open_socket(self, family: int, kind: int, protocol: int) -> socket.socket:
        """Open a socket that is of no use after this attempt."""
        opened = socket.socket(family, kind, protocol)
        self._sockets.append(opened)
        return opened

    def abort(self) -> None:
        """Abort a connection that will not be used again, without flushing its write buffer.

        A server that reads nothing, or does not answer the end of TLS, would hold the descriptor.
        """
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()
        for opened in self._sockets:
            with contextlib.suppress(OSError):  # it is closed already, or was never connected
                opened.shutdown(socket.SHUT_RDWR)


SEND_STATE: Final[ContextVar[SendState]] = ContextVar("aishoot_async.send_state")
"""The state of the attempt that the running task makes through aiohttp's session."""
