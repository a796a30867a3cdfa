"""A body read whole or not at all: capped while it is decompressed, and checked for its end.

aiohttp's own decompression is off, because it gives a gzip stream that was cut short as if it were whole.
"""

import zlib
from typing import Final

from ..errors import ResponseTooLargeError, TransportError

_GZIP: Final = 16 + zlib.MAX_WBITS


class Body:
    """Collects one body."""

    def __init__(self, encoding: str, cap: int) -> None:
        """Choose by ``Content-Encoding``; the cap is in bytes, decompressed.

        Raises:
            TransportError: the encoding is one that was not asked for.
        """
        self._cap = cap
        self._size = 0
        self._parts: list[bytes] = []
        self._unzip = None
        match encoding.strip().lower():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip":
                self._unzip = zlib.decompressobj(_GZIP)
            case _:
                msg = "the answer is compressed in a way that was not asked for"
                raise TransportError(msg)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes from the wire.

        Raises:
            ResponseTooLargeError: the body outgrows the cap.
            TransportError: the gzip stream is broken.
        """
        if self._unzip is None:
            self._keep(chunk)
            return
        while chunk:
            if self._unzip.eof:
                # gzip streams may follow each other (RFC 1952, 2.2).
                self._unzip = zlib.decompressobj(_GZIP)
            broken = False
            try:
                out = self._unzip.decompress(chunk, self._cap - self._size + 1)
            except zlib.error:
                broken = True
            if broken:
                msg = "the answer's gzip stream is broken"
                raise TransportError(msg)
            self._keep(out)
            chunk = self._unzip.unconsumed_tail or self._unzip.unused_data

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._cap:
            self._parts.clear()
            msg = f"the answer is larger than Limits.response_bytes ({self._cap} bytes)"
            raise ResponseTooLargeError(msg)
        self._parts.append(part)

    def whole(self) -> bytes:
        """Give the body.

        Raises:
            TransportError: the gzip stream was cut short.
        """
        if self._unzip is not None and not self._unzip.eof and (self._size or self._parts):
            msg = "the answer's gzip stream was cut short"
            raise TransportError(msg)
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
