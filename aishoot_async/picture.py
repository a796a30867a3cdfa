"""Pure: what kind of picture some bytes are, and how large it is, by their headers. No pixel is decoded.

    format   told by                    its size stands in
    ------------------------------------------------------------------------------------------------------------
    JPEG     FF D8 FF                   the frame header (SOF), behind any number of other segments, each of which says
                                        how long it is: a thumbnail inside EXIF is passed over with its segment
    PNG      89 "PNG" 0D 0A 1A 0A       IHDR, which comes first
    TIFF     "II" 2A 00 / "MM" 00 2A    tags 256 and 257 of the first directory, wherever that lies; so in a BigTIFF
    WebP     "RIFF" ???? "WEBP"         the first chunk: VP8 (lossy), VP8L (lossless) or VP8X (extended)

What is cut short, or says nothing, has no size: only the service can tell what it makes of that.
"""

import re
from collections.abc import Callable, Collection, Iterator
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
_FRAME_HEAD: Final = 7
_LENGTH_BYTES: Final = 2
_MARKER: Final = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_BLOCK: Final = 4096
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # these are two tables, and a code that is reserved
_TOO_FAR: Final = frozenset({0xD9, 0xDA})  # the end, and the pixels
# More than any camera needs: a file of nothing but empty segments must not take seconds.
_STEPS_AT_MOST: Final = 2000
_TIFF_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")
_TIFF_ENTRIES_AT_MOST: Final = 65535
_FARTHEST: Final = 2**62  # no file reaches so far, and none can be asked for what stands there
_TIFF_SIDES: Final = (256, 257)
_TIFF_NUMBERS: Final = {1: 1, 3: 2, 4: 4, 16: 8}  # the types BYTE, SHORT, LONG and LONG8, with their lengths


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
    elif start.startswith(_TIFF_STARTS):
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
    if header is None or header.longer_side is None:
        return None  # only the service can tell
    if header.longer_side < SKU_SIDE_AT_LEAST:
        return f"has {header.width} x {header.height} pixels; AI Shoot needs {SKU_SIDE_AT_LEAST} on the longer side"
    return None


def header_of(data: bytes) -> PictureHeader | None:
    """Read the header of a picture in memory; ``None`` for what is none of the four formats."""
    return read_header(lambda at, size: data[at : at + size])


@attrs.frozen
class JpegSegment:
    """A segment of a JPEG: where its marker ends and its length stands, and that length, which counts itself."""

    marker: int
    at: int
    length: int


def jpeg_segments(read_at: ReadAt) -> Iterator[JpegSegment]:
    """Give the segments up to the one that the pixels follow, as decoders find them.

    What stands between two segments and is no marker is passed over: padding, zeros, what an editor has left. Nothing
    is given of what is not there, nor behind more segments than any camera writes.
    """
    at = 2
    for _ in range(_STEPS_AT_MOST):
        marker_at = _next_marker(read_at, at)
        head = read_at(marker_at, 3)
        if not head:
            return
        marker, at = head[0], marker_at + 1
        if marker not in _STANDALONE:
            length = max(int.from_bytes(head[1:3]), _LENGTH_BYTES)
            yield JpegSegment(marker, at, length)
            at += length
        if marker in _TOO_FAR:
            return


def _next_marker(read_at: ReadAt, at: int) -> int:
    """Give where the next marker's number stands, behind its FF; where there is none, the end."""
    for _ in range(_STEPS_AT_MOST):
        block = read_at(at, _BLOCK)
        found = _MARKER.search(block)
        if found is not None:
            return at + found.end() - 1
        if len(block) < 2:  # noqa: PLR2004
            return at + len(block)
        at += len(block) - 1  # the last may be the FF of a marker
        if len(block) < _BLOCK:
            return at + 1
    return at


def _jpeg_size(read_at: ReadAt) -> tuple[int, int] | None:
    for segment in jpeg_segments(read_at):
        if segment.marker in _FRAMES:
            # Behind the length: the precision, the height and the width.
            head = read_at(segment.at, _FRAME_HEAD)
            return (int.from_bytes(head[5:7]), int.from_bytes(head[3:5])) if len(head) == _FRAME_HEAD else None
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
    found = tiff_tags(start, read_at, _TIFF_SIDES)
    width, height = (found.get(tag) for tag in _TIFF_SIDES)
    return None if width is None or height is None else (width, height)


def tiff_tags(start: bytes, read_at: ReadAt, tags: Collection[int]) -> dict[int, int]:
    """Read those of a TIFF's first directory that hold one number each; of a BigTIFF, too."""
    order: Literal["little", "big"] = "little" if start.startswith(b"II") else "big"
    is_big = start[2:4] != b"*\0" and start[2:4] != b"\0*"
    # How long counts, entries and values are; where in an entry its value stands.
    count_size, entry_size, value_size = (8, 20, 8) if is_big else (2, 12, 4)
    directory = tiff_directory(start)
    if directory > _FARTHEST:
        return {}
    count = min(int.from_bytes(read_at(directory, count_size), order), _TIFF_ENTRIES_AT_MOST)
    entries = read_at(directory + count_size, count * entry_size)
    found: dict[int, int] = {}
    for at in range(0, len(entries) - entry_size + 1, entry_size):
        tag, kind = (int.from_bytes(entries[at + part : at + part + 2], order) for part in (0, 2))
        size, times = _TIFF_NUMBERS.get(kind), int.from_bytes(entries[at + 4 : at + 4 + value_size], order)
        if tag in tags and size is not None and times == 1:
            # A number that is shorter than its field stands at the field's beginning, in either byte order.
            value = at + 4 + value_size
            found[tag] = int.from_bytes(entries[value : value + size], order)
    return found


def tiff_directory(start: bytes) -> int:
    """Give where a TIFF's first directory stands."""
    order: Literal["little", "big"] = "little" if start.startswith(b"II") else "big"
    is_big = start[2:4] != b"*\0" and start[2:4] != b"\0*"
    return int.from_bytes(start[8:16] if is_big else start[4:8], order)
