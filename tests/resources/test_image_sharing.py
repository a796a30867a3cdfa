"""Many uploads at once: the same bytes once, each who waits served, nothing held longer or larger than it must be."""

import asyncio
import random
from functools import partial
from types import SimpleNamespace

import pytest

from aishoot_async import (
    AIShootError,
    Limits,
    NotFoundError,
    RequestValidationError,
    SessionClosedError,
    Timeouts,
    TransportError,
)
from aishoot_async.resources._content import read_content
from helpers.image_service import ImageService, identifier_of, images_of, once
from helpers.leaks import NothingLeft
from helpers.pictures import pieces, png
from helpers.raw_server import hang

pytestmark = pytest.mark.anyio
PNG = png(1600, 1200, b"x" * 5000)


class Held:
    """Holds an answer back until it is let go."""

    def __init__(self):
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, request, connection):
        self.arrived.set()
        await self.go.wait()
        return False


async def all_wait(session, count):
    """Return once so many wait for one upload: nothing tells when their pictures have been hashed."""
    while session.images._uploads.callers < count:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def started(session, *images):
    return [asyncio.create_task(session.images.upload(image)) for image in images]


async def test_the_same_bytes_are_sent_once_however_many_upload_them(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    held = Held()
    async with NothingLeft(), ImageService(on_post=held) as server, images_of(server) as session:
        tasks = started(session, path, PNG, *(pieces(PNG) for _ in range(10)), *[path] * 20)
        await all_wait(session, 32)
        held.go.set()
        assert set(await asyncio.gather(*tasks)) == {identifier_of(PNG)}
        assert server.methods == ["HEAD", "POST"]
        await session.images.upload(PNG)
        assert server.methods == ["HEAD", "POST", "HEAD"], "the next one asks again"


@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_who_is_cancelled_takes_nobody_along(tmp_path, cancelled):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    held = Held()
    async with NothingLeft(), ImageService(on_post=held) as server, images_of(server) as session:
        tasks = started(session, pieces(PNG), path, PNG)
        await held.arrived.wait()
        await all_wait(session, 3)
        tasks.pop(cancelled).cancel()
        await asyncio.sleep(0)
        held.go.set()
        assert await asyncio.gather(*tasks) == [identifier_of(PNG)] * 2
        assert server.methods == ["HEAD", "POST"]


async def test_when_all_are_cancelled_the_upload_ends(tmp_path):
    held = Held()
    async with NothingLeft(), ImageService(on_post=held) as server, images_of(server) as session:
        tasks = started(session, pieces(PNG), PNG, PNG)
        await held.arrived.wait()
        await all_wait(session, 3)
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in done] == [asyncio.CancelledError] * 3
        held.go.set()
        await server.until(lambda: not server.open)
        assert await session.images.upload(PNG) == identifier_of(PNG), "a new one is not taken for the ended one"


async def test_who_comes_while_an_upload_is_being_ended_begins_a_new_one():
    held = Held()
    async with NothingLeft(), ImageService(on_post=held) as server, images_of(server) as session:
        content = await read_content(PNG, None, asyncio.Semaphore())
        (task,) = started(session, PNG)
        await held.arrived.wait()
        held.go.set()
        task.cancel()
        late = []
        for _ in range(8):
            await asyncio.sleep(0)
            send = partial(session.images._send, "o", content, "late.png", 0.0)
            late.append(asyncio.create_task(session.images._share(content, send)))
        await asyncio.gather(*late)
        assert server.stored == {identifier_of(PNG)}


async def test_each_who_waits_gets_an_error_of_their_own():
    held = Held()

    async def refuse(request, connection):
        await held(request, connection)
        await connection.answer(b"", 404)
        return True

    async with ImageService(on_post=refuse) as server, images_of(server) as session:
        tasks = started(session, PNG, PNG, pieces(PNG))
        await all_wait(session, 3)
        held.go.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {NotFoundError}
        assert len(set(map(id, outcomes))) == 3
        assert {(str(outcome), outcome.attempts) for outcome in outcomes} == {(str(outcomes[0]), outcomes[0].attempts)}
        assert server.methods == ["HEAD", "POST"]


