"""What a server or a proxy can send that no API should: the right value comes out, or a typed error, and in time."""

import asyncio
import gzip
import json

import pytest
from yarl import URL

from aishoot_async import (
    AmbiguousWriteError,
    APIStatusError,
    ConnectError,
    Limits,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    SkuCreate,
    SkuUpdate,
    Timeouts,
    TransportError,
    UnexpectedResponseError,
)
from aishoot_async.transport import Request, SendState, Transport
from helpers.leaks import NothingLeft
from helpers.raw_server import RawConnection, RawRequest, RawServer, always, chunked, endless, reply
from helpers.sessions import session_for

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
ONCE = RetryPolicy(attempts=1)
NEW = SkuCreate(name="n", front_image="f")
ROWS = json.dumps([{"id": number} for number in range(3)]).encode()
ZIPPED = gzip.compress(ROWS, mtime=0)
OK = b"HTTP/1.1 200 Said\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(ROWS)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PLAIN = LENGTH + b"\r\n" + ROWS


def then_close(data: bytes):
    """Make a handler that sends an answer, and closes a little later: a client that wants more learns of its end."""

    async def handle(_: RawRequest, connection: RawConnection) -> None:
        await connection.send(data)
        await asyncio.sleep(0.005)
        await connection.close()

    return handle


READABLE = {
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + ROWS,
    "HTTP/1.0 kept alive": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + PLAIN,
    "no length": OK + b"\r\n" + ROWS,
    "no reason": b"HTTP/1.1 200\r\n" + PLAIN,
    "line feeds alone": (OK + LENGTH + b"\r\n").replace(b"\r", b"") + ROWS,
    "lines before": b"\r\n\r\n" + OK + PLAIN,
    "a folded header": OK + b"X: a\r\n b\r\n" + PLAIN,
    "a header of no UTF-8": OK + b"X: \xff\xfe\r\nSet-Cookie: \xff=;;\r\n" + PLAIN,
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK + PLAIN,
    "a flood of interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 5000 + OK + PLAIN,
    "an unknown interim answer": b"HTTP/1.1 199 Hm\r\n\r\n" + OK + PLAIN,
    "another charset": OK + b"Content-Type: application/json; charset=latin-1\r\n" + PLAIN,
    "no charset at all": OK + b"Content-Type: ///;;charset=klingon\r\n" + PLAIN,
    "an upgrade nobody asked for": OK + b"Upgrade: h2c\r\nConnection: upgrade\r\n" + PLAIN,
    "part of it, which is all": b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/99\r\n" + PLAIN,
    "chunk extensions": OK + CHUNKED + b"\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(ROWS), ROWS),
    "trailers": OK + CHUNKED + b"\r\n%x\r\n%b\r\n0\r\nX: y\r\n\r\n" % (len(ROWS), ROWS),
    "another answer behind it": OK + PLAIN + OK + PLAIN.replace(b"0", b"9"),
    "gzip": reply(ZIPPED, headers={"Content-Encoding": "gzip"}),
    "gzip as it was called once": reply(ZIPPED, headers={"Content-Encoding": "x-GZip"}),
    "identity": reply(ROWS, headers={"Content-Encoding": "identity"}),
}


@pytest.mark.parametrize("answer", READABLE)
async def test_what_is_odd_and_whole_is_read(answer: str) -> None:
    async with NothingLeft(), RawServer(then_close(READABLE[answer])) as server:
        async with session_for(server, retry=ONCE) as session:
            assert [sku.id for sku in await session.skus.list_global()] == ["0", "1", "2"]


