"""The fast path and the documented path: both send and read the same, and the fast one is only taken where it works."""

import asyncio
import sys

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from yarl import URL

from aishoot_async import AIShootError, SkuCreate, SkuUpdate
from aishoot_async.transport import Request, _http, _raw_http
from helpers.leaks import NothingLeft
from helpers.raw_server import RawServer, always, reply
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


@pytest.fixture(autouse=True)
def fresh_probe():
    """Probe aiohttp anew, here and in the tests that follow."""
    _http._fast_path.cache_clear()
    yield
    _http._fast_path.cache_clear()


async def test_this_aiohttp_has_what_the_fast_path_needs(caplog) -> None:
    assert _http._fast_path() is _raw_http.RawHttp
    assert not caplog.records


@pytest.mark.parametrize("query", ["a\r\nX: y", "a b", "a\0", "é", "a HTTP/1.0"])
def test_no_url_ends_the_request_line(query: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        Request(method="GET", origin=URL("http://x"), target=f"/?{query}").serialize("x", None)


async def outcome(call: str, answer: str) -> tuple[list[object], object]:
    async def handle(_, connection) -> None:
        await connection.send(ANSWERS[answer])

    async with RawServer(handle) as server, session_for(server, organization="o") as session:
        try:
            came: object = await CALLS[call](session)
        except AIShootError as error:
            came = (type(error), str(error))
        assert {each.headers["host"] for each in server.requests} <= {server.url.removeprefix("http://")}
        # The documented path keeps no connection, and says so.
        sent = [(each.line, {**each.headers, "host": "", "connection": ""}, each.body) for each in server.requests]
    return sent, came


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_both_paths_send_and_read_the_same(call: str, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = await outcome(call, answer)
    assert fast[0]
    monkeypatch.setenv("AISHOOT_DOCUMENTED_HTTP", "1")
    assert await outcome(call, answer) == fast


@pytest.mark.parametrize(("value", "documented"), [("", False), ("0", False), ("1", True), ("yes", True)])
async def test_the_switch(value: str, documented: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setenv("AISHOOT_DOCUMENTED_HTTP", value)
    async with RawServer(always(b"[]")) as server, session_for(server) as session:
        await session.skus.list_global()
        assert (session._transport._client.raw is None) is documented


def without_arguments(self):
    """Be what a method may have become."""


def with_another(self, *arguments, another, **named):
    """Be what a method may have become."""


async def never(self):
    await asyncio.get_running_loop().create_future()


CHANGES = (
    {
        f"no {owner.__name__}.{name}": (owner, name, None)
        for owner, name, _ in _raw_http._USED
        if name in vars(owner) and name != "__init__"
    }
    | {
        f"another signature of {owner.__name__}.{name}": (owner, name, with_another)
        for owner, name, arguments in _raw_http._USED
        if arguments is not None
    }
    | {
        "set_response_params without arguments": (ResponseHandler, "set_response_params", without_arguments),
        "an answer that does not come": (ResponseHandler, "read", never),
        "another kind of should_close": (ResponseHandler, "should_close", property(lambda _: False)),
        "another kind of connection_key": (_raw_http._PoolKeyRequest, "connection_key", property(lambda _: [])),
        "another kind of protocol": (Connection, "protocol", property(lambda _: None)),
        "another kind of buffer": (StreamReader, "_buffer", property(lambda _: None)),
        "a body that ends never": (StreamReader, "is_eof", lambda _: False),
    }
)


@pytest.mark.parametrize("change", CHANGES)
async def test_whatever_changes_in_aiohttp_every_request_takes_the_documented_path(
    change: str, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    owner, name, changed = CHANGES[change]
    with monkeypatch.context() as patch:
        if changed is None:
            patch.delattr(owner, name)
        else:
            patch.setattr(owner, name, changed)
        assert _http._fast_path() is None
    assert "is not as expected" in caplog.text
    async with NothingLeft(), RawServer(always(b"[]")) as server, session_for(server) as session:
        for _ in range(2):
            assert await session.skus.list_global() == []
        assert session._transport._client.raw is None
    assert len(caplog.records) == 1, "it is said once"


async def test_a_module_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "aishoot_async.transport._raw_http")
    monkeypatch.delattr("aishoot_async.transport._raw_http")
    monkeypatch.setitem(sys.modules, "aiohttp.client_proto", None)
    assert _http._fast_path() is None
    async with RawServer(always(b"[]")) as server, session_for(server) as session:
        assert await session.skus.list_global() == []


async def test_only_a_body_that_has_come_whole_is_taken_past_its_reader() -> None:
    """What is taken so is not counted there: of a body under way, the rest might never be read."""
    loop = asyncio.get_running_loop()
    body = StreamReader(BaseProtocol(loop), 1024, loop=loop)
    body.feed_data(b"one ")
    drain = _raw_http.RawHttp.drain_buffer
    assert drain(body) == []
    body.feed_data(b"two")
    body.feed_eof()
    assert drain(body) == [b"one ", b"two"]
    assert body.at_eof()
    assert drain(body) == []
    assert drain(EMPTY_PAYLOAD) == []