async def test_when_the_file_of_one_is_gone_the_others_send_theirs(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    held = Held()
    async with NothingLeft(), ImageService(on_head=held) as server, images_of(server) as session:
        (first,) = started(session, path)
        await held.arrived.wait()
        others = started(session, pieces(PNG), PNG)
        await all_wait(session, 3)
        path.unlink()
        held.go.set()
        with pytest.raises(RequestValidationError, match="No such file"):
            await first
        assert await asyncio.gather(*others) == [identifier_of(PNG)] * 2
        assert server.methods == ["HEAD", "HEAD", "POST"]


@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_closing_the_session_ends_every_upload(method):
    async def never(request, connection):
        await hang(request, connection)
        return True

    async with NothingLeft(), ImageService(**{f"on_{method.lower()}": never}) as server:
        session = images_of(server, limits=Limits(connections=2))
        tasks = started(session, PNG, pieces(PNG), *(PNG + b"%d" % number for number in range(6)))
        await server.until(lambda: server.methods.count(method) == 2)
        await session.aclose()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [SessionClosedError] * 8


async def test_closing_the_session_ends_an_upload_in_the_middle_of_its_body():
    """Also one that has just moved, and whose deadline was put off."""
    data = png(1600, 1200, bytes(30_000_000))

    async def stuck(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        await reader.readexactly(1000)
        begun.set()
        await closed.wait()
        writer.close()

    begun, closed = asyncio.Event(), asyncio.Event()
    async with NothingLeft(), await asyncio.start_server(stuck, "127.0.0.1", 0) as server:
        place = SimpleNamespace(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        session = images_of(place)
        (task,) = started(session, data)
        await begun.wait()
        async with asyncio.timeout(30):
            await session.aclose()
            with pytest.raises(SessionClosedError):
                await task
        closed.set()


@pytest.mark.parametrize("seed", range(8))
async def test_random_cancellation_leaves_nothing_behind(tmp_path, seed):
    dice = random.Random(seed)
    contents = [png(1600, 1200, bytes([number]) * dice.choice([10, 300_000, 900_000])) for number in range(4)]
    for number, data in enumerate(contents):
        (tmp_path / f"{number}.png").write_bytes(data)

    async def moody(_, connection):
        await asyncio.sleep(dice.choice([0, 0.001, 0.01]))
        if dice.random() < 0.2:
            await connection.reset()
            return True
        return False

    async with NothingLeft(), ImageService(on_head=moody, on_post=moody) as server:
        async with images_of(server, limits=Limits(connections=3), timeouts=Timeouts(call=5)) as session:
            for _ in range(6):
                chosen = [dice.randrange(4) for _ in range(10)]
                images = [
                    dice.choice([tmp_path / f"{number}.png", contents[number], pieces(contents[number])])
                    for number in chosen
                ]
                tasks = started(session, *images)
                for task in dice.sample(tasks, 6):
                    await asyncio.sleep(dice.choice([0, 0, 0.001, 0.004]))
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                for number, outcome in zip(chosen, outcomes, strict=True):
                    if not isinstance(outcome, asyncio.CancelledError | AIShootError):
                        assert outcome == identifier_of(contents[number])
                        assert outcome in server.stored
                server.stored.clear()
            assert not session.images._uploads.callers
            assert session.traffic.in_flight == session.traffic.waiting == 0


async def test_an_outage_is_ridden_out_by_who_is_patient(monkeypatch):
    monkeypatch.setattr("aishoot_async.calls._circuit_breaker.PROBE_INTERVAL", 0.05)
    left = [6]

    async def down(_, connection):
        left[0] -= 1
        if left[0] >= 0:
            await connection.reset()
        return left[0] >= 0

    async with ImageService(on_head=down, on_post=once(hang)) as server:
        async with images_of(server, timeouts=Timeouts(read=0.2)) as session:
            with pytest.raises(TransportError):
                await session.images.upload(PNG)
            assert await session.images.upload(PNG, patience=30) == identifier_of(PNG)
