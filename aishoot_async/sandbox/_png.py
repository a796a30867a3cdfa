"""Pictures: making small real PNG files, and telling by the first bytes what a file is."""

import struct
import zlib
from functools import lru_cache
from typing import Final

SIDE: Final = 64
"""Width and height of a generated picture, in pixels."""
PNG_TYPE: Final = "image/png"
_HEADER_SIZE: Final = 24
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_MAX_SIDE: Final = 10_000


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@lru_cache(maxsize=512)
def picture(name: str) -> bytes:
    """Return a PNG of 64 by 64 pixels, 8-bit RGB: a gradient between two colours, the first 12 hex digits of `name`."""
    start, end = bytes.fromhex(name[:6]), bytes.fromhex(name[6:12])
    steps = 2 * (SIDE - 1)
    colours = [
        bytes(first + (last - first) * step // steps for first, last in zip(start, end, strict=True))
        for step in range(steps + 1)
    ]
    rows = b"".join(b"\0" + b"".join(colours[row : row + SIDE]) for row in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return _PNG_MAGIC + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")


def media_type(data: bytes) -> str | None:
    """`image/jpeg`, `image/png`, `image/tiff` or `image/webp`, by magic number; None for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(_PNG_MAGIC):
        return PNG_TYPE
    if data.startswith((b"II*\0", b"MM\0*")):
        return "image/tiff"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def too_large(data: bytes) -> bool:
    """Whether a PNG says that it has more than 10 000 pixels a side. Other formats are taken at their word."""
    if not data.startswith(_PNG_MAGIC) or len(data) < _HEADER_SIZE:
        return False
    width, height = struct.unpack(">II", data[16:_HEADER_SIZE])
    return bool(max(width, height) > _MAX_SIDE)