UNREADABLE = {
    "nothing": b"",
    "empty lines": b"\r\n\r\n",
    "a version alone": b"HTTP/1.1\r\n\r\n",
    "a status of letters": b"HTTP/1.1 abc Said\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 Said\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 Said\r\n\r\n",
    "status 099": b"HTTP/1.1 099 Said\r\n" + PLAIN,
    "status 000": b"HTTP/1.1 000 Said\r\n" + PLAIN,
    "status 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "HTTP/9.9": b"HTTP/9.9 200 Said\r\n\r\n",
    "HTP": b"HTP/1.1 200 Said\r\n\r\n",
    "HTTP/2": bytes.fromhex("000012040000000000 000300000080 000400010000 000500ffffff"),
    "a page without a head": b"<html></html>\r\n\r\n",
    "binary": b"\x00\xff\x16\x03\x01" * 20 + b"\r\n\r\n",
    "no colon": OK + b"no colon\r\n\r\n",
    "a NUL in a header": OK + b"X: a\0b\r\n" + PLAIN,
    "a header too long": OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    "too many headers": OK + b"".join(b"X-%d: y\r\n" % number for number in range(1000)) + PLAIN,
    "a length of letters": OK + b"Content-Length: x\r\n\r\n",
    "a length below 0": OK + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": OK + LENGTH.replace(b": ", b": +") + b"\r\n" + ROWS,
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n[]",
    "two lengths in one": OK + b"Content-Length: 2, 2\r\n\r\n[]",
    "a length beyond counting": OK + b"Content-Length: 99999999999999999999999\r\n\r\n[]",
    "a length that never comes": OK + b"Content-Length: 9999999999999\r\n\r\n[]",
    "a length and chunks": OK + LENGTH + CHUNKED + b"\r\n" + chunked(ROWS),
    "a chunk of letters": OK + CHUNKED + b"\r\nzz\r\n[]\r\n0\r\n\r\n",
    "a chunk below 0": OK + CHUNKED + b"\r\n-2\r\n[]\r\n0\r\n\r\n",
    "a chunk beyond counting": OK + CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n[]\r\n0\r\n\r\n",
    "a chunk too long": OK + CHUNKED + b"\r\n2\r\n[]X\r\n0\r\n\r\n",
    "a bad chunk after a good one": OK + CHUNKED + b"\r\n1\r\n[\r\nzz\r\n]\r\n0\r\n\r\n",
    "204 with a body": b"HTTP/1.1 204 No Content\r\n" + PLAIN,
    "304 with a body": b"HTTP/1.1 304 Not Modified\r\n" + PLAIN,
    "garbage behind it": OK + PLAIN + b"garbage",
    "br": reply(ROWS, headers={"Content-Encoding": "br"}),
    "deflate": reply(ROWS, headers={"Content-Encoding": "deflate"}),
    "gzip twice": reply(gzip.compress(ZIPPED), headers={"Content-Encoding": "gzip, gzip"}),
    "what is no gzip": reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
    "garbage behind gzip": reply(ZIPPED + b"garbage", headers={"Content-Encoding": "gzip"}),
    "a second gzip stream that is cut": reply(ZIPPED + ZIPPED[:9], headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("answer", UNREADABLE)
async def test_what_is_no_answer_is_a_transport_error(answer: str) -> None:
    async with NothingLeft(), RawServer(then_close(UNREADABLE[answer])) as server:
        for call in (
            lambda session: session.skus.list_global(),
            lambda session: session.skus.update("x", SkuUpdate(name="n", front_image="f")),
            lambda session: session.skus.delete("x"),
            lambda session: session.skus.create(NEW),
        ):
            # A session for each: the next request could go into the connection that is about to close.
            async with session_for(server, retry=ONCE) as session:
                with pytest.raises((TransportError, AmbiguousWriteError)) as caught:
                    await call(session)
            seen = caught.value.cause if isinstance(caught.value, AmbiguousWriteError) else caught.value
            assert isinstance(seen, TransportError)
            assert not isinstance(seen, ConnectError)
            assert seen.maybe_sent
        assert isinstance(caught.value, AmbiguousWriteError)
        assert len(server.requests) == 4


ENDLESS = {
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1000),
    "empty lines": (b"", b"\r\n" * 9999),
    "headers": (OK, b"X-More: and more\r\n" * 1000),
    "one header": (OK + b"X: ", b"y" * 65536),
    "a reason": (b"HTTP/1.1 200 ", b"y" * 65536),
    "tiny chunks": (OK + CHUNKED + b"\r\n", b"1\r\n \r\n" * 9999),
    "a chunk extension": (OK + CHUNKED + b"\r\n1;", b"y" * 65536),
    "a chunk size": (OK + CHUNKED + b"\r\n", b"0" * 65536),
    "trailers": (OK + CHUNKED + b"\r\n0\r\n", b"X: y\r\n" * 9999),
    "one trailer": (OK + CHUNKED + b"\r\n0\r\nX: ", b"y" * 65536),
    "empty gzip streams": (OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 1000),
    "a name in gzip": (OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\xff", b"a" * 65536),
}


@pytest.mark.parametrize("answer", ENDLESS)
async def test_what_never_ends_is_a_transport_error_in_time(answer: str) -> None:
    timeouts = Timeouts(call=0.1)
    async with NothingLeft(), RawServer(endless(*ENDLESS[answer])) as server:
        async with session_for(server, retry=ONCE, timeouts=timeouts) as session, asyncio.timeout(30):
            with pytest.raises(TransportError):
                await session.skus.list_global()
            with pytest.raises(AmbiguousWriteError):
                await session.skus.create(NEW)


@pytest.mark.parametrize("status", [600, 999])
async def test_a_status_beyond_the_last_is_a_servers_error(status: int) -> None:
    async with RawServer(always(b"[]", status)) as server, session_for(server) as session:
        with pytest.raises(ServerError):
            await session.skus.list_global()
        with pytest.raises(AmbiguousWriteError):
            await session.skus.create(NEW)
        assert len(server.requests) == 2


async def test_texts_that_are_no_utf_8_can_be_written_down() -> None:
    """aiohttp makes lone surrogates of such bytes, which no file, log or terminal takes."""
    answer = b"HTTP/1.1 418 caf\xe9\r\nX-Request-Id: \xff-1\r\nContent-Length: 0\r\n\r\n"
    async with RawServer(then_close(answer)) as server, session_for(server) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.skus.list_global()
    assert (caught.value.error, caught.value.request_id) == ("caf\\udce9", "\\udcff-1")
    assert str(caught.value).encode()


@pytest.mark.parametrize("path", [b"a\xff", b"%ff", b"", b"a/b"])
async def test_a_location_that_names_no_id(path: bytes) -> None:
    answer = b"HTTP/1.1 201 Said\r\nContent-Length: 0\r\nLocation: /ai-shoot/skus/" + path + b"\r\n\r\n"
    async with RawServer(then_close(answer)) as server, session_for(server) as session:
        with pytest.raises(AmbiguousWriteError) as caught:
            await session.skus.create(NEW)
        assert isinstance(caught.value.cause, UnexpectedResponseError)


async def test_a_reset_connection() -> None:
    async def handle(_, connection) -> None:
        await connection.send(reply(ROWS)[:-3])
        await connection.reset()

    async with RawServer(handle) as server, session_for(server) as session:
        with pytest.raises(TransportError) as caught:
            await session.skus.list_global()
        assert len(caught.value.attempts) == len(server.requests) == 3


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
        assert "larger than 1000 bytes" in str(caught.value)
        assert "Limits(response_bytes=" in str(caught.value)
        with pytest.raises(AmbiguousWriteError) as create:
            await session.skus.create(NEW)
        assert isinstance(create.value.cause, ResponseTooLargeError)
        server.handler = always(b"[]")
        assert await session.skus.list_global() == []


@pytest.mark.parametrize("status", [200, 204, 404])
async def test_a_head_has_no_body_whatever_it_says(status: int, keeps_connections: bool) -> None:  # noqa: FBT001
    headers = {"Content-Encoding": "gzip", "Content-Length": "999"}
    async with RawServer(always(b"", status, headers)) as server:
        transport = Transport(limits=Limits(), timeouts=Timeouts(read=1))
        for _ in range(2):
            response = await transport.send(
                Request(method="HEAD", origin=URL(server.url), target="/"), None, SendState()
            )
            assert (response.status, response.body) == (status, b"")
        await transport.aclose()
        assert server.connections == (1 if keeps_connections else 2)


async def test_gzip_is_asked_for() -> None:
    async with RawServer(always(ROWS)) as server, session_for(server) as session:
        await session.skus.list_global()
        assert server.requests[0].headers["accept-encoding"] == "gzip"
