"""Single operations ride out an outage, if they are told to; a create does only as long as nothing was sent."""

import asyncio

import pytest

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    ConfigurationError,
    RateLimitedError,
    ServerError,
    SkuCreate,
    SkuUpdate,
)
from helpers.clock import LEAPING
from helpers.raw_server import RawServer, always, in_turn
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="A", front_image="f")
ROW = b'{"id":"s1","name":"A","frontImage":"f"}'
PAGE = b'{"entries":[%s],"total":1}' % ROW
CALLS = {
    "get": lambda skus, **more: skus.get("s1", **more),
    "create": lambda skus, **more: skus.create(NEW, **more),
    "update": lambda skus, **more: skus.update("s1", SkuUpdate(name="A", front_image="f"), **more),
    "edit": lambda skus, **more: skus.edit("s1", name="A", **more),
    "delete": lambda skus, **more: skus.delete("s1", **more),
}


@pytest.fixture
def anyio_backend():
    return LEAPING


async def fine(request, connection):
    await connection.answer(PAGE if request.method == "GET" else ROW)


def busy(times, status):
    return in_turn(*[always(b"{}", status)] * times, fine)


@pytest.mark.parametrize("name", CALLS)
async def test_a_service_that_says_later_is_waited_for(name):
    async with RawServer(busy(12, 429)) as server, session_for(server) as session:
        began = asyncio.get_running_loop().time()
        await CALLS[name](session.skus, patience=600)
        assert asyncio.get_running_loop().time() - began > 29
    async with RawServer(busy(12, 429)) as server, session_for(server) as session:
        with pytest.raises(RateLimitedError):
            await CALLS[name](session.skus)


@pytest.mark.parametrize("name", ["get", "update", "edit", "delete"])
async def test_an_outage_is_ridden_out(name):
    async with RawServer(busy(12, 503)) as server, session_for(server) as session:
        await CALLS[name](session.skus, patience=600)
    async with RawServer(busy(12, 503)) as server, session_for(server) as session:
        with pytest.raises(ServerError):
            await CALLS[name](session.skus)


async def test_a_create_that_may_have_happened_is_never_sent_again():
    async with RawServer(busy(1, 503)) as server, session_for(server) as session:
        with pytest.raises(AmbiguousWriteError):
            await session.skus.create(NEW, patience=600)
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrong", [-1, float("inf"), float("nan"), "1", True, None])
async def test_a_patience_that_cannot_be_is_refused_before_any_call(name, wrong):
    async with AIShootSession(TOKEN, base_url="http://127.0.0.1:1") as session:
        with pytest.raises(ConfigurationError, match="patience"):
            await CALLS[name](session.skus, patience=wrong)
