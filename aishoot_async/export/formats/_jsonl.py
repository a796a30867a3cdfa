"""JSON Lines: each item's own JSON on a line; plain, or compressed."""

import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, ClassVar, Final

import attrs

from ... import jsontext
from ...models import Page
from ._base import Encoder, Format

_GZIP: Final = 31  # zlib's word for a gzip header, which it writes without a time or a name
_GZIP_LEVEL: Final = 6
_ZSTD_LEVEL: Final = 3


def lines(items: Sequence[bytes]) -> bytes:
    """Write each item on a line of its own; nothing is added, or changed but line breaks and indentation."""
    # Looked at once for all: an item of a compact answer holds no line break, and inside a string none can stand. To
    # join them for it takes a third of counting the breaks between them.
    whole = b"".join(items)
    if b"\n" in whole or b"\r" in whole:
        items = [*map(jsontext.compact, items)]
    return b"\n".join([*items, b""])


class _LineEncoder:
    def begin(self) -> bytes:
        return b""

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        for page in pages:
            yield lines(page.raw)

    def end(self, *, empty: bool) -> bytes:  # noqa: ARG002
        return b""


@attrs.frozen
class _CompressedLineEncoder:
    """Each block is compressed as a member (gzip) or frame (zstd) of its own, so that a file can be cut back to it."""

    format: "_CompressedJsonLines"

    def begin(self) -> bytes:
        return b""

    def block(self, pages: Sequence[Page[bytes]]) -> Iterator[bytes]:
        yield self.format.compress(b"".join(lines(page.raw) for page in pages))

    def end(self, *, empty: bool) -> bytes:
        # A file without a member is none.
        return self.format.compress(b"") if empty else b""


@attrs.frozen(kw_only=True)
class JsonLines(Format):
    """JSON Lines."""

    name: ClassVar[str] = "jsonl"
    splittable: ClassVar[bool] = True

    def encoder(self, brief_id: int | None) -> Encoder:  # noqa: ARG002
        return _LineEncoder()


@attrs.frozen(kw_only=True)
class _CompressedJsonLines(Format):
    @abstractmethod
    def compress(self, text: bytes) -> bytes:
        """Compress a block."""

    def encoder(self, brief_id: int | None) -> Encoder:  # noqa: ARG002
        return _CompressedLineEncoder(self)


@attrs.frozen(kw_only=True)
class GzipJsonLines(_CompressedJsonLines):
    """JSON Lines, compressed by gzip."""

    name: ClassVar[str] = "jsonl.gz"

    def compress(self, text: bytes) -> bytes:
        """Compress a block."""
        return zlib.compress(text, _GZIP_LEVEL, _GZIP)


@attrs.frozen(kw_only=True)
class ZstdJsonLines(_CompressedJsonLines):
    """JSON Lines, compressed by Zstandard."""

    name: ClassVar[str] = "jsonl.zst"
    package: ClassVar[tuple[str, str] | None] = ("zstandard", "data")

    def compress(self, text: bytes) -> bytes:
        """Compress a block."""
        zstandard: Any = import_module("zstandard")  # an extra
        compressed: bytes = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(text)
        return compressed
