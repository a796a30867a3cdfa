"""Pure: what kind of picture some bytes are, and how large it is, by their headers. No pixel is decoded.

    format   told by                    its size stands in
    ------------------------------------------------------------------------------------------------------------
    JPEG     FF D8 FF                   the frame header (SOF), behind any number of other segments, each of which says
                                        how long it is: a thumbnail inside EXIF is passed over with its segment
    PNG      89 "PNG" 0D 0A 1A 0A       IHDR, which comes first
    TIFF     "II" 2A 00 / "MM" 00 2A    tags 256 and 257 of the first directory, wherever that lies
    WebP     "RIFF" ???? "WEBP"         the first chunk: VP8 (lossy), VP8L (lossless) or VP8X (extended)

What is cut short, or says nothing, has no size: only the service can tell what it makes of that.
"""

from collections.abc import Callable
from typing import Final, Literal

import attrs

Format = Literal["JPEG", "PNG", "TIFF", "WebP"]
ReadAt = Callable[[int, int], bytes]
"""Gives so many bytes from a place on, from 0; fewer at the end."""

SIDE_AT_MOST: Final = 10_000
"""Pixels a side that the service takes at most."""
SKU_SIDE_AT_LEAST: Final = 1500
"""Pixels of the longer side that a SKU's picture needs."""
SKU_BYTES_AT_MOST: Final = 7 * 1024 * 1024
"""What AI Shoot takes for a SKU: 7 MB, and nobody says that these are no binary ones."""
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_FIRST_BYTES: Final = 32
_PNG_HEAD: Final = 24
_WEBP_HEAD: Final = 30
_FRAME_HEAD: Final = 9
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # these are two tables, and a code that is reserved
_TOO_FAR: Final = frozenset({0xD9, 0xDA})  # the end, and the pixels
# More than any camera needs: a file of nothing but empty segments must not take seconds.
_STEPS_AT_MOST: Final = 4000
_TIFF_ENTRY: Final = 12
_TIFF_SIDES: Final = (256, 257)
_TIFF_NUMBERS: Final = {1: 1, 3: 2, 4: 4}  # the types BYTE, SHORT and LONG, with their lengths


@attrs.frozen
class PictureHeader:
    """What a picture's header says.

    Attributes:
        format: one of the four formats that the service takes.
        width: in pixels; ``None`` where the header does not say.
        height: likewise.
    """

    format: Format
    width: int | None = None
    height: int | None = None

    @property
    def media_type(self) -> str:
        """The ``Content-Type``."""
        return f"image/{self.format.lower()}"

    @property
    def suffix(self) -> str:
        """The usual end of a file's name, with its dot."""
        return ".jpg" if self.format == "JPEG" else f".{self.format.lower()}"

    @property
    def longer_side(self) -> int | None:
        """In pixels; ``None`` where the header does not say."""
        return None if self.width is None or self.height is None else max(self.width, self.height)


def read_header(read_at: ReadAt) -> PictureHeader | None:
    """Read a picture's header; ``None`` for what is none of the four formats."""
    start = read_at(0, _FIRST_BYTES)
    size: tuple[int, int] | None
    kind: Format
    if start.startswith(b"\xff\xd8\xff"):
        kind, size = "JPEG", _jpeg_size(read_at)
    elif start.startswith(_PNG_MAGIC):
        kind, size = "PNG", _png_size(start)
    elif start.startswith((b"II*\0", b"MM\0*")):
        kind, size = "TIFF", _tiff_size(start, read_at)
    elif start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        kind, size = "WebP", _webp_size(start)
    else:
        return None
    return PictureHeader(kind, *size) if size is not None and all(size) else PictureHeader(kind)


def sku_problem(size: int, header: PictureHeader | None = None) -> str | None:
    """Say why AI Shoot cannot use a picture for a SKU, as the end of a sentence; ``None`` where it can.

    Args:
        size: in bytes.
        header: what the picture's header says; ``None`` looks at the size alone.
    """
    if size > SKU_BYTES_AT_MOST:
        return f"has {size:,} bytes; AI Shoot takes {SKU_BYTES_AT_MOST:,} at most"
    if header is None:
        return None
    if header.longer_side is None:
        return "does not say how many pixels it has: is it cut short?"
    if header.longer_side < SKU_SIDE_AT_LEAST:
        return f"has {header.width} x {header.height} pixels; AI Shoot needs {SKU_SIDE_AT_LEAST} on the longer side"
    return None


def header_of(data: bytes) -> PictureHeader | None:
    """Read the header of a picture in memory; ``None`` for what is none of the four formats."""
    return read_header(lambda at, size: data[at : at + size])


def _jpeg_size(read_at: ReadAt) -> tuple[int, int] | None:
    at = 2
    for _ in range(_STEPS_AT_MOST):
        # FF, the marker; then, but for those that stand alone, a length that counts itself, and of a frame its
        # precision, height and width.
        head = read_at(at, _FRAME_HEAD)
        if len(head) < 2 or head[0] != 0xFF:  # noqa: PLR2004
            return None
        marker, length = head[1], int.from_bytes(head[2:4])
        if marker == 0xFF:  # noqa: PLR2004  # a byte that fills
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _FRAMES:
            return (int.from_bytes(head[7:9]), int.from_bytes(head[5:7])) if len(head) == _FRAME_HEAD else None
        elif marker in _TOO_FAR or length < 2:  # noqa: PLR2004
            return None
        else:
            at += 2 + length
    return None


def _png_size(start: bytes) -> tuple[int, int] | None:
    if start[12:16] != b"IHDR" or len(start) < _PNG_HEAD:
        return None
    return int.from_bytes(start[16:20]), int.from_bytes(start[20:24])


def _webp_size(start: bytes) -> tuple[int, int] | None:
    if len(start) < _WEBP_HEAD:
        return None
    if start[12:16] == b"VP8 " and start[23:26] == b"\x9d\x01\x2a":
        # 14 bits each; the two above say how a player may scale.
        return int.from_bytes(start[26:28], "little") & 0x3FFF, int.from_bytes(start[28:30], "little") & 0x3FFF
    if start[12:16] == b"VP8L" and start[20] == 0x2F:  # noqa: PLR2004
        bits = int.from_bytes(start[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if start[12:16] == b"VP8X":
        return int.from_bytes(start[24:27], "little") + 1, int.from_bytes(start[27:30], "little") + 1
    return None


def _tiff_size(start: bytes, read_at: ReadAt) -> tuple[int, int] | None:
    order: Literal["little", "big"] = "little" if start.startswith(b"II") else "big"
    directory = int.from_bytes(start[4:8], order)
    count = int.from_bytes(read_at(directory, 2), order)
    entries = read_at(directory + 2, count * _TIFF_ENTRY)
    found: dict[int, int] = {}
    for at in range(0, len(entries) - _TIFF_ENTRY + 1, _TIFF_ENTRY):
        tag, kind = (int.from_bytes(entries[at + part : at + part + 2], order) for part in (0, 2))
        size = _TIFF_NUMBERS.get(kind)
        if tag in _TIFF_SIDES and size is not None:
            # A number that is shorter than its field stands at the field's beginning, in either byte order.
            found[tag] = int.from_bytes(entries[at + 8 : at + 8 + size], order)
    width, height = (found.get(tag) for tag in _TIFF_SIDES)
    return None if width is None or height is None else (width, height)
