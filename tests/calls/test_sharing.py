"""What the calls of one session do to each other: places, pauses, a limit that adapts, turns. Time is simulated."""

import asyncio
import json

import pytest

from aishoot_async import Limits, RateLimitedError, RetryPolicy
from helpers.clock import LEAPING
from helpers.raw_server import RawServer, always, drop, in_turn
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
EMPTY = b'{"entries":[],"total":0}'
SLOW = RetryPolicy(attempts=2, backoff=10, backoff_max=10)


@pytest.fixture
def anyio_backend():
    return LEAPING


def now():
    return asyncio.get_running_loop().time()


async def test_a_call_that_waits_to_be_made_again_holds_no_place():
    async with RawServer(in_turn(drop, always(EMPTY))) as server:
        async with session_for(server, retry=SLOW, limits=Limits(in_flight=1)) as session:
            first = asyncio.create_task(session.skus.list_global())
            await server.until_requests(1)
            await session.skus.list_global()
            assert not first.done()
            await first
            assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 503])
async def test_what_the_service_asks_of_one_call_all_of_them_do(status):
    refused = always(b"{}", status, {"Retry-After": "7"})
    async with RawServer(in_turn(refused, always(EMPTY))) as server, session_for(server, retry=SLOW) as session:
        begun = now()
        first = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        await asyncio.sleep(0.5)
        await asyncio.gather(*(session.skus.list_global() for _ in range(5)))
        assert now() - begun >= 6.9
        await first


class Retrying:
    """Tells when a call waits to be made again."""

    def __init__(self):
        self.event = asyncio.Event()

    def before_attempt(self, event):
        pass

    after_attempt = before_attempt

    def retrying(self, _event):
        self.event.set()


async def test_a_call_that_failed_otherwise_holds_nobody_back():
    hook = Retrying()
    async with RawServer(in_turn(always(b"{}", 500), always(EMPTY))) as server:
        async with session_for(server, retry=SLOW, hooks=[hook]) as session:
            first = asyncio.create_task(session.skus.list_global())
            await hook.event.wait()
            begun = now()
            await session.skus.list_global()
            assert now() - begun < 5
            await first


async def test_a_pause_outlives_the_call_that_was_told():
    refused = always(b"{}", 429, {"Retry-After": "7"})
    async with RawServer(in_turn(refused, always(EMPTY))) as server:
        async with session_for(server, retry=RetryPolicy(attempts=1)) as session:
            begun = now()
            with pytest.raises(RateLimitedError):
                await session.skus.list_global()
            await session.skus.list_global()
            assert now() - begun >= 6.9


async def test_a_service_that_counts_by_the_second_is_waited_for():
    """It answers twenty requests a second, refuses more, and does not say when to come back."""
    by_second = {}

    async def answer(request, connection):
        by_second[int(now())] = by_second.get(int(now()), 0) + 1
        if by_second[int(now())] > 20:
            await connection.answer(b"{}", 429)
            return
        await connection.answer(page_of(request, 300))

    async with RawServer(answer) as server, session_for(server, retry=RetryPolicy()) as session:
        assert len(await session.skus.list(page_size=1, start=1, prefetch=16).collect()) == 300


def page_of(request, rows):
    page = int(request.target.partition("page=")[2].partition("&")[0])
    return json.dumps({"entries": [{"id": page}] if page <= rows else [], "total": rows}).encode()


class Narrow:
    """Answers so many requests at once, each after a while, and refuses more at once."""

    def __init__(self, room, rows):
        self.room, self.rows, self.busy, self.most, self.refused = room, rows, 0, 0, 0

    async def __call__(self, request, connection):
        if self.busy >= self.room:
            self.refused += 1
            await connection.answer(b"{}", 429)
            return
        self.busy += 1
        await asyncio.sleep(0.02)
        self.busy -= 1
        await connection.answer(page_of(request, self.rows))


async def test_near_the_service_s_own_limit_few_requests_are_refused():
    service = Narrow(room=6, rows=1500)
    async with RawServer(service) as server, session_for(server, retry=RetryPolicy()) as session:
        found = await session.skus.list(page_size=1, start=1, prefetch=32).collect()
        assert len(found) == 1500
        assert service.refused < 0.05 * len(server.requests)
        assert 4 <= session.skus._caller._throttle.limit <= 8


async def test_a_single_call_takes_its_turn_before_the_pages_that_wait():
    order = []

    async def answer(request, connection):
        order.append("one" if "skuIdFilter" in request.target else "page")
        await asyncio.sleep(0.02)
        await connection.answer(page_of(request, 200))

    async with RawServer(answer) as server, session_for(server, limits=Limits(in_flight=4)) as session:
        walk = asyncio.create_task(session.skus.list(page_size=1, start=1, prefetch=32).collect())
        await server.until_requests(20)
        asked_at = len(order)
        assert (await session.skus.get("1")).id == "1"
        assert order.index("one") - asked_at <= 2
        await walk


async def test_a_call_made_again_goes_before_those_that_were_never_admitted():
    order = []

    async def answer(request, connection):
        order.append("retry" if "skuIdFilter=a" in request.target else "new")
        if order == ["retry"]:
            await connection.close()
            return
        await asyncio.sleep(1)
        await connection.answer(EMPTY)

    one_at_a_time = Limits(in_flight=1)
    async with RawServer(answer) as server:
        async with session_for(server, retry=RetryPolicy(backoff=0.1), limits=one_at_a_time) as session:
            first = asyncio.create_task(collect(session, "a"))
            await server.until_requests(1)
            others = [asyncio.create_task(collect(session, "b")) for _ in range(10)]
            await asyncio.gather(first, *others)
    assert order.index("retry", 1) <= 2


async def collect(session, sku_id):
    return (await session.skus.list(sku_id_filter=sku_id, start=1)).items
