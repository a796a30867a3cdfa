"""A session that closes: nobody is left waiting, and nobody vanishes.

promise 7: every call ends with `SessionClosedError`, wherever it waits; a create that is on its way may have happened,
and ends with `AmbiguousWriteError`. Nor does a TaskGroup take any of them for its own cancellation.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import attrs
import pytest

from aishoot_async import (
    AIShootSession,
    AmbiguousWriteError,
    CallEvent,
    Limits,
    RetryPolicy,
    SessionClosedError,
    SkuCreate,
    SkuUpdate,
    Timeouts,
)
from helpers.leaks import NothingLeft
from helpers.raw_server import Handler, RawConnection, RawRequest, RawServer, always, drop, hang, reply
from helpers.sessions import TOKEN, session_for
from helpers.sockets import look_up_names

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="n", front_image="f")
CHANGED = SkuUpdate(name="n", front_image="f")


async def half_an_answer(_: RawRequest, connection: RawConnection) -> None:
    await connection.send(reply(b"[]  ")[:-2])
    await connection.until_closed()


class Turnstile:
    """Counts those who come to it, and holds them: a hook, a source of tokens, or a look-up of names."""

    def __init__(self) -> None:
        self.came = 0
        self.changed = asyncio.Event()

    async def until(self, count: int) -> None:
        while self.came < count:
            self.changed.clear()
            await self.changed.wait()

    def pass_by(self, _: CallEvent | None = None) -> None:
        self.came += 1
        self.changed.set()

    async def hold(self) -> None:
        self.pass_by()
        await asyncio.Event().wait()

    async def token(self, rejected: str | None = None) -> str:
        await self.hold()
        return "never"

    before_attempt = retrying = staticmethod(lambda _: None)
    after_attempt = pass_by


@attrs.frozen
class Waiting:
    """Where 200 calls wait: how many requests the server has seen by then, and what passes the turnstile."""

    handler: Handler
    requests: int = 0
    held: int = 0
    settings: dict[str, object] = attrs.field(factory=dict)
    calls: int = 200


AT_ONCE = {"limits": Limits(connections=200, in_flight=200)}
LATER = RetryPolicy(backoff=1e6, backoff_max=1e6)
WAITING = {
    "for admission": Waiting(hang, 2, settings={"limits": Limits(connections=2)}),
    "for an answer": Waiting(hang, 200, settings=AT_ONCE),
    "for the rest of one": Waiting(half_an_answer, 200, settings=AT_ONCE),
    "to repeat": Waiting(drop, held=100, settings={"retry": LATER, **AT_ONCE}, calls=100),
    "for an outage to end": Waiting(drop, held=100, settings={"retry": RetryPolicy(attempts=1), **AT_ONCE}, calls=100),
    "for a token": Waiting(hang, held=200, settings=AT_ONCE),
    "for a name": Waiting(hang, held=1, settings={"insecure_http": True, **AT_ONCE}),
}


async def closed_under(
    where: str, monkeypatch: pytest.MonkeyPatch, run: Callable[[Awaitable[object]], Awaitable[None]]
):
    """Let many calls wait, each in a task that ``run`` makes, and close; give how they ended."""
    waiting, turnstile = WAITING[where], Turnstile()
    settings = {"timeouts": Timeouts(call=1e6), **waiting.settings}
    async with NothingLeft(), RawServer(waiting.handler) as server:
        match where:
            case "to repeat" | "for an outage to end":
                settings["hooks"] = [turnstile]
            case "for a token":
                settings["auth"] = turnstile
            case "for a name":
                look_up_names(monkeypatch, turnstile.hold)
                settings["base_url"] = "http://name.example"
        session = session_for(server, **settings)
        reads, updates, deletes = session.skus.list_global, session.skus.update, session.skus.delete
        calls = (reads, lambda: updates("x", CHANGED), lambda: deletes("x"))
        if where == "for an outage to end":
            calls = (lambda: session.skus.list(patience=1e6, start=1).collect(),) * 3
        tasks = [asyncio.create_task(run(calls[number % 3]())) for number in range(waiting.calls)]
        await server.until_requests(waiting.requests)
        await turnstile.until(waiting.held)
        await asyncio.sleep(0.01)
        await session.aclose()
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        await server.until(lambda: server.open == 0)
    return ends


@pytest.mark.parametrize("where", WAITING)
async def test_every_call_that_waits(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def alone(call: Awaitable[object]) -> None:
        await call

    ends = await closed_under(where, monkeypatch, alone)
    assert Counter(map(type, ends)) == {SessionClosedError: WAITING[where].calls}
    assert all(end.__context__ is None for end in ends)


@pytest.mark.parametrize("where", WAITING)
async def test_every_call_that_waits_in_a_task_group(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_a_group(call: Awaitable[object]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(call)

    ends = await closed_under(where, monkeypatch, in_a_group)
    assert Counter(map(type, ends)) == {ExceptionGroup: WAITING[where].calls}
    assert {type(error) for end in ends for error in end.exceptions} == {SessionClosedError}


async def test_many_calls_in_one_task_group() -> None:
    """The first that ends lets the group cancel the others; all end, and what the group raises is no cancellation."""
    seen: list[BaseException] = []

    async def call(session: AIShootSession) -> None:
        try:
            await session.skus.list_global()
        except BaseException as error:
            seen.append(error)
            raise

    async with NothingLeft(), RawServer(hang) as server:
        session = session_for(server, limits=Limits(connections=20))
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                for _ in range(200):
                    group.create_task(call(session))
                await server.until_requests(20)
                await session.aclose()
    assert {type(error) for error in caught.value.exceptions} == {SessionClosedError}
    assert len(seen) == 200
    assert {type(error) for error in seen} <= {SessionClosedError, asyncio.CancelledError}


async def test_creates_on_their_way_may_have_happened() -> None:
    async with NothingLeft(), RawServer(hang) as server:
        session = session_for(server, limits=Limits(connections=100))
        tasks = [asyncio.create_task(session.skus.create(NEW)) for _ in range(200)]
        await server.until_requests(64)
        await session.aclose()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        # Those that wait for admission have not been sent.
        assert Counter(map(type, ends)) == {AmbiguousWriteError: 64, SessionClosedError: 136}
        assert len(server.requests) == 64


async def test_a_call_that_waits_to_repeat() -> None:
    told: list[str] = []

    class Hook:
        def before_attempt(self, _) -> None:
            told.append("before")

        def after_attempt(self, _) -> None:
            told.append("after")

        def retrying(self, _) -> None:
            told.append("retrying")

    policy = RetryPolicy(backoff=20, backoff_max=30)
    busy = always(b"", 503, {"Retry-After": "20"})
    async with RawServer(busy) as server:
        session = session_for(server, retry=policy, hooks=[Hook()])
        task = asyncio.create_task(session.skus.list_global())
        while "retrying" not in told:  # noqa: ASYNC110  # told by a hook
            await asyncio.sleep(0)
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await task
    async with RawServer(hang) as server:
        told.clear()
        session = session_for(server, retry=policy, hooks=[Hook()])
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        await session.aclose()
        with pytest.raises(SessionClosedError):
            await task
        assert told == ["before", "after"]


async def test_a_call_whose_token_comes_late_opens_no_pool() -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    class Slow:
        async def token(self, rejected: str | None = None) -> str:
            asked.set()
            await release.wait()
            return "late"

    async with RawServer(always(b"[]")) as server:
        session = session_for(server, Slow())
        task = asyncio.create_task(session.skus.list_global())
        await asked.wait()
        await session.aclose()
        release.set()
        with pytest.raises(SessionClosedError):
            await task
        assert server.connections == 0


async def test_cancelled_by_its_own_user_while_closing() -> None:
    async with RawServer(hang) as server:
        session = session_for(server)
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        task.cancel()
        await session.aclose()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_body_that_the_server_does_not_take() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        heard.set()
        await hold.wait()
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])

    heard, hold = asyncio.Event(), asyncio.Event()
    async with await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024) as listening:
        session = AIShootSession(TOKEN, base_url=f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        task = asyncio.create_task(session.skus.create(SkuCreate(name="n" * 30_000_000, front_image="f")))
        await heard.wait()
        async with asyncio.timeout(5):
            await session.aclose()
        hold.set()
        with pytest.raises(AmbiguousWriteError):
            await task


async def test_two_sessions_do_not_close_each_other() -> None:
    async with RawServer(always(b"[]")) as server, session_for(server) as one:
        async with session_for(server) as two:
            await two.skus.list_global()
            await one.skus.list_global()
        assert await one.skus.list_global() == []
