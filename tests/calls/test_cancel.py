"""Whoever gives up leaves the pool usable, every place given back, and no answer to the wrong request."""

import asyncio
import json
import os
import random

import anyio
import pytest

from aishoot_async import AIShootSession, Limits, RetryPolicy
from helpers.raw_server import RawRequest, RawServer, always
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio


def idle(session: AIShootSession) -> bool:
    throttle = session.skus._caller._throttle
    client = session._transport._readers
    acquired = 0 if client is None or client.connector is None else len(client.connector._acquired)
    return throttle.in_flight == throttle.waiting == acquired == 0


def answering(dice: random.Random):
    """Make a handler that echoes the asked page as the one row's id, quickly, slowly or in pieces."""

    async def handle(request: RawRequest, connection) -> None:
        page = request.target.partition("skuIdFilter=")[2].partition("&")[0]
        body = json.dumps({"entries": [{"id": page}], "total": 1}).encode()
        data = b"HTTP/1.1 200 Said\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        if dice.random() < 0.5:
            await asyncio.sleep(dice.random() * 0.004)
        if dice.random() < 0.5:
            cut = dice.randrange(len(data))
            await connection.send(data[:cut])
            await asyncio.sleep(dice.random() * 0.004)
            data = data[cut:]
        await connection.send(data)

    return handle


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # also where there is no /proc


@pytest.mark.parametrize("seed", range(4))
async def test_no_answer_goes_to_the_wrong_request(seed: int) -> None:
    dice = random.Random(seed)
    limits = Limits(connections=8)
    before = descriptors()
    async with RawServer(answering(dice)) as server, session_for(server, limits=limits) as session:

        async def ask(number: int) -> None:
            page = await session.skus.list(sku_id_filter=f"sku-{number}", start=1, page_size=1)
            assert [sku.id for sku in page.items] == [f"sku-{number}"]

        async def impatient(number: int) -> None:
            match dice.randrange(3):
                case 0:
                    await ask(number)
                case 1:
                    async with asyncio.timeout(dice.random() * 0.01):
                        await ask(number)
                case _:
                    with anyio.move_on_after(dice.random() * 0.01):
                        await ask(number)

        tasks = [asyncio.create_task(impatient(number)) for number in range(200)]
        for task in dice.sample(tasks, 30):
            asyncio.get_running_loop().call_later(dice.random() * 0.02, task.cancel)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, TimeoutError | asyncio.CancelledError), repr(result)
        assert idle(session)
        await ask(1000)
        assert descriptors() - before < 2 * 8 + 8
    assert server.connections <= 200 + 1


@pytest.mark.parametrize("way", ["asyncio", "anyio"])
async def test_a_time_out_at_any_point_gives_everything_back(way: str) -> None:
    dice = random.Random(7)
    async with RawServer(answering(dice)) as server, session_for(server, limits=Limits(connections=2)) as session:
        for number in range(60):
            seconds = number * 0.0001
            try:
                if way == "anyio":
                    with anyio.fail_after(seconds):
                        await session.skus.list(sku_id_filter="x", start=1)
                else:
                    async with asyncio.timeout(seconds):
                        await session.skus.list(sku_id_filter="x", start=1)
            except TimeoutError:
                pass
            assert idle(session)
        server.handler = always(b"[]")
        assert await session.skus.list_global() == []


async def test_cancelling_a_task_group() -> None:
    async with RawServer(answering(random.Random(1))) as server:
        async with session_for(server, limits=Limits(connections=2)) as session:
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(lambda number=number: session.skus.get(f"sku-{number}"))
                await server.until_requests(3)
                group.cancel_scope.cancel()
            assert idle(session)
            assert (await session.skus.get("sku-7")).id == "sku-7"


async def test_cancelling_while_waiting_to_repeat() -> None:
    slow = always(b"", 503, {"Retry-After": "20"})
    async with RawServer(slow) as server:
        async with session_for(server, retry=RetryPolicy(backoff=10, backoff_max=30)) as session:
            task = asyncio.create_task(session.skus.list_global())
            await server.until_requests(1)
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert idle(session)
            assert len(server.requests) == 1
