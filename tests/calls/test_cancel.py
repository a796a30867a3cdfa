"""Whoever gives up leaves the pool usable, every place given back, and no answer to the wrong request.

promise 18: 1,500 requests with random cancels: each answer belongs to its request, and descriptors stay bounded. (What
comes on idle connections stands in transport/test_pool.py.)
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from aishoot_async import AIShootSession, Limits, RetryPolicy, SkuCreate, TransportError
from helpers.leaks import NothingLeft
from helpers.raw_server import Handler, RawConnection, RawRequest, RawServer, drop, hang, reply
from helpers.sessions import TOKEN, session_for
from helpers.sockets import descriptors, look_up_names

pytestmark = pytest.mark.anyio
CONNECTIONS = 8
LIMITS = Limits(connections=CONNECTIONS)


async def check_all_places_are_free(session: AIShootSession, server: RawServer, count: int = CONNECTIONS) -> None:
    """See that as many requests as there are connections can be on their way at once."""
    arrived, go = 0, asyncio.Event()

    async def together(_: RawRequest, connection: RawConnection) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == count:
            go.set()
        await go.wait()
        await connection.answer(b"[]")

    server.handler = together
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(session.skus.list_global() for _ in range(count))) == [[]] * count


def answering(dice: random.Random) -> Handler:
    """Make a handler that echoes the asked SKU: quickly, slowly, in pieces, now and then with another behind it."""

    async def handle(request: RawRequest, connection: RawConnection) -> None:
        wanted = request.target.partition("skuIdFilter=")[2].partition("&")[0]
        data = reply(json.dumps({"entries": [{"id": wanted}], "total": 1}).encode())
        behind = reply(b'{"entries":[{"id":"unasked"}],"total":1}') if dice.random() < 0.2 else b""
        if dice.random() < 0.5:
            await asyncio.sleep(dice.random() * 0.004)
        if dice.random() < 0.5:
            cut = dice.randrange(len(data))
            await connection.send(data[:cut])
            await asyncio.sleep(dice.random() * 0.004)
            data = data[cut:]
        # In one piece: what comes later may come after the next request has gone out.
        await connection.send(data + behind)

    return handle


@pytest.mark.parametrize("seed", range(5))
async def test_no_answer_goes_to_the_wrong_request(seed: int) -> None:
    dice = random.Random(seed)
    most = 0
    async with NothingLeft(), RawServer(answering(dice)) as server, session_for(server, limits=LIMITS) as session:
        before = descriptors()

        async def ask(number: int) -> None:
            nonlocal most
            page = await session.skus.list(sku_id_filter=f"sku-{number}", start=1, page_size=1)
            assert [sku.id for sku in page.items] == [f"sku-{number}"]
            most = max(most, descriptors() - before)

        async def impatient(number: int) -> None:
            match dice.randrange(3):
                case 0:
                    await ask(number)
                case 1:
                    async with asyncio.timeout(dice.random() * 0.02):
                        await ask(number)
                case _:
                    with anyio.move_on_after(dice.random() * 0.02):
                        await ask(number)

        tasks = [asyncio.create_task(impatient(number)) for number in range(300)]
        for task in dice.sample(tasks, 50):
            asyncio.get_running_loop().call_later(dice.random() * 0.1, task.cancel)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, TimeoutError | asyncio.CancelledError), repr(result)
        # A connection has two ends here, and one that is closed takes some turns of the loop.
        assert most <= 2 * 2 * CONNECTIONS
        await check_all_places_are_free(session, server)


class Holding:
    """A source of tokens that holds everyone."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def token(self, rejected: str | None = None) -> str:
        if rejected is None and self.asked.is_set():
            return TOKEN
        self.asked.set()
        await asyncio.Event().wait()
        return "never"


async def half_a_body(_: RawRequest, connection: RawConnection) -> None:
    await connection.send(reply(b"[]  ")[:-2])
    await connection.until_closed()


async def half_a_head(_: RawRequest, connection: RawConnection) -> None:
    await connection.send(b"HTTP/1.1 200 Sa")
    await connection.until_closed()


async def refuse(_: RawRequest, connection: RawConnection) -> None:
    await connection.answer(b"", 401)


@pytest.mark.parametrize("handler", [hang, half_a_head, half_a_body, drop, refuse])
@pytest.mark.parametrize("way", ["cancel", "fail_after"])
async def test_giving_up_while_waiting_for_the_server(handler: Handler, way: str) -> None:
    """For a head, a body, the next attempt (``drop``), or a fresh token (``refuse``)."""
    later = RetryPolicy(backoff=100, backoff_max=100)
    source = Holding()
    source.asked.set()
    async with NothingLeft(), RawServer(handler) as server:
        async with session_for(server, source, limits=LIMITS, retry=later) as session:
            before = descriptors()
            for turn in range(3):
                if way == "cancel":
                    tasks = [asyncio.create_task(session.skus.list_global()) for _ in range(CONNECTIONS)]
                    await server.until_requests(CONNECTIONS * (turn + 1))
                    await asyncio.sleep(0.002)
                    for task in tasks:
                        task.cancel()
                    ends = await asyncio.gather(*tasks, return_exceptions=True)
                    assert {type(end) for end in ends} == {asyncio.CancelledError}
                else:
                    with pytest.raises(TimeoutError) as caught, anyio.fail_after(0.02):
                        await session.skus.list_global()
                    assert not isinstance(caught.value, TransportError)
            await asyncio.sleep(0.01)
            assert descriptors() - before <= 2 * CONNECTIONS
            await check_all_places_are_free(session, server)


