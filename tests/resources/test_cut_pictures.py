"""A picture that is certainly cut short is told before it is sent; what may be an oddity is not."""

import os
import struct
import zlib

import pytest

from aishoot_async import RequestValidationError
from helpers.image_service import ImageService, identifier_of, images_of
from helpers.pictures import exif, jpeg, png, segment, tiff, webp

pytestmark = pytest.mark.anyio
PIXELS = os.urandom(20_000).replace(b"\xff", b"\xfe")
SCAN = segment(0xDA, b"\3\1\0\2\0\3\0\0?\0") + PIXELS
END = b"\xff\xd9"


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def strips(order, count):
    """A TIFF whose pixels stand behind its directory, or before it."""
    tags = {256: (4, 1600), 257: (4, 1200), 273: (4, 300), 279: (4, len(PIXELS))}
    return tiff(order, tags).ljust(300, b"\0") + PIXELS if count else tiff(order, tags, 300 + len(PIXELS), PIXELS)


WHOLE = {
    "JPEG": jpeg(1600, 1200, body=PIXELS + END),
    "JPEG behind EXIF": jpeg(1600, 1200, [exif()], body=PIXELS + END),
    "progressive JPEG": jpeg(1600, 1200, [exif()], sof=0xC2, body=PIXELS + SCAN + SCAN + END),
    "PNG": png(1600, 1200, chunk(b"pHYs", bytes(9)) + chunk(b"IDAT", PIXELS) + chunk(b"IEND", b"")),
    "PNG of many chunks": png(1600, 1200, chunk(b"IDAT", PIXELS[:8192]) * 9 + chunk(b"IEND", b"")),
    "little-endian TIFF": strips("<", 1),
    "big-endian TIFF": strips(">", 1),
    "TIFF whose directory stands last": strips("<", 0),
    "lossy WebP": webp(b"VP8 ", b"\x30\1\0\x9d\1\x2a" + struct.pack("<HH", 1600, 1200) + PIXELS),
    "lossless WebP": webp(b"VP8L", b"\x2f" + struct.pack("<I", 1599 | 1199 << 14) + PIXELS),
}


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
@pytest.mark.parametrize("kind", WHOLE)
async def test_a_picture_that_is_cut_is_named_before_anything_is_sent(tmp_path, kind, share):
    path = tmp_path / "front.bin"
    path.write_bytes(WHOLE[kind][: int(len(WHOLE[kind]) * min(share, 0.7 if "TIFF" in kind else 1))])
    async with ImageService() as server, images_of(server) as session:
        with pytest.raises(RequestValidationError, match=r"front\.bin is cut short"):
            await session.images.upload(path)
        assert not server.connections


ODDITIES = {
    "bytes behind the end": lambda data: data + b"more" * 9999,
    "zeros behind the end": lambda data: data + bytes(70_000),
    "nothing": lambda data: data,
}


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("kind", WHOLE)
async def test_a_picture_with_something_behind_it_is_sent(kind, oddity):
    data = ODDITIES[oddity](WHOLE[kind])
    async with ImageService() as server, images_of(server) as session:
        assert await session.images.upload(data) == identifier_of(data)


STRANGE = {
    "PNG without its last chunk": WHOLE["PNG"][:-12],
    "PNG cut in a comment behind its pixels": WHOLE["PNG"][:-12] + chunk(b"tEXt", bytes(99))[:50],
    "PNG of Apple": png(1600, 1200).replace(b"IHDR", b"CgBI"),
    "PNG with a private chunk": png(1600, 1200, chunk(b"prVt", bytes(9)) + chunk(b"IDAT", PIXELS)),
    "JPEG padded between its segments": jpeg(
        1600, 1200, [segment(0xE0), bytes(7), segment(0xFE), b"\xff" * 5000], body=END
    ),
    "JPEG with two pictures": WHOLE["JPEG"] + WHOLE["JPEG"],
    "WebP whose length was not known": WHOLE["lossy WebP"][:4] + b"\xff" * 4 + WHOLE["lossy WebP"][8:],
    "WebP of length 0": WHOLE["lossy WebP"][:4] + bytes(4) + WHOLE["lossy WebP"][8:],
    "WebP without its byte that fills": WHOLE["lossy WebP"][:-1],
    "TIFF whose strip says a little too much": WHOLE["little-endian TIFF"][:-1000],
    "TIFF of many strips": tiff("<", {256: (4, 1600), 257: (4, 1200), 259: (3, 1)}),
}


@pytest.mark.parametrize("kind", STRANGE)
async def test_what_is_only_strange_is_sent(kind):
    async with ImageService() as server, images_of(server) as session:
        assert await session.images.upload(STRANGE[kind]) == identifier_of(STRANGE[kind])
