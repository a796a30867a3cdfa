"""Uploads and images: `POST /upload`, `HEAD /upload`, `GET /images/{hash}.png`, and small real PNG files."""

import re
import sqlite3
import struct
import zlib
from functools import lru_cache
from hashlib import sha256
from typing import Final

from aishoot_async.sandbox._wire import Answer, Call, PlatformError

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


def sniff_media_type(data: bytes) -> str | None:
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


def _is_too_large(data: bytes) -> bool:
    """Whether a PNG says that it has more than 10 000 pixels a side. Other formats are taken at their word."""
    if not data.startswith(_PNG_MAGIC) or len(data) < _HEADER_SIZE:
        return False
    width, height = struct.unpack(">II", data[16:_HEADER_SIZE])
    return bool(max(width, height) > _MAX_SIDE)


_HASH: Final = re.compile(r"[0-9a-f]{64}")
_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_PART_NAME: Final = re.compile(rb'\bname="?([^";\r\n]*)"?', re.IGNORECASE)


def read_multipart(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return the parts of a `multipart/form-data` body by name (RFC 7578); raise `PlatformError` 400 for any other."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise PlatformError(400, "Current request is not a multipart request")
    parts: dict[str, bytes] = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:]:
        if piece.startswith(b"--"):
            return parts
        head, _, content = piece.partition(b"\r\n\r\n")
        disposition = next(
            (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition")), b""
        )
        if name := _PART_NAME.search(disposition):
            parts[name[1].decode(errors="replace")] = content
    raise PlatformError(400, "Unexpected end of the multipart body")


def _needed(call: Call, name: str) -> str:
    if value := call.query.get(name):
        return value
    raise PlatformError(400, f"Required request parameter '{name}' is not present")


class ImageEndpoints:
    """What the image store does with a call. An organization sees only its own uploads; pictures are open to all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Work on an open database."""
        self._db = connection

    def upload(self, call: Call) -> Answer:
        """`POST /upload?organization=…`: 201 and the SHA-256 in hex, as plain text.

        400 when `filesize` is not the file's size; 422 for what is no JPEG, PNG, TIFF or WebP (by its first bytes).
        """
        organization = _needed(call, "organization")
        parts = read_multipart(call.headers.get("Content-Type", ""), call.body)
        data = parts.get("file")
        if data is None:
            raise PlatformError(400, "Required part 'file' is not present.")
        size = parts.get("filesize")
        if size is not None and size.strip() != str(len(data)).encode():
            raise PlatformError(400, "filesize: does not match the size of the file")
        media_type = sniff_media_type(data)
        if media_type is None or _is_too_large(data):
            raise PlatformError(422, "Only JPEG, PNG, TIFF and WebP of at most 10000 x 10000 pixels can be processed")
        content_hash = sha256(data).hexdigest()
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?)", (content_hash, organization, media_type, data)
            )
        return Answer(201, content_hash.encode(), "text/plain; charset=utf-8")

    def upload_exists(self, call: Call) -> Answer:
        """`HEAD /upload?contentHash=…&organization=…`: 200 or 404."""
        values = (_needed(call, "contentHash"), _needed(call, "organization"))
        found = self._db.execute("SELECT 1 FROM images WHERE hash = ? AND organization = ?", values).fetchone()
        return Answer(404 if found is None else 200, b"", None)

    def image(self, call: Call) -> Answer:
        """`GET /images/{hash}.png`: an uploaded file as it came, or a generated picture for any other hash."""
        name = call.subject.removesuffix(".png")
        if not _HASH.fullmatch(name):
            raise PlatformError(404, "No such image")
        found = self._db.execute("SELECT data, media_type FROM images WHERE hash = ?", (name,)).fetchone()
        return Answer(200, found[0], found[1]) if found else Answer(200, picture(name), PNG_TYPE)
