"""Past aiohttp's session or through it: the same goes out, and the same comes back."""

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from yarl import URL

from aishoot_async import AIShootError, SkuCreate, SkuUpdate
from aishoot_async.transport import Request, _exchange, _http
from helpers.raw_server import RawServer, reply
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
SKU = b'{"id":"x/y","name":"n","frontImage":"f"}'
CALLS = {
    "GET": lambda session: session.skus.list_global(),
    "GET with a query": lambda session: session.skus.list(sku_id_filter="é &?#/%", start=1, prefetch=1).collect(),
    "POST": lambda session: session.skus.create(SkuCreate(name="Müller", front_image="f")),
    "POST of a megabyte": lambda session: session.skus.create(SkuCreate(name="n" * (1 << 20), front_image="f")),
    "PUT": lambda session: session.skus.update("x/y", SkuUpdate(name="n", front_image="f")),
    "DELETE": lambda session: session.skus.delete("x/y"),
    "HEAD": lambda session: session.images.exists("front-1"),
}
ANSWERS = {
    "a SKU": reply(SKU),
    "a list": reply(b'{"entries":[%b],"total":1}' % SKU),
    "nothing": reply(status=204, headers={"Content-Length": "0"}),
    "a refusal": reply(b'{"error":"Bad Request","message":"no"}', 400),
    "a redirect": reply(b"", 307, {"Location": "https://elsewhere.example/"}),
    "no JSON": reply(b"<html>"),
}


def test_this_aiohttp_has_what_it_needs() -> None:
    assert _exchange.is_possible()
    assert _http._EXCHANGES


@pytest.mark.parametrize("query", ["a\r\nX: y", "a b", "a\0", "é", "a HTTP/1.0"])
def test_no_url_ends_the_request_line(query: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        Request(method="GET", origin=URL("http://x"), target=f"/?{query}").whole("x", None)


async def outcome(call: str, answer: str) -> tuple[list[object], object]:
    async def handle(_, connection) -> None:
        await connection.send(ANSWERS[answer])

    async with RawServer(handle) as server, session_for(server, organization="o") as session:
        try:
            came: object = await CALLS[call](session)
        except AIShootError as error:
            came = (type(error), str(error))
        assert {each.headers["host"] for each in server.requests} <= {server.url.removeprefix("http://")}
        sent = [(each.line, {**each.headers, "host": ""}, each.body) for each in server.requests]
    return sent, came


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_both_ways_are_one(call: str, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    past = await outcome(call, answer)
    assert past[0]
    monkeypatch.setattr(_http, "_EXCHANGES", False)
    assert await outcome(call, answer) == past


async def test_only_of_a_body_that_has_come_whole_is_anything_taken_past_its_reader() -> None:
    """What is taken so is not counted there: of a body under way, it might never be read on."""
    loop = asyncio.get_running_loop()
    body = StreamReader(BaseProtocol(loop), 1024, loop=loop)
    body.feed_data(b"one ")
    assert _exchange.take_parts(body) == []
    body.feed_data(b"two")
    body.feed_eof()
    assert _exchange.take_parts(body) == [b"one ", b"two"]
    assert body.at_eof()
    assert _exchange.take_parts(body) == []
    assert _exchange.take_parts(EMPTY_PAYLOAD) == []
