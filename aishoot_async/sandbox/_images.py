"""Uploads and pictures: `POST /upload`, `HEAD /upload`, `GET /images/{hash}.png`."""

import re
import sqlite3
from hashlib import sha256
from typing import Final

import aishoot_async.sandbox._png as png
from aishoot_async.sandbox._wire import Answer, Call, PlatformError

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
        media_type = png.media_type(data)
        if media_type is None or png.too_large(data):
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
        return Answer(200, found[0], found[1]) if found else Answer(200, png.picture(name), png.PNG_TYPE)
