"""Answers that are cut, broken or no HTTP: a short or wrong result never comes out."""

import gzip
import json
import resource
import zlib

import pytest

from aishoot_async import (
    AmbiguousWriteError,
    APIStatusError,
    ConnectError,
    Limits,
    ResponseTooLargeError,
    RetryPolicy,
    SkuCreate,
    TransportError,
    UnexpectedResponseError,
)
from helpers.raw_server import RawServer, always, chunked, in_turn, reply
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)
ROWS = json.dumps([{"id": number} for number in range(3)]).encode()
NEW = SkuCreate(name="n", front_image="f")


def raw(data: bytes):
    """Make a handler that sends these bytes and closes the connection."""

    async def handle(_, connection) -> None:
        await connection.send(data)
        await connection.close()

    return handle


ZIPPED = gzip.compress(ROWS)
WHOLE = {
    "length": reply(ROWS),
    "chunked": reply(chunked(ROWS[:7], ROWS[7:]), headers={"Transfer-Encoding": "chunked"}).replace(
        b"Content-Length", b"X-Length"
    ),
    "gzip": reply(ZIPPED, headers={"Content-Encoding": "gzip"}),
    "chunked gzip": reply(
        chunked(ZIPPED[:9], ZIPPED[9:]), headers={"Transfer-Encoding": "chunked", "Content-Encoding": "gzip"}
    ).replace(b"Content-Length", b"X-Length"),
    "gzip to the end": reply(ZIPPED, headers={"Content-Encoding": "gzip"}).replace(b"Content-Length", b"X-Length"),
}


@pytest.mark.parametrize("form", WHOLE)
async def test_an_answer_cut_at_every_byte(form: str) -> None:
    whole = WHOLE[form]
    async with RawServer(raw(whole)) as server, session_for(server, retry=ONCE) as session:
        assert [sku.id for sku in await session.skus.list_global()] == ["0", "1", "2"]
        for end in range(len(whole)):
            server.handler = raw(whole[:end])
            # An answer that says that it is gzip and has no byte is an empty one, and no list.
            empty = form == "gzip to the end" and whole[:end].endswith(b"\r\n\r\n")
            wanted = UnexpectedResponseError if empty else TransportError
            with pytest.raises(wanted) as caught:
                await session.skus.list_global()
            assert type(caught.value) is wanted
            assert caught.value.__context__ is None


async def test_a_cut_answer_is_asked_for_again() -> None:
    cut = raw(WHOLE["gzip"][:-3])
    async with RawServer(in_turn(cut, cut, always(ROWS))) as server, session_for(server) as session:
        assert len(await session.skus.list_global()) == 3
        assert len(server.requests) == 3


# Or the next request could go into the connection that is about to close.
CLOSE = {"Connection": "close"}
BROKEN = [
    b"\r\n\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 abc Said\r\n\r\n",
    b"HTTP/9.9 200 Said\r\n\r\n",
    b"HTP/1.1 200 Said\r\n\r\n",
    b"<html></html>\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nContent-Length: x\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n[]",
    b"HTTP/1.1 200 Said\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]X\r\n0\r\n\r\n",
    b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\nzz\r\n]\r\n0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"\x00\xff\x16\x03\x01" * 20 + b"\r\n\r\n",
    reply(ROWS, headers={"Content-Encoding": "br", **CLOSE}),
    reply(b"no gzip", headers={"Content-Encoding": "gzip", **CLOSE}),
    reply(ZIPPED + b"garbage", headers={"Content-Encoding": "gzip", **CLOSE}),
    reply(ZIPPED + ZIPPED[:9], headers={"Content-Encoding": "gzip", **CLOSE}),
]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
async def test_what_is_no_http_is_a_transport_error(data: bytes) -> None:
    async with RawServer(raw(data)) as server, session_for(server, retry=ONCE) as session:
        with pytest.raises((TransportError, APIStatusError)) as caught:
            await session.skus.list_global()
        assert not isinstance(caught.value, ConnectError)
        assert isinstance(caught.value, TransportError) or caught.value.status == 101
        with pytest.raises(AmbiguousWriteError if not data.startswith(b"HTTP/1.1 101") else APIStatusError):
            await session.skus.create(NEW)
        assert len(server.requests) == 2


async def test_a_broken_chunk_after_a_good_one() -> None:
    head = b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def handle(_, connection) -> None:
        await connection.send(head + b"1\r\n[\r\n")
        await connection.send(b"zz\r\n")

    async with RawServer(handle) as server, session_for(server, retry=ONCE) as session:
        with pytest.raises(TransportError):
            await session.skus.list_global()


async def test_a_reset_connection() -> None:
    async def handle(_, connection) -> None:
        await connection.send(WHOLE["length"][:-3])
        await connection.reset()

    async with RawServer(handle) as server, session_for(server) as session:
        with pytest.raises(TransportError) as caught:
            await session.skus.list_global()
        assert len(caught.value.attempts) == len(server.requests) == 3


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"", b"null", b"7", b'{"a":1}', b"[[]]", b'["x"]', b"[{}]"])
async def test_a_body_that_is_no_list_of_skus(body: bytes) -> None:
    async with RawServer(always(body)) as server, session_for(server) as session:
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.skus.list_global()
        assert len(server.requests) == 1
        assert [attempt.status for attempt in caught.value.attempts] == [200]


async def test_the_bodys_beginning_is_kept() -> None:
    async with RawServer(always(b"<html>" + b"x" * 100_000)) as server, session_for(server) as session:
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.skus.list_global()
        assert caught.value.body == b"<html>" + b"x" * 2042
        server.handler = always(b"<html>" + b"x" * 100_000, 404)
        with pytest.raises(APIStatusError) as status:
            await session.skus.list_global()
        assert len(status.value.body) == 64 * 1024


async def test_an_answer_beyond_the_cap() -> None:
    limits = Limits(response_bytes=1000)
    async with RawServer(always(b"[" + b" " * 999)) as server, session_for(server, limits=limits) as session:
        with pytest.raises(UnexpectedResponseError):
            await session.skus.list_global()
        server.handler = always(b"[" + b" " * 1000)
        with pytest.raises(ResponseTooLargeError) as caught:
            await session.skus.list_global()
        assert len(server.requests) == 2
        assert len(caught.value.attempts) == 1
        with pytest.raises(AmbiguousWriteError) as create:
            await session.skus.create(NEW)
        assert isinstance(create.value.cause, ResponseTooLargeError)
        server.handler = always(b"[]")
        assert await session.skus.list_global() == []


async def test_a_gzip_bomb() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([packer.compress(bytes(1024 * 1024)) for _ in range(300)] + [packer.flush()])
    limits = Limits(response_bytes=8 * 1024 * 1024)
    handler = always(b"[]")
    async with RawServer(handler) as server, session_for(server, limits=limits) as session:
        await session.skus.list_global()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        server.handler = always(bomb, headers={"Content-Encoding": "gzip"})
        with pytest.raises(ResponseTooLargeError):
            await session.skus.list_global()
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 16 * 1024
        server.handler = handler
        assert await session.skus.list_global() == []


async def test_gzip_is_asked_for_and_read() -> None:
    zipped = always(ZIPPED, headers={"Content-Encoding": "gzip"})
    async with RawServer(zipped) as server, session_for(server) as session:
        assert len(await session.skus.list_global()) == 3
        assert server.requests[0].headers["accept-encoding"] == "gzip"
