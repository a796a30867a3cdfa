"""Headers of pictures, written byte by byte: nothing here shares a bug with what reads them."""

import asyncio
import struct
import zlib


def png(width, height, body=b""):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + body


def segment(marker, content=b"", fill=0):
    return b"\xff" * (1 + fill) + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def frame(marker, width, height):
    return segment(marker, struct.pack(">BHHB", 8, height, width, 3) + b"\1\x22\0\2\x11\1\3\x11\1")


JFIF = segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\0\0")


def jpeg(width, height, before=(JFIF,), sof=0xC0, body=b"\xff\xd9"):
    return b"\xff\xd8" + b"".join(before) + frame(sof, width, height) + segment(0xDA, b"\3\1\0\2\0\3\0\0?\0") + body


def exif(width=160, height=120):
    """An EXIF segment with a thumbnail, which is a whole JPEG with a frame of its own."""
    return segment(0xE1, b"Exif\0\0" + tiff("<", {256: (4, 9), 257: (4, 7)}) + jpeg(width, height))


def tiff(order, tags, at=8, between=b""):
    """Tags to (type, value), in a directory at some place."""
    numbers = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I"}
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1) + struct.pack(order + numbers[kind], value).ljust(4, b"\0")
        for tag, (kind, value) in sorted(tags.items())
    )
    magic = b"II*\0" if order == "<" else b"MM\0*"
    gap = between.ljust(at - 8, b"\0")
    return magic + struct.pack(f"{order}I", at) + gap + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


def webp(kind, content):
    chunk = kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def webp_lossy(width, height, scale=0):
    return webp(
        b"VP8 ", b"\x30\1\0\x9d\1\x2a" + struct.pack("<HH", width | scale << 14, height | scale << 14) + b"\0" * 8
    )


def webp_lossless(width, height, alpha=1):
    bits = (width - 1) | (height - 1) << 14 | alpha << 28
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", bits) + b"\0" * 8)


def webp_extended(width, height, flags=0x10):
    return webp(b"VP8X", bytes([flags, 0, 0, 0]) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3])


async def pieces(data, size=1000):
    """Give a picture as an async iterable does, letting others run in between."""
    for at in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[at : at + size]
