"""Pure: whether a picture is certainly cut short, by its own structure. No pixel is decoded.

    format   is cut short where
    -----------------------------------------------------------------------------------------------------
    JPEG     a segment goes on behind the file's end, or nothing ends the pixels (FF D9, which no pixels hold)
    PNG      a chunk of a known kind, which the pixels do not come before, goes on behind the file's end
    TIFF     the first directory, or the only strip or tile, stands behind the file's end or mostly so
    WebP     the file is shorter than its beginning says

What may be an oddity of the program that wrote it is none of these: bytes behind the end, a missing last chunk.
"""

from typing import Final

from ..picture import Format, ReadAt, jpeg_segments, tiff_directory, tiff_tags

_SCAN: Final = 0xDA
_END: Final = b"\xff\xd9"
_TAIL: Final = 4096
_BLOCK: Final = 256 * 1024
_CHUNKS_AT_MOST: Final = 100_000
_KNOWN: Final = frozenset(
    b"IHDR IDAT PLTE cHRM gAMA iCCP sBIT sRGB cICP bKGD hIST tRNS pHYs sPLT eXIf tIME iTXt tEXt zTXt acTL fcTL".split()
)
_STREAMED: Final = 0xFFFFFFF0  # and above: a length that was not known when it was written
# Offset and length, of strips and of tiles.
_TIFF_DATA: Final = ((273, 279), (324, 325))


def is_cut_short(kind: Format, read_at: ReadAt, size: int) -> bool:
    """Tell whether a picture's end is certainly missing.

    Args:
        kind: its format.
        read_at: gives its bytes.
        size: in bytes.
    """
    return {"JPEG": _jpeg, "PNG": _png, "TIFF": _tiff, "WebP": _webp}[kind](read_at, size)


def _jpeg(read_at: ReadAt, size: int) -> bool:
    for segment in jpeg_segments(read_at):
        if segment.at + segment.length > size:
            return True
        if segment.marker == _SCAN:
            return not _holds(_END, read_at, segment.at + segment.length, size)
    return False


def _holds(wanted: bytes, read_at: ReadAt, first: int, size: int) -> bool:
    # Most often it is the end.
    if wanted in read_at(max(first, size - _TAIL), _TAIL):
        return True
    # A byte more, as it may stand across two blocks.
    return any(wanted in read_at(at, _BLOCK + 1) for at in range(first, size, _BLOCK))


def _png(read_at: ReadAt, size: int) -> bool:
    at, are_pixels = 8, False
    for _ in range(_CHUNKS_AT_MOST):
        head = read_at(at, 8)
        if head[4:] not in _KNOWN or (are_pixels and head[4:] != b"IDAT"):
            return False
        are_pixels = head[4:] == b"IDAT"
        end = at + 8 + int.from_bytes(head[:4])
        if end > size:
            return True
        at = end + 4
    return False


def _webp(read_at: ReadAt, size: int) -> bool:
    said = int.from_bytes(read_at(4, 4), "little")
    # A last byte that only makes the length even may be missing.
    return said < _STREAMED and size + 1 < said + 8


def _tiff(read_at: ReadAt, size: int) -> bool:
    start = read_at(0, 16)
    if len(start) == 16 and tiff_directory(start) >= size:  # noqa: PLR2004
        return True
    for offset, length in _TIFF_DATA:
        found = tiff_tags(start, read_at, (offset, length))
        missing = found.get(offset, 0) + found.get(length, 0) - size
        # Some programs write too large a length; what reads that reads to the file's end.
        if found.get(offset, 0) >= size or missing > found.get(length, 0) // 4:
            return True
    return False
