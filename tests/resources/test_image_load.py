"""What many uploads take: descriptors, memory, and nothing of the event loop's time."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from blockbuster import blockbuster_ctx

from aishoot_async import Limits, RequestValidationError
from helpers.image_service import ImageService, identifier_of, images_of
from helpers.leaks import NothingLeft
from helpers.pictures import pieces, png
from helpers.sockets import descriptors

pytestmark = pytest.mark.anyio
PNG = png(1600, 1200, b"x" * 5000)


async def test_hundreds_of_files_are_never_open_at_once(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(300)]
    for number, path in enumerate(paths):
        path.write_bytes(PNG + b"%d" % number)
    before = most = descriptors()

    async def count(_, __):
        nonlocal most
        most = max(most, descriptors())
        return False

    async with NothingLeft(), ImageService(on_head=count, on_post=count) as server:
        async with images_of(server, limits=Limits(connections=4)) as session:
            assert len(set(await asyncio.gather(*map(session.images.upload, paths)))) == 300
        assert len(server.stored) == 300
    # Each connection has two ends here; eight files are hashed, and four sent.
    assert most - before < 40


async def test_nothing_blocks_the_event_loop(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    async with ImageService() as server, images_of(server) as session:
        with blockbuster_ctx("aishoot_async"):
            await session.images.upload(path)
            await session.images.upload(pieces(PNG + b"x"))
            await session.images.upload(PNG + b"y")
            with pytest.raises(RequestValidationError):
                await session.images.upload(tmp_path / "nothing.png")


UPLOAD_MANY = """
import asyncio, json, resource, sys
from pathlib import Path
from aishoot_async import AIShootSession

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

async def main(url, folder):
    async with AIShootSession("t", base_url=url, organization="o") as session:
        await session.images.upload(Path(folder) / "0.png")
        before, most, done = memory(), 0.0, False
        async def watch():
            nonlocal most
            while not done:
                most = max(most, memory())
                await asyncio.sleep(0.002)
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(session.images.upload(Path(folder) / f"{n}.png") for n in range(1, 21)))
        done = True
        await watching
        print(json.dumps({"grown": most - before}))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_twenty_uploads_of_seven_megabytes_hold_little(tmp_path):
    for number in range(21):
        (tmp_path / f"{number}.png").write_bytes(png(1600, 1200, os.urandom(7_000_000)))

    async def answer(request, connection):
        boundary = request.headers["content-type"].partition("boundary=")[2].encode()
        data = request.body.rpartition(b"\r\n--" + boundary)[0].partition(b"image/png\r\n\r\n")[2]
        await connection.answer(identifier_of(data).encode(), 201)
        server.requests.clear()
        return True

    async with ImageService(on_post=answer) as server:
        command = [sys.executable, "-c", UPLOAD_MANY, server.url, str(tmp_path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["grown"] < 40
