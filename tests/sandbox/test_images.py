"""Uploads, HEAD, downloads and generated pictures."""

import struct
import zlib
from hashlib import sha256

import aiohttp
import pytest

from aishoot_async.sandbox._images import picture

pytestmark = pytest.mark.anyio

UPLOAD = "/upload?organization=o"
FILES = {
    "image/png": picture("a1" * 32),
    "image/jpeg": b"\xff\xd8\xff\xe0 jpeg \r\n--x\r\n\0",
    "image/tiff": b"II*\0 tiff",
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 ",
}


def form(data, size=None, name="file"):
    parts = aiohttp.FormData()
    parts.add_field(name, data, filename="ä.png", content_type="image/png")
    if size is not None:
        parts.add_field("filesize", str(size))
    return parts


@pytest.mark.parametrize("kind", FILES)
async def test_an_upload_can_be_found_and_fetched(connect, kind):
    data = FILES[kind]
    content_hash = sha256(data).hexdigest()
    head = f"/upload?contentHash={content_hash}&organization="
    async with connect() as api:
        assert (await api.call("HEAD", f"{head}o")).status == 404
        reply = await api.post(UPLOAD, data=form(data, len(data)))
        assert (reply.status, reply.body.decode()) == (201, content_hash)
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert (await api.call("HEAD", f"{head}o")).status == 200
        assert (await api.call("HEAD", f"{head}other")).status == 404
        fetched = await api.get(f"/images/{content_hash}.png", token=None)
        assert (fetched.body, fetched.headers["Content-Type"]) == (data, kind)
        assert (await api.post(UPLOAD, data=form(data))).status == 201, "twice is fine, and so is no filesize"
        assert api.sandbox.calls == {"upload_exists": 3, "upload": 2, "image": 1}


async def test_big_endian_tiff(connect):
    async with connect() as api:
        assert (await api.post(UPLOAD, data=form(b"MM\0*..."))).status == 201


async def test_uploads_that_are_refused(connect):
    png = FILES["image/png"]
    huge = png[:16] + struct.pack(">II", 10_001, 1) + png[24:]
    async with connect() as api:
        for status, path, data in (
            (400, "/upload", form(png)),
            (400, UPLOAD, form(png, len(png) + 1)),
            (400, UPLOAD, form(png, "x")),
            (400, UPLOAD, form(png, name="picture")),
            (400, UPLOAD, b"no multipart"),
            (422, UPLOAD, form(b"GIF89a")),
            (422, UPLOAD, form(b"")),
            (422, UPLOAD, form(huge)),
        ):
            reply = await api.post(path, data=data)
            assert (reply.status, reply.json()["path"]) == (status, "/upload")
        for broken in (b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nx", b"--b\r\nX: y\r\n\r\nz\r\n--b--"):
            headers = {"Content-Type": "multipart/form-data; boundary=b"}
            assert (await api.post(UPLOAD, data=broken, headers=headers)).status == 400
        assert (await api.post(UPLOAD, token=None, data=form(png))).status == 401
        assert (await api.call("HEAD", "/upload?contentHash=x")).status == 400


async def test_a_png_too_short_to_say_its_size_is_taken(connect):
    async with connect() as api:
        assert (await api.post(UPLOAD, data=form(FILES["image/png"][:20]))).status == 201


async def test_every_result_has_a_real_picture(connect):
    async with connect(briefs={1: 5}) as api:
        for row in api.sandbox.results(1):
            reply = await api.get(row["imageUrl"], token=None)
            assert (reply.status, reply.headers["Content-Type"]) == (200, "image/png")
            check_png(reply.body)
            assert reply.body == (await api.get(row["imageUrl"])).body
        hashes = {sku["frontImage"] for sku in api.sandbox.skus()}
        assert len({(await api.get(f"/images/{name}.png")).body for name in hashes}) == 12
        for wrong in ("x.png", "AB" * 32 + ".png", f"{'ab' * 32}.jpg", f"..%2F{'ab' * 32}"):
            assert (await api.get(f"/images/{wrong}")).status == 404


def check_png(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (64, 64, 8, 2, 0, 0, 0)
    assert len(zlib.decompress(chunks[b"IDAT"])) == 64 * (1 + 64 * 3)
