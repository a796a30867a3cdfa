"""Total outages: calls without patience add little to them, walks with patience ride them out (promise 11)."""

import asyncio
import itertools
import json
import logging

import anyio
import pytest

from aishoot_async import AIShootSession, ConnectError, RetryPolicy, ServerError, SessionClosedError, TransportError
from helpers.clock import LEAPING
from helpers.raw_server import RawServer, drop, hang
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio
QUICK = RetryPolicy(backoff=0.001, backoff_max=0.002)
PAGES = 40
HALF_AN_HOUR = 1800.0


@pytest.fixture
def anyio_backend():
    return LEAPING


async def fails(call):
    try:
        await call
    except (TransportError, ServerError) as error:
        return error
    raise AssertionError


async def refuse(_request, connection):
    await connection.answer(b"{}", 503)


@pytest.mark.parametrize("outage", [drop, refuse])
@pytest.mark.parametrize("calls", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_a_total_outage_is_not_made_worse(outage, calls):
    async with RawServer(outage) as server, session_for(server, retry=QUICK) as session:
        errors = await asyncio.gather(*(fails(session.skus.list_global()) for _ in range(calls)))
        assert calls <= len(server.requests) <= 1.1 * calls
        assert sum(len(error.attempts) for error in errors) == len(server.requests)
        assert 1 < max(len(error.attempts) for error in errors) <= QUICK.attempts


@pytest.mark.parametrize("calls", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_nor_one_in_which_nobody_listens(calls):
    async with AIShootSession(TOKEN, base_url="http://127.0.0.1:1", retry=QUICK) as session:
        errors = await asyncio.gather(*(fails(session.skus.list_global()) for _ in range(calls)))
    assert {type(error) for error in errors} == {ConnectError}
    assert sum(len(error.attempts) for error in errors) <= 1.1 * calls


class Service:
    """Lists rows, one a page; out of reach from one request on, for so many seconds."""

    def __init__(self, *, out_from=10, out_for=600.0, out=drop, out_of=None):
        self.out_from, self.out_for, self.out, self.out_of = out_from, out_for, out, out_of
        self.times = []
        self.failed = []
        self.began = None

    async def __call__(self, request, connection):
        now = asyncio.get_running_loop().time()
        self.times.append(now)
        page = int(request.target.partition("page=")[2].partition("&")[0])
        if len(self.times) >= self.out_from and self.began is None:
            self.began = now
        is_out = self.began is not None and now < self.began + self.out_for
        if is_out and (self.out_of is None or page == self.out_of):
            self.failed.append(now)
            await self.out(request, connection)
            return
        rows = [{"id": page}] if page <= PAGES else []
        await connection.answer(json.dumps({"entries": rows, "total": PAGES}).encode())


def listing(session, **options):
    return session.skus.list(page_size=1, start=1, patience=HALF_AN_HOUR, **options)


@pytest.mark.parametrize("out", [drop, refuse, hang])
async def test_a_patient_walk_rides_out_ten_minutes(out, caplog):
    service = Service(out=out)
    async with RawServer(service) as server, session_for(server, retry=RetryPolicy()) as session:
        with caplog.at_level(logging.WARNING, "aishoot_async.calls"):
            found = await listing(session).collect()
        assert [sku.id for sku in found] == [str(number) for number in range(1, PAGES + 1)]
    # At first each of the eight pages in flight makes its attempts; from then on one request asks for all of them.
    probes = [time for time in service.failed if time > service.began + 300]
    gaps = [later - sooner for sooner, later in itertools.pairwise(probes)]
    assert min(gaps) >= 29.0
    assert len(service.failed) <= 8 * QUICK.attempts + 600 / 30
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(" (")[0] for line in said] == ["the service is out of reach", "the service answers again"]
    assert TOKEN not in caplog.text


async def test_patience_ends():
    service = Service(out_for=1e9)
    async with RawServer(service) as server, session_for(server) as session:
        with pytest.raises(TransportError) as caught:
            await listing(session).collect()
        assert HALF_AN_HOUR <= service.failed[-1] - service.began < HALF_AN_HOUR + 120
        assert len(service.failed) < 8 * QUICK.attempts + HALF_AN_HOUR / 30 + 16
        waits = [attempt.wait for attempt in caught.value.attempts]
        assert HALF_AN_HOUR - 1 <= sum(waits) < HALF_AN_HOUR + 120
        assert caught.value.cursor is not None
        # It is not begun anew for what is asked next, while the outage lasts.
        before = len(service.failed)
        with pytest.raises(TransportError):
            await listing(session, prefetch=1).collect()
        assert len(service.failed) == before + 1


async def test_a_page_that_the_service_cannot_answer_is_no_breaker():
    service = Service(out_from=1, out_for=1e9, out=refuse_500, out_of=7)
    async with RawServer(service) as server, session_for(server) as session:

        async def ask_for_others():
            while True:
                await asyncio.sleep(20)
                await session.skus.list(page_size=1, start=1)

        others = asyncio.create_task(ask_for_others())
        found = []
        with pytest.raises(ServerError) as caught:
            async for sku in listing(session, prefetch=4):
                found.append(sku.id)
        others.cancel()
        assert found == ["1", "2", "3", "4", "5", "6"]
        assert sum(attempt.wait for attempt in caught.value.attempts) < 300


async def refuse_500(_request, connection):
    await connection.answer(b"{}", 500)


async def test_who_waits_in_an_outage_can_be_cancelled_and_the_session_closed():
    async with RawServer(drop) as server:
        session = session_for(server)
        with anyio.move_on_after(100) as scope:
            await listing(session).collect()
        assert scope.cancelled_caught
        tasks = [asyncio.create_task(listing(session).collect()) for _ in range(5)]
        await asyncio.sleep(100)
        await session.aclose()
        for task in tasks:
            with pytest.raises(SessionClosedError):
                await task
        assert len(asyncio.all_tasks()) <= 3


@pytest.mark.parametrize("patience", [-1, True, "30", float("nan"), float("inf")])
async def test_patience_is_a_number_of_seconds(patience):
    session = AIShootSession(TOKEN)
    with pytest.raises(ValueError, match="patience"):
        session.skus.list(patience=patience)
    await session.aclose()
