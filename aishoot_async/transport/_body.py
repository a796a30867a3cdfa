"""A body read whole or not at all: capped while it is decompressed, and checked for its end.

aiohttp's own decompression is off, because it gives a gzip stream that was cut short as if it were whole.
"""

import io
import zlib
from typing import Final

from ..errors import ResponseTooLargeError, TransportError

_GZIPPED: Final = frozenset({"gzip", "x-gzip"})
_READABLE: Final = frozenset({"", "identity"}) | _GZIPPED
_GZIP: Final = 16 + zlib.MAX_WBITS
# Decompressed at once at most: what a small chunk can blow up to is never in memory before the cap is looked at.
_STEP: Final = 256 * 1024
_FEW: Final = 8


def can_decode(encoding: str) -> bool:
    """Tell whether a ``Content-Encoding`` is one that is asked for."""
    return not encoding or encoding.strip().lower() in _READABLE


def unreadable_coding(encoding: str) -> str:
    """Say that an answer has a ``Content-Encoding`` that was not asked for."""
    return f"the answer is compressed as {encoding[:200]!r}, which was not asked for"


class Body:
    """Collects one body."""

    def __init__(self, encoding: str, cap: int) -> None:
        """Choose by ``Content-Encoding``; the cap is in bytes, decompressed."""
        self._cap = cap
        # Most often it comes in a part or two. When there are many they go into one buffer: a list of them takes many
        # times their size when a server sends them by the byte.
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
                part = self._unzip.decompress(chunk, _STEP)
            except zlib.error:
                part = None
            if part is None:
                msg = "the answer's gzip stream is broken"
                raise TransportError(msg)
            self._keep(part)
            # All input may be taken while output is still held back for the next step.
            more = len(part) == _STEP and not self._unzip.eof
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
        elif len(self._parts) < _FEW:
            self._parts.append(part)
        else:
            self._data = io.BytesIO()
            self._data.writelines([*self._parts, part])
            self._parts = []

    def whole(self) -> bytes:
        """Give the body.

        Raises:
            TransportError: the gzip stream was cut short.
        """
        if self._begun and self._unzip is not None and not self._unzip.eof:
            msg = "the answer's gzip stream was cut short"
            raise TransportError(msg)
        return b"".join(self._parts) if self._data is None else self._data.getvalue()
