"""Only our counted retries exist, and no write is sent twice that may have happened.

promise 8: a POST whose server drops after reading it is seen once, and ends with `AmbiguousWriteError`.
promise 10: a PUT or DELETE that is dropped is sent as often as the policy says; a 404 on such a DELETE is success.
promise 27: a 401 in the middle of a create, and a 504 after it was applied, make one SKU.

What cannot have been sent stands in test_unsent.py.
"""

import pytest

from aishoot_async import (
    AmbiguousWriteError,
    APIStatusError,
    AuthenticationError,
    NotFoundError,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    SkuCreate,
    SkuUpdate,
    Timeouts,
    TransportError,
)
from aishoot_async.sandbox import Delay, DropAfter, DropBefore, ExpireToken, Fault, Sandbox, Status
from helpers.clock import LEAPING
from helpers.raw_server import RawServer, always, drop, in_turn, reply, saying
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="n", front_image="f")
CHANGED = SkuUpdate(name="n", front_image="f")


def sandbox_session(sandbox: Sandbox, **settings):
    settings.setdefault("base_url", sandbox.url)
    return session_for(sandbox, sandbox.token, **settings)


CREATED = reply(b'{"id":"1","name":"n"}', 201)
DROPS = {
    "FIN": saying(b""),
    "RST": saying(b"", reset=True),
    "half a head": saying(CREATED[:30]),
    "half a body": saying(CREATED[:-4]),
    "half a body and RST": saying(CREATED[:-4], reset=True),
    "interim answers alone": saying(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"),
    "no HTTP": saying(b"\x15\x03\x01\r\n\r\n"),
}


@pytest.mark.parametrize("warm", [False, True], ids=["fresh", "used before"])
@pytest.mark.parametrize("ending", DROPS)
async def test_a_dropped_create_is_seen_once(ending: str, warm: bool) -> None:  # noqa: FBT001
    """Two times seven ways, 72 creates each: more than a thousand in all."""
    async with RawServer(always(b"[]")) as server, session_for(server) as session:
        for number in range(72):
            if warm:
                # A connection that is used again is another case for aiohttp.
                server.handler = always(b"[]")
                await session.skus.list_global()
            server.handler = DROPS[ending]
            with pytest.raises(AmbiguousWriteError) as caught:
                await session.skus.create(SkuCreate(name=f"n{number}", front_image="f"))
            assert isinstance(caught.value.cause, TransportError)
            assert [attempt.sent for attempt in caught.value.attempts] == ["maybe"]
        posts = [request.body for request in server.requests if request.method == "POST"]
        assert len(posts) == len(set(posts)) == 72


async def test_a_create_on_a_connection_that_has_died_is_sent_on_another_or_not_again() -> None:
    async with RawServer(saying(reply(b"[]"))) as server, session_for(server) as session:
        for _ in range(20):
            await session.skus.list_global()
            server.requests.clear()
            server.handler = in_turn(always(b'{"id":7}', 201), drop)
            try:
                await session.skus.create(NEW)
            except AmbiguousWriteError:
                assert len(server.requests) <= 1
            else:
                assert len(server.requests) == 1
            server.handler = saying(reply(b"[]"))


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize("warm", [False, True], ids=["fresh", "used before"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_counted_retries(reset: bool, attempts: int, warm: bool, method: str) -> None:  # noqa: FBT001
    policy = RetryPolicy(attempts=attempts, backoff=0.001)
    async with RawServer(always(b"[]")) as server, session_for(server, retry=policy) as session:
        if warm:
            await session.skus.list_global()
            server.requests.clear()
        server.handler = saying(b"", reset=reset)
        call = {
            "GET": session.skus.list_global,
            "PUT": lambda: session.skus.update("x", CHANGED),
            "DELETE": lambda: session.skus.delete("x"),
        }[method]
        with pytest.raises(TransportError) as caught:
            await call()
        assert len(server.requests) == attempts
        assert [attempt.sent for attempt in caught.value.attempts] == ["maybe"] * attempts
        assert caught.value.attempts[-1].wait == 0.0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_read_is_repeated_after_what_will_pass(status: int) -> None:
    async with RawServer(in_turn(always(b"{}", status), always(b"[]"))) as server, session_for(server) as session:
        assert await session.skus.list_global() == []
        assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 422, 501])
async def test_a_read_is_not_repeated_after_what_will_not(status: int) -> None:
    async with RawServer(always(b"{}", status)) as server, session_for(server) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.skus.list_global()
        assert (caught.value.status, len(server.requests)) == (status, 1)


@pytest.mark.parametrize("fault", [DropAfter(), DropAfter(reset=True), Status(504, after_effect=True)])
async def test_a_create_that_was_applied_and_not_answered(fault) -> None:
    async with Sandbox(skus=0, faults=[Fault(fault, operation="create_sku")]) as sandbox:
        async with sandbox_session(sandbox) as session:
            with pytest.raises(AmbiguousWriteError, match="may or may not have happened"):
                await session.skus.create(NEW)
        assert len(sandbox.skus()) == sandbox.calls["create_sku"] == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_5xx_on_a_create_is_ambiguous(status: int) -> None:
    async with RawServer(always(b"", status)) as server, session_for(server) as session:
        with pytest.raises(AmbiguousWriteError) as caught:
            await session.skus.create(NEW)
        assert isinstance(caught.value.cause, ServerError)
        assert caught.value.cause.status == status
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 408, 409, 422])
async def test_a_4xx_on_a_create_is_not(status: int) -> None:
    async with RawServer(always(b"", status)) as server, session_for(server) as session:
        with pytest.raises(Exception, match=f"answered {status}") as caught:
            await session.skus.create(NEW)
        assert not isinstance(caught.value, AmbiguousWriteError)
        assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"name":"n"}', b"7.5", b"true", b'""', b"abc"])
