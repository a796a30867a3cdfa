"""What an id becomes on the wire.

promise 16: a hostile SKU id names exactly that SKU, or is refused before any I/O.
"""

import asyncio
import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aishoot_async import AIShootSession, RequestValidationError, SkuUpdate
from aishoot_async.sandbox import Sandbox
from helpers.raw_server import RawRequest, RawServer, always
from helpers.sessions import session_for

PUT = SkuUpdate(name="New", front_image="f")
REFUSED = ["", ".", "..", "a\rb", "a\nb", "a\r\nHost: x", "a\0b", "\ud800", "x\udfff", "a\x7fb", "\x85", "\t"]
KEPT = ["/", "//", "/..", "../a", "a/../b", "%2F", "%2f", "%2e%2e", "%2E", "%", "%%", "%0d%0a", "...", "..;", ";a"]
KEPT += ["?a", "#a", " ", "a b", "\\", "..\\", "a@b:c", "http://x/", "+", "&=", "*", "~", "ü", "e\u0301"]
KEPT += ["\u2028", "\ufeff", "\U0001d538"]
WIRE = re.compile(rb"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+")


def calls(session: AIShootSession, sku_id):
    return [session.skus.delete(sku_id), session.skus.update(sku_id, PUT), session.skus.get(sku_id)] + [
        session.skus.edit(sku_id, name="New")
    ]


@pytest.mark.anyio
@pytest.mark.usefixtures("http_path")
@pytest.mark.parametrize("hostile", [*REFUSED, 7, None, b"a", True, ["a"]])
async def test_an_id_that_no_path_can_name_is_refused_before_any_call(hostile) -> None:
    async with RawServer(always(b"")) as server, session_for(server) as session:
        for call in calls(session, hostile):
            with pytest.raises(RequestValidationError) as caught:
                await call
            assert caught.value.field == "sku_id"
        assert server.connections == 0


def named(request: RawRequest) -> bytes:
    """Give the id that a request line names, read as a server reads it."""
    path, _, query = request.target.partition("?")
    if request.method == "GET":
        assert path == "/ai-shoot/skus"
        text = query.partition("skuIdFilter=")[2].partition("&")[0]
    else:
        prefix, _, text = path.rpartition("/")
        assert (prefix, query) == ("/ai-shoot/skus", "")
    assert WIRE.fullmatch(text.encode())
    return unquote_to_bytes(text)


async def check_request_lines(sku_id: str) -> None:
    async with RawServer(always(b"")) as server, session_for(server) as session:
        await session.skus.delete(sku_id)
        await session.skus.update(sku_id, PUT)
        server.handler = always(b'{"entries":[],"total":0}')
        with pytest.raises(Exception, match="answered 404"):
            await session.skus.get(sku_id)
        assert [request.method for request in server.requests[:3]] == ["DELETE", "PUT", "GET"]
        assert {named(request) for request in server.requests} == {sku_id.encode()}


@pytest.mark.anyio
@pytest.mark.usefixtures("http_path")
@pytest.mark.parametrize("hostile", KEPT)
async def test_a_hostile_id_stays_one_segment(hostile: str) -> None:
    await check_request_lines(hostile)


@given(st.text(min_size=1) | st.text(alphabet="./%2eEfF;\\?# ", min_size=1))
@example("\ud800")
def test_any_id_is_named_exactly_or_refused(sku_id: str) -> None:
    try:
        asyncio.run(check_request_lines(sku_id))
    except RequestValidationError:
        assert sku_id in {".", ".."} or re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", sku_id)


@pytest.mark.anyio
@pytest.mark.usefixtures("http_path")
@pytest.mark.parametrize("hostile", KEPT)
async def test_a_server_finds_it(hostile: str) -> None:
    async with Sandbox(skus=2) as sandbox, session_for(sandbox, sandbox.token) as session:
        sandbox.insert_sku(sku_id=hostile)
        assert (await session.skus.edit(hostile, name="Found")).name == "Found"
        assert [sku["name"] for sku in sandbox.skus()][2] == "Found"
        await session.skus.delete(hostile)
        assert len(sandbox.skus()) == 2
