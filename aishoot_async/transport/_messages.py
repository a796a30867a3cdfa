"""One request and one response, as values that know no HTTP library."""

from collections.abc import Mapping
from typing import Final

import attrs
from yarl import URL

from ..secret import Secret
from ._stream import Stream

JSON: Final = "application/json"


class _Unshown(str):
    """A header's value that only the wire shows: aiohttp's frames hold it, and tools that show locals print them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[token]'"


@attrs.frozen(kw_only=True)
class Request:
    """A request as it goes out.

    Attributes:
        method: the HTTP method, in capitals.
        url: the whole URL, encoded.
        body: the request's body, or what is read while it is sent; ``None`` for none.
        content_type: the media type of the body.
        accept: the media type that is asked for.
    """

    method: str
    url: URL
    body: bytes | Stream | None = attrs.field(default=None, repr=False)  # it may hold a token
    content_type: str = JSON
    accept: str = JSON

    def headers(self, token: Secret | None) -> dict[str, str]:
        """Make the headers."""
        made = {"Accept": self.accept}
        if self.body is not None:
            made["Content-Type"] = self.content_type
        if isinstance(self.body, Stream):
            made["Content-Type"] = self.body.content_type
            made["Content-Length"] = str(self.body.length)
        if token is not None:
            made["Authorization"] = _Unshown(f"Bearer {token.reveal()}")
        return made


@attrs.frozen(kw_only=True)
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
