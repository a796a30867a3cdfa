"""An upload's body while it is on its way: slow, stuck, or read from a file that changes under it."""

import asyncio
import socket

import pytest
from yarl import URL

from aishoot_async import CallTimeoutError, RequestValidationError, Timeouts
from aishoot_async.calls._call import CallOptions, CallState
from aishoot_async.calls._lifecycle import SessionLifecycle
from aishoot_async.transport import Request
from helpers.fault_proxy import FaultProxy, Path, Way
from helpers.image_service import ImageService, identifier_of, images_of
from helpers.leaks import NothingLeft
from helpers.pictures import png

pytestmark = pytest.mark.anyio
PNG = png(1600, 1200, b"x" * 5000)
LARGE = png(1600, 1200, bytes(range(256)) * 94_000)


class Slow(ImageService):
    """Takes so many bytes a second, and lets the system take few in advance."""

    RATE = 6e6

    async def __aenter__(self):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.bind(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = await asyncio.start_server(self._serve, sock=sock)
        return self

    async def _requests(self, reader, connection, _number):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HEAD"):
                await connection.answer(b"", 404)
                continue
            left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            while left:
                left -= len(await reader.read(min(left, 65536)))
                await asyncio.sleep(65536 / self.RATE)
            await connection.answer(identifier_of(LARGE).encode(), 201)


async def test_an_upload_that_moves_is_not_late():
    async with Slow() as server, images_of(server, timeouts=Timeouts(call=3, read=20)) as session:
        begun = asyncio.get_running_loop().time()
        assert await session.images.upload(LARGE) == identifier_of(LARGE)
        assert asyncio.get_running_loop().time() - begun > 3.2


async def test_an_upload_that_stands_still_is_late():
    stuck = Path(up=Way(ends_after=100_000, ending="stall"))
    async with NothingLeft(), ImageService() as server, FaultProxy(server.port, lambda: stuck) as proxy:
        async with images_of(server, base_url=proxy.url, timeouts=Timeouts(call=0.5, read=30)) as session:
            begun = asyncio.get_running_loop().time()
            with pytest.raises(CallTimeoutError, match="call"):
                await session.images.upload(LARGE)
            assert asyncio.get_running_loop().time() - begun < 10
        assert server.methods == ["HEAD"]


async def test_what_closing_has_ended_no_movement_puts_off():
    """The session's end epoch off the calls under way."""
    loop, lifecycle = asyncio.get_running_loop(), SessionLifecycle()
    lifecycle.check()
    request = Request(method="POST", origin=URL("http://127.0.0.1"), target="/upload")
    call = CallState(request=request, path="/upload", template="/upload", options=CallOptions(), loop=loop, hooks=())
    call.deadline = loop.time() + 0.02
    with pytest.raises(TimeoutError):
        async with asyncio.timeout_at(call.deadline) as timeout:
            call.timeout = timeout
            lifecycle.track(timeout)
            call.extend_deadline(0.05)
            await asyncio.sleep(0.03)
            assert not timeout.expired(), "it was put off"
            closing = asyncio.create_task(lifecycle.cancel_all())
            loop.call_soon(call.extend_deadline, 60)
            await asyncio.sleep(5)
    call.extend_deadline(60)
    lifecycle.untrack(timeout)
    closing.cancel()


CHANGES = {
    "it is written over": lambda path: path.write_bytes(PNG[:-1] + b"y"),
    "it is cut short": lambda path: path.write_bytes(PNG[:-1]),
    "it is emptied": lambda path: path.write_bytes(b""),
    "it is removed": lambda path: path.unlink(),
    "it becomes a folder": lambda path: (path.unlink(), path.mkdir()),
    "its first byte changes": lambda path: path.write_bytes(b"x" + PNG[1:]),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_file_that_changes_after_it_was_hashed_never_arrives_whole(tmp_path, change):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)

    async def head(_, connection):
        if path.is_file() and path.read_bytes() == PNG:
            CHANGES[change](path)
        await connection.answer(b"", 404)
        return True

    async with NothingLeft(), ImageService(on_head=head) as server:
        async with images_of(server) as session:
            with pytest.raises(RequestValidationError, match=r"a\.png"):
                await session.images.upload(path)
            assert server.methods == ["HEAD"]
            await session.images.upload(PNG)  # nothing is left over from the broken one
        assert server.methods == ["HEAD", "HEAD", "POST"]
        assert server.connections == 2


async def test_of_a_file_that_grows_what_was_hashed_is_sent(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)

    async def head(_, connection):
        path.write_bytes(PNG + b"more")
        await connection.answer(b"", 404)
        return True

    async with ImageService(on_head=head) as server, images_of(server) as session:
        assert await session.images.upload(path) == identifier_of(PNG)
        assert server.stored == {identifier_of(PNG)}
