"""What is no picture, name or identifier is refused before anything is sent."""

import io
import os
import sys

import pytest

from aishoot_async import RequestValidationError
from helpers.image_service import ImageService, images_of
from helpers.leaks import NothingLeft
from helpers.pictures import png, webp_extended

pytestmark = pytest.mark.anyio
PNG = png(1600, 1200)


def bad(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    empty = tmp_path / "empty.png"
    empty.touch()
    gif = tmp_path / "a.png"
    gif.write_bytes(b"GIF89a" + bytes(99))

    async def nothing():
        return
        yield

    async def text():
        yield "text"

    return {
        "cannot be read: No such file": tmp_path / "missing.png",
        "cannot be read: it is no file": tmp_path,
        "cannot be read: Not a directory": gif / "a.png",
        "cannot be read: this is no path": "a\0b.png",
        "it is no file": pipe,
        "is empty": empty,
        "is no JPEG, PNG, TIFF or WebP": gif,
        "the picture is empty": b"",
        "picture is no JPEG": b"\xff\xd8",
        "the picture is empty ": nothing(),
        "must come as bytes, not as str": text(),
        "has 10001 x 5 pixels": png(10_001, 5),
        "has 5 x 10001 pixels": webp_extended(5, 10_001),
        "not a int": 5,
        "not a list": [PNG],
        "not a BytesIO": io.BytesIO(PNG),
        "not a NoneType": None,
    }


@pytest.mark.skipif(sys.platform != "linux", reason="only there is a file that cannot be read at its beginning")
async def test_a_file_that_cannot_be_read_is_refused():
    async with ImageService() as server, images_of(server) as session:
        with pytest.raises(RequestValidationError, match="cannot be read: Input/output error"):
            await session.images.upload("/proc/self/mem")
        assert not server.connections


async def test_what_is_no_picture_is_refused_before_anything_is_sent(tmp_path):
    async with ImageService() as server, images_of(server) as session:
        for said, image in bad(tmp_path).items():
            with pytest.raises(RequestValidationError) as caught:
                await session.images.upload(image)
            assert said.strip() in str(caught.value)
            assert caught.value.field == "image"
        assert not server.connections


async def test_the_largest_picture_there_may_be_is_sent():
    async with ImageService() as server, images_of(server) as session:
        await session.images.upload(png(10_000, 10_000))
        assert server.methods == ["HEAD", "POST"]


async def test_a_source_that_fails_is_its_own_error_and_nothing_is_sent():
    async def failing():
        yield PNG[:50]
        raise OSError(5, "the other server is gone")

    async with NothingLeft(), ImageService() as server, images_of(server) as session:
        with pytest.raises(OSError, match="the other server is gone"):
            await session.images.upload(failing())
        assert not server.connections


async def test_a_source_that_finds_no_room_is_a_typed_error(monkeypatch, tmp_path):
    async def some():
        yield PNG

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    async with NothingLeft(), ImageService() as server, images_of(server) as session:
        for make in (Full, lambda: (tmp_path / "nothing" / "x").open("rb")):
            monkeypatch.setattr("aishoot_async.resources._content.TemporaryFile", make)
            with pytest.raises(RequestValidationError, match="temporary file: No s"):
                await session.images.upload(some())
        assert not server.connections


@pytest.mark.parametrize("name", ["", "a\ud800.png", 5])
async def test_a_name_is_some_text(name):
    async with ImageService() as server, images_of(server) as session:
        with pytest.raises(RequestValidationError) as caught:
            await session.images.upload(PNG, name=name)
        assert caught.value.field == "name"
        assert not server.connections


@pytest.mark.parametrize("wrong", ["", "a\nb", "\0", "\x7f", "\ud800", None, 5, b"x"])
async def test_what_can_be_no_identifier_is_refused_before_anything_is_sent(wrong):
    async with ImageService() as server, images_of(server) as session:
        with pytest.raises(RequestValidationError) as caught:
            await session.images.exists(wrong)
        assert caught.value.field == "identifier"
        assert not server.connections