async def test_a_2xx_that_cannot_be_read_is_ambiguous_for_a_create(body: bytes) -> None:
    async with RawServer(always(body, 201)) as server, session_for(server) as session:
        with pytest.raises(AmbiguousWriteError) as caught:
            await session.skus.create(NEW)
        assert caught.value.cause.body == body
        assert caught.value.attempts[0].status == 201
        assert len(server.requests) == 1


@pytest.mark.parametrize("anyio_backend", [LEAPING])
async def test_a_create_whose_answer_does_not_come_in_time(anyio_backend: object) -> None:
    async with Sandbox(skus=0, faults=[Fault(Delay(500, after_effect=True), operation="create_sku")]) as sandbox:
        for timeouts in (Timeouts(read=20), Timeouts(call=20)):
            async with sandbox_session(sandbox, timeouts=timeouts) as session:
                with pytest.raises(AmbiguousWriteError) as caught:
                    await session.skus.create(NEW)
                assert isinstance(caught.value.cause, TimeoutError)
        assert len(sandbox.skus()) == 2


async def test_a_429_on_a_create_is_sent_again() -> None:
    busy = always(b"", 429, {"Retry-After": "0"})
    async with RawServer(in_turn(busy, busy, always(b'{"id":7}', 201))) as server, session_for(server) as session:
        assert (await session.skus.create(NEW)).id == "7"
        assert len(server.requests) == 3
        server.handler = busy
        with pytest.raises(RateLimitedError):
            await session.skus.create(NEW)


async def test_a_401_in_the_middle_of_a_create() -> None:
    async with Sandbox(skus=0, faults=[Fault(ExpireToken(), operation="create_sku", at=1)]) as sandbox:
        asked: list[str | None] = []

        class Source:
            async def token(self, rejected: str | None = None) -> str:
                asked.append(rejected)
                return sandbox.token if rejected is None else sandbox.issue_token()

        async with session_for(sandbox, Source()) as session:
            await session.skus.create(NEW)
        assert asked == [None, sandbox.token]
        assert len(sandbox.skus()) == 1


