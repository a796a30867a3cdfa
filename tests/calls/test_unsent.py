"""What cannot have been sent is sent again, a create too.

promise 9: connection refused, name not found, time-out of the pool or of connecting: the POST arrives once, or the
error says that it cannot have arrived.
"""

import asyncio
import socket
import ssl

import pytest

from aishoot_async import (
    AIShootSession,
    CallEvent,
    CallTimeoutError,
    ConnectError,
    Limits,
    RetryPolicy,
    SkuCreate,
    SkuUpdate,
    Timeouts,
)
from helpers.raw_server import RawServer, always, hang
from helpers.sessions import QUICK, TOKEN, session_for
from helpers.sockets import free_port, look_up_names

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="n", front_image="f")
CREATED = always(b'{"id":7}', 201)


async def check_unsent(session: AIShootSession, match: str, attempts: int = QUICK.attempts) -> None:
    """See that no call can get through, and that each says that nothing was sent."""
    for call in (
        lambda: session.skus.create(NEW),
        session.skus.list_global,
        lambda: session.skus.update("x", SkuUpdate(name="n", front_image="f")),
        lambda: session.skus.delete("x"),
    ):
        with pytest.raises(ConnectError, match=match) as caught:
            await call()
        assert caught.value.maybe_sent is False
        assert [(attempt.sent, attempt.status) for attempt in caught.value.attempts] == [("no", None)] * attempts


async def test_a_refused_connection() -> None:
    async with AIShootSession(TOKEN, base_url=f"http://127.0.0.1:{free_port()}", retry=QUICK) as session:
        await check_unsent(session, "cannot connect")


async def test_a_name_that_does_not_resolve() -> None:
    async with AIShootSession(TOKEN, base_url="https://nowhere.invalid", retry=QUICK) as session:
        await check_unsent(session, "cannot be resolved")


async def test_a_connection_that_does_not_come_about_in_time() -> None:
    with socket.socket() as deaf:
        # A full backlog: the kernel answers no further SYN.
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003
            filler.connect_ex(deaf.getsockname())
        settings = {"timeouts": Timeouts(connect=0.05), "retry": QUICK}
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        async with AIShootSession(TOKEN, base_url=address, **settings) as session:
            await check_unsent(session, r"within 0\.05 s")
        for filler in fillers:
            filler.close()


async def test_a_server_that_speaks_no_tls() -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Speak up\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    address = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
    async with plain, AIShootSession(TOKEN, base_url=address, ssl=ssl.create_default_context(), retry=QUICK) as session:
        await check_unsent(session, "TLS")


async def test_a_server_that_says_nothing_of_tls() -> None:
    async with RawServer(hang) as server:
        settings = {"ssl": ssl.create_default_context(), "timeouts": Timeouts(connect=0.05), "retry": QUICK}
        async with AIShootSession(TOKEN, base_url=server.url.replace("http:", "https:"), **settings) as session:
            await check_unsent(session, r"within 0\.05 s")
        assert server.requests == []


async def test_a_create_goes_through_once_the_server_is_back() -> None:
    port = free_port()

    class Starter:
        def __init__(self) -> None:
            self.server: socket.socket | None = None
            self.listening = asyncio.Event()

        def before_attempt(self, event: CallEvent) -> None: ...
        def after_attempt(self, event: CallEvent) -> None: ...

        def retrying(self, event: CallEvent) -> None:
            if self.server is None:
                # Bound and listening before the next attempt; accepted by the loop's own server below.
                self.server = socket.create_server(("127.0.0.1", port))
                self.listening.set()

    starter = Starter()
    async with RawServer(CREATED) as server:
        async with session_for(server, base_url=f"http://127.0.0.1:{port}", hooks=[starter]) as session:
            task = asyncio.create_task(session.skus.create(NEW))
            await starter.listening.wait()
            listening = await asyncio.start_server(server._serve, sock=starter.server)
            assert (await task).id == "7"
            listening.close()
        assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["not found", "late"])
async def test_a_create_goes_through_once_the_name_is_found(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = 0

    async def look_up() -> None:
        nonlocal looked_up
        looked_up += 1
        if way == "late":
            await asyncio.sleep(0.08)
        elif looked_up <= 2:
            raise socket.gaierror

    look_up_names(monkeypatch, look_up)
    told: list[CallEvent] = []

    class Hook:
        before_attempt = after_attempt = staticmethod(lambda _: None)
        retrying = staticmethod(told.append)

    async with RawServer(CREATED) as server:
        settings = {"base_url": f"http://api.example:{server.port}", "insecure_http": True, "hooks": [Hook()]}
        often = RetryPolicy(attempts=50, backoff=0.001, backoff_max=0.001)
        async with session_for(server, timeouts=Timeouts(connect=0.05), retry=often, **settings) as session:
            assert (await session.skus.create(NEW)).id == "7"
        assert len(server.requests) == 1
    assert len(told) >= 1
    assert {event.attempt.sent for event in told if event.attempt} == {"no"}


async def test_waiting_for_admission_too_long() -> None:
    settings = {"limits": Limits(connections=1), "timeouts": Timeouts(pool=0.02)}
    async with RawServer(hang) as server, session_for(server, **settings) as session:
        first = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        for _ in range(5):
            with pytest.raises(CallTimeoutError, match="pool") as caught:
                await session.skus.create(NEW)
            assert caught.value.maybe_sent is False
            assert caught.value.attempts == ()
        first.cancel()
        await asyncio.wait([first])
        server.handler = CREATED
        assert (await session.skus.create(NEW)).id == "7"
        assert [request.method for request in server.requests] == ["GET", "POST"]


async def test_a_deadline_before_anything_was_sent_is_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up() -> None:
        await asyncio.Event().wait()

    look_up_names(monkeypatch, look_up)
    settings = {"base_url": "http://api.example", "insecure_http": True, "timeouts": Timeouts(call=0.05)}
    async with AIShootSession(TOKEN, retry=RetryPolicy(attempts=2), **settings) as session:
        for call in (session.skus.create(NEW), session.skus.list_global()):
            with pytest.raises(CallTimeoutError) as caught:
                await call
            assert caught.value.maybe_sent is False
            assert [attempt.sent for attempt in caught.value.attempts] == ["no"]
