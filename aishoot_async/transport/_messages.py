"""One request and one response, as values that know no HTTP library.

Not frozen, as they are made for each attempt, and that would take twice as long.
"""

from collections.abc import Mapping
from typing import Final

import attrs
from yarl import URL

from .._version import __version__
from ..secret import Secret
from ._stream import Stream

JSON: Final = "application/json"
USER_AGENT: Final = f"aishoot-async/{__version__}"
WRITTEN_AT_ONCE: Final = 64 * 1024
"""Bytes of a body that are handed to the system together; of a larger one, parts."""
# RFC 9110, 8.6: the others say that they have none.
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})


class _Unshown(str):
    """A header's value that only the wire shows: aiohttp's frames hold it, and tools that show locals print them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[token]'"


@attrs.define(kw_only=True, eq=False, repr=False)
class Request:
    """A request as it goes out.

    Attributes:
        method: the HTTP method, in capitals.
        origin: where it goes: scheme, host and port.
        target: the path and the query, percent-encoded.
        body: the request's body, or what is read while it is sent; ``None`` for none.
        content_type: the media type of the body.
        accept: the media type that is asked for.
    """

    method: str
    origin: URL
    target: str
    body: bytes | Stream | None = attrs.field(default=None, repr=False)  # it may hold a token
    content_type: str = JSON
    accept: str = JSON

    @property
    def url(self) -> URL:
        """The whole URL."""
        return URL(f"{self.origin}{self.target}", encoded=True)

    @property
    def is_short(self) -> bool:
        """Whether all of it can be written at once."""
        return self.body is None or (isinstance(self.body, bytes) and len(self.body) <= WRITTEN_AT_ONCE)

    def headers(self, token: Secret | None) -> dict[str, str]:
        """Make the headers, but for ``Host``."""
        made = {"User-Agent": USER_AGENT, "Accept": self.accept, "Accept-Encoding": "gzip"}
        if isinstance(self.body, Stream):
            made["Content-Type"] = self.body.content_type
            made["Content-Length"] = str(self.body.length)
        elif self.body is not None:
            made["Content-Type"] = self.content_type
            made["Content-Length"] = str(len(self.body))
        elif self.method not in _WITHOUT_BODY:
            made["Content-Length"] = "0"
        if token is not None:
            made["Authorization"] = _Unshown(f"Bearer {token.reveal()}")
        return made

    def whole(self, host: str, token: Secret | None) -> bytes:
        """Write it down as it goes over the wire, for a request that `is_short`. ``host`` is the ``Host`` header.

        Raises:
            ValueError: the target holds what would end the request line.
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
    """A whole response, its body decompressed.

    Attributes:
        status: the HTTP status.
        reason: the HTTP reason.
        headers: the headers, by names of any case.
        body: the body's bytes.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