async def test_a_401_and_then_an_answer_that_is_lost() -> None:
    faults = [Fault(ExpireToken(), operation="create_sku", at=1), Fault(DropAfter(), operation="create_sku", at=2)]
    async with Sandbox(skus=0, faults=faults) as sandbox:

        class Source:
            async def token(self, rejected: str | None = None) -> str:
                return sandbox.token if rejected is None else sandbox.issue_token()

        async with session_for(sandbox, Source()) as session:
            with pytest.raises(AmbiguousWriteError) as caught:
                await session.skus.create(NEW)
        assert [attempt.sent for attempt in caught.value.attempts] == ["yes", "maybe"]
        assert len(sandbox.skus()) == 1


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_401_asks_once_and_the_answer_is_used_once(attempts: int) -> None:
    asked: list[str | None] = []

    class Source:
        async def token(self, rejected: str | None = None) -> str:
            asked.append(rejected)
            return f"token-{len(asked)}"

    policy = RetryPolicy(attempts=attempts, backoff=0.001)
    async with RawServer(always(b"", 401)) as server, session_for(server, Source(), retry=policy) as session:
        with pytest.raises(AuthenticationError) as caught:
            await session.skus.create(NEW)
        assert asked == [None, "token-1"]
        assert [request.headers["authorization"] for request in server.requests] == [
            "Bearer token-1",
            "Bearer token-2",
        ]
        assert len(caught.value.attempts) == 2


async def test_a_401_without_another_token() -> None:
    async with RawServer(always(b"", 401)) as server, session_for(server) as session:
        with pytest.raises(AuthenticationError):
            await session.skus.list_global()
        assert len(server.requests) == 1


async def test_a_deleted_sku_that_is_gone_at_the_second_try() -> None:
    async with Sandbox(skus=2, faults=[Fault(DropAfter(), operation="delete_sku", at=1)]) as sandbox:
        async with sandbox_session(sandbox) as session:
            first, second = [row["id"] for row in sandbox.skus()]
            await session.skus.delete(first)
            assert sandbox.calls["delete_sku"] == 2
            with pytest.raises(NotFoundError):
                await session.skus.delete(first)
            assert [row["id"] for row in sandbox.skus()] == [second]


@pytest.mark.parametrize(
    ("first", "gone"),
    [(drop, True), (always(b"", 504), True), (always(b"", 500), True), (always(b"", 429), False)]
    + [(always(b"", 408), False)],
)
async def test_a_404_is_success_only_behind_a_try_that_may_have_happened(first, gone: bool) -> None:  # noqa: FBT001
    async with RawServer(in_turn(first, always(b"", 404))) as server, session_for(server) as session:
        if gone:
            await session.skus.delete("x")
        else:
            with pytest.raises(NotFoundError):
                await session.skus.delete("x")
        assert len(server.requests) == 2


async def test_a_404_on_a_retried_put_is_no_success() -> None:
    async with RawServer(in_turn(drop, always(b"", 404))) as server, session_for(server) as session:
        with pytest.raises(NotFoundError):
            await session.skus.update("x", CHANGED)


async def test_a_dropped_put_is_sent_again() -> None:
    async with Sandbox(skus=1, faults=[Fault(DropBefore(), operation="update_sku", at=1, times=2)]) as sandbox:
        async with sandbox_session(sandbox) as session:
            found = await session.skus.update(sandbox.skus()[0]["id"], SkuUpdate(name="new", front_image="f"))
        assert found.name == "new"
        assert sandbox.calls["update_sku"] == 3


async def test_interim_answers_are_passed_over() -> None:
    async def handle(_, connection) -> None:
        await connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + reply(b"[]"))

    async with RawServer(handle) as server, session_for(server) as session:
        assert await session.skus.list_global() == []


async def test_the_ledger() -> None:
    turns = in_turn(drop, always(b"", 503, {"X-Request-Id": "r-2"}), always(b"", 400, {"X-Request-Id": "r-3"}))
    async with RawServer(turns) as server, session_for(server) as session:
        with pytest.raises(Exception, match="400") as caught:
            await session.skus.list_global()
        first, second, third = caught.value.attempts
        assert (first.number, first.sent, first.status, first.error) == (1, "maybe", None, "TransportError")
        assert (second.number, second.sent, second.status, second.request_id) == (2, "yes", 503, "r-2")
        assert (third.number, third.sent, third.status, third.request_id) == (3, "yes", 400, "r-3")
        assert third.wait == 0.0
        assert all(attempt.elapsed > 0 for attempt in caught.value.attempts)