async def test_giving_up_while_waiting_for_a_token() -> None:
    source = Holding()
    async with NothingLeft(), RawServer(hang) as server, session_for(server, source, limits=LIMITS) as session:
        task = asyncio.create_task(session.skus.list_global())
        await source.asked.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert server.connections == 0
        await check_all_places_are_free(session, server)


async def test_giving_up_while_waiting_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up, found = asyncio.Event(), asyncio.Event()

    async def look_up() -> None:
        looked_up.set()
        await found.wait()

    look_up_names(monkeypatch, look_up)
    async with NothingLeft(), RawServer(hang) as server:
        settings = {"base_url": f"http://name.example:{server.port}", "insecure_http": True}
        async with session_for(server, limits=LIMITS, **settings) as session:
            tasks = [asyncio.create_task(session.skus.list_global()) for _ in range(3 * CONNECTIONS)]
            await looked_up.wait()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
            found.set()
            await check_all_places_are_free(session, server)


async def test_giving_up_while_a_large_body_is_written() -> None:
    async def take_slowly(request: RawRequest, connection: RawConnection) -> None:
        raise AssertionError

    class Slow(RawServer):
        async def _requests(self, reader, connection, number) -> None:
            if self.handler is not take_slowly:
                await super()._requests(reader, connection, number)
                return
            while data := await reader.read(1000):
                taken.append(len(data))
                reading.set()
                await asyncio.sleep(0.001)

    taken: list[int] = []
    reading = asyncio.Event()
    large = SkuCreate(name="n" * 5_000_000, front_image="f")
    async with NothingLeft(), Slow(take_slowly) as server, session_for(server, limits=LIMITS) as session:
        for turn in range(2):
            tasks = [asyncio.create_task(session.skus.create(large)) for _ in range(CONNECTIONS)]
            await server.until(lambda turn=turn: server.connections == CONNECTIONS * (turn + 1))
            await reading.wait()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
        assert 0 < sum(taken) < 5_000_000
        await check_all_places_are_free(session, server)


async def test_cancelling_a_task_group() -> None:
    async with NothingLeft(), RawServer(answering(random.Random(1))) as server:
        async with session_for(server, limits=Limits(connections=2)) as session:
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(lambda number=number: session.skus.get(f"sku-{number}"))
                await server.until_requests(3)
                group.cancel_scope.cancel()
            await check_all_places_are_free(session, server, 2)


class Stepwise:
    """A source of tokens that takes a moment, and has a second token when the first one is refused."""

    async def token(self, rejected: str | None = None) -> str:
        await asyncio.sleep(0.001)
        return "second" if rejected else "first"


def stepwise() -> Handler:
    """Make a handler of slow answers: the first is a 401, the second a drop, the third the list in three pieces."""
    seen = 0

    async def handle(_: RawRequest, connection: RawConnection) -> None:
        nonlocal seen
        seen += 1
        await asyncio.sleep(0.001)
        if seen % 3 == 1:
            await connection.answer(b"", 401)
        elif seen % 3 == 2:
            await connection.close()
        else:
            data = reply(b"[]")
            for piece in (data[:20], data[20:-1], data[-1:]):
                await connection.send(piece)
                await asyncio.sleep(0.001)

    return handle


async def give_up_at(seconds: float, way: str, call: Callable[[], Awaitable[object]]) -> None:
    try:
        if way == "anyio":
            with anyio.fail_after(seconds):
                await call()
        else:
            async with asyncio.timeout(seconds):
                await call()
    except TimeoutError as error:
        assert not isinstance(error, TransportError)


INSTANTS = [40, pytest.param(1500, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]


@pytest.mark.parametrize("instants", INSTANTS)
@pytest.mark.parametrize("way", ["anyio", "asyncio"])
async def test_giving_up_at_any_instant(way: str, instants: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call looks a name up, connects, is refused, gets another token, is dropped, waits, and reads in pieces."""

    async def look_up() -> None:
        await asyncio.sleep(0.001)

    look_up_names(monkeypatch, look_up)
    retry = RetryPolicy(backoff=0.002, backoff_max=0.002)
    async with NothingLeft(), RawServer(hang) as server:
        settings = {"base_url": f"http://name.example:{server.port}", "insecure_http": True, "retry": retry}
        before = descriptors()
        for instant in range(instants):
            server.handler = stepwise()
            async with session_for(server, Stepwise(), limits=Limits(connections=2), **settings) as session:
                for _ in range(2):
                    # The second may find a connection, and the name known.
                    await give_up_at(instant * 0.02 / instants, way, session.skus.list_global)
                await check_all_places_are_free(session, server, 2)
            await asyncio.sleep(0)
            assert descriptors() - before <= 8
