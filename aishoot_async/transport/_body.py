"""Reads a response body completely or not at all: capped while it is decompressed, and checked for its end.

aiohttp's own decompression is off, because it gives a gzip stream that was cut short as if it were whole.
"""

import io
import zlib
from typing import Final

from ..errors import ResponseTooLargeError, TransportError

_GZIPPED: Final = frozenset({"gzip", "x-gzip"})
_READABLE: Final = frozenset({"", "identity"}) | _GZIPPED
_GZIP: Final = 16 + zlib.MAX_WBITS
# Bytes decompressed at once. A small chunk can expand to gigabytes; the cap is checked before more is in memory.
_CHUNK_SIZE: Final = 256 * 1024
_MAX_PARTS: Final = 8


def can_decode(encoding: str) -> bool:
    """Tell whether requests ask for this ``Content-Encoding``."""
    return not encoding or encoding.strip().lower() in _READABLE


def unreadable_coding(encoding: str) -> str:
    """Return the message for an answer with a ``Content-Encoding`` that was not asked for."""
    return f"the answer is compressed as {encoding[:200]!r}, which was not asked for"


class Body:
    """Collects one body."""

    def __init__(self, encoding: str, cap: int) -> None:
        """Choose by ``Content-Encoding``; ``cap`` counts decompressed bytes."""
        self._cap = cap
        # Most bodies come in one or two parts. Many parts go into one buffer: if a server sends single bytes, a list of
        # them takes many times their size.
        self._length = 0
        self._parts: list[bytes] = []
        self._data: io.BytesIO | None = None
        self._begun = False
        coding = encoding.strip().lower()
        self._unzip = zlib.decompressobj(_GZIP) if coding in _GZIPPED else None
        # An answer without a body may claim what it likes.
        self._unreadable = "" if coding in _READABLE else encoding

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes from the wire.

        Raises:
            ResponseTooLargeError: the body outgrows the cap.
            TransportError: the gzip stream is broken, or the coding is one that was not asked for.
        """
        if self._unzip is None:
            if self._unreadable and chunk:
                raise TransportError(unreadable_coding(self._unreadable))
            self._keep(chunk)
            return
        self._begun = self._begun or bool(chunk)
        more = False
        while chunk or more:
            if self._unzip.eof:
                # gzip streams may follow each other (RFC 1952, 2.2).
                self._unzip = zlib.decompressobj(_GZIP)
            try:
                part = self._unzip.decompress(chunk, _CHUNK_SIZE)
            except zlib.error:
                part = None
            if part is None:
                msg = "the answer's gzip stream is broken"
                raise TransportError(msg)
            self._keep(part)
            # All input may be taken while output is still held back for the next step.
            more = len(part) == _CHUNK_SIZE and not self._unzip.eof
            chunk = self._unzip.unconsumed_tail or self._unzip.unused_data

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._cap:
            self._parts, self._data = [], None
            msg = (
                f"the answer is larger than {self._cap} bytes, the most that is read of one; if it may be so large, "
                f"allow more with Limits(response_bytes=...)"
            )
            raise ResponseTooLargeError(msg)
        if self._data is not None:
            self._data.write(part)
        elif len(self._parts) < _MAX_PARTS:
            self._parts.append(part)
        else:
            self._data = io.BytesIO()
            self._data.writelines([*self._parts, part])
            self._parts = []

    def finish(self) -> bytes:
        """Return the body.

        Raises:
            TransportError: the gzip stream was cut short.
        """
        if self._begun and self._unzip is not None and not self._unzip.eof:
            msg = "the answer's gzip stream was cut short"
            raise TransportError(msg)
        return b"".join(self._parts) if self._data is None else self._data.getvalue()
