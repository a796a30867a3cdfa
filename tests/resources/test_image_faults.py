"""Uploads when things go wrong: a lost answer is looked up, and sent again if need be; never twice for nothing.

promise 10, promise 15 and promise 17, as far as they are about uploads.
"""

import asyncio
import logging
import os

import pytest

from aishoot_async import (
    APIStatusError,
    AuthenticationError,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    TransportError,
)
from aishoot_async.hooks import LoggingHook
from aishoot_async.sandbox import DropAfter, DropBefore, ExpireToken, Fault, Sandbox, Status
from helpers.image_service import ImageService, identifier_of, images_of, once
from helpers.leaks import NothingLeft
from helpers.pictures import png
from helpers.raw_server import RawServer, always, drop, reply
from helpers.sessions import QUICK, TOKEN

pytestmark = pytest.mark.anyio
PNG = png(1600, 1200, b"x" * 5000)
LOST = {
    "applied, then dropped": DropAfter(),
    "applied, then reset": DropAfter(reset=True),
    "applied, then 504": Status(504, after_effect=True),
    "applied, then 500": Status(500, after_effect=True),
}
NOT_THERE = {
    "dropped": DropBefore(),
    "reset": DropBefore(reset=True),
    "502": Status(502),
    "503": Status(503),
    "408": Status(408),
}


def operations(sandbox):
    return [(request.method, request.status) for request in sandbox.requests]


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("fault", LOST)
async def test_an_upload_whose_answer_is_lost_is_looked_up_and_not_sent_again(fault, attempts):
    policy = RetryPolicy(attempts=attempts, backoff=0.001)
    async with Sandbox(faults=[Fault(LOST[fault], operation="upload")]) as sandbox:
        async with images_of(sandbox, auth=sandbox.token, retry=policy) as session:
            assert await session.images.upload(PNG) == identifier_of(PNG)
        assert sandbox.calls == {"upload_exists": 2, "upload": 1}


@pytest.mark.parametrize("fault", NOT_THERE)
async def test_an_upload_that_did_not_arrive_is_sent_again(fault):
    async with Sandbox(faults=[Fault(NOT_THERE[fault], operation="upload", times=2)]) as sandbox:
        async with images_of(sandbox, auth=sandbox.token) as session:
            assert await session.images.upload(PNG) == identifier_of(PNG)
            assert session.traffic.retries == 2
        assert sandbox.calls["upload"] == 3
        assert [method for method, _ in operations(sandbox)][-1] == "POST"


@pytest.mark.parametrize(("fault", "kind"), [("dropped", TransportError), ("502", ServerError)])
@pytest.mark.parametrize("attempts", [1, 3])
async def test_attempts_are_counted_and_the_end_is_never_ambiguous(fault, kind, attempts):
    policy = RetryPolicy(attempts=attempts, backoff=0.001)
    async with Sandbox(faults=[Fault(NOT_THERE[fault], operation="upload")]) as sandbox:
        async with images_of(sandbox, auth=sandbox.token, retry=policy) as session:
            with pytest.raises(kind) as caught:
                await session.images.upload(PNG)
            assert session.traffic.retries == attempts - 1
        assert len(caught.value.attempts) == attempts
        assert sandbox.calls == {"upload_exists": 1 + attempts, "upload": attempts}


async def test_repetitions_come_out_of_the_budget():
    policy = RetryPolicy(attempts=4, backoff=0.001, budget=3)
    async with Sandbox(faults=[Fault(DropBefore(), operation="upload")]) as sandbox:
        async with images_of(sandbox, auth=sandbox.token, retry=policy) as session:
            for number in range(8):
                with pytest.raises(TransportError):
                    await session.images.upload(PNG + b"%d" % number)
            assert session.traffic.retries <= 8, "a look that is answered gives a little back"
        assert sandbox.calls["upload"] <= 16


@pytest.mark.parametrize("answer", [DropBefore(), Status(500), Status(403), Status(429)])
async def test_when_the_look_fails_too_the_upload_is_sent_again(answer):
    faults = [Fault(DropAfter(), operation="upload", times=1), Fault(answer, operation="upload_exists", at=2)]
    async with Sandbox(faults=faults) as sandbox, images_of(sandbox, auth=sandbox.token) as session:
        assert await session.images.upload(PNG) == identifier_of(PNG)
        assert sandbox.calls == {"upload_exists": 2, "upload": 2}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_refusal_is_waited_out_and_nothing_is_looked_up_for_a_429(status):
    answer = Status(status, retry_after=0.2)
    async with Sandbox(faults=[Fault(answer, operation="upload", times=1)]) as sandbox:
        policy = RetryPolicy(backoff=0.001)
        async with images_of(sandbox, auth=sandbox.token, retry=policy) as session:
            begun = asyncio.get_running_loop().time()
            await session.images.upload(PNG)
            assert asyncio.get_running_loop().time() - begun >= 0.2
        assert sandbox.calls == {"upload_exists": 1 if status == 429 else 2, "upload": 2}


async def test_a_service_that_only_says_429_is_a_typed_error():
    async with Sandbox(faults=[Fault(Status(429), operation="upload")]) as sandbox:
        async with images_of(sandbox, auth=sandbox.token) as session:
            with pytest.raises(RateLimitedError):
                await session.images.upload(PNG)
        assert sandbox.calls == {"upload_exists": 1, "upload": QUICK.attempts}


class Renewing:
    """Gives the first token until that is refused."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)

    async def token(self, rejected=None):
        if rejected == self.tokens[0] and len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.tokens[0]


async def test_a_token_that_expires_before_an_upload_is_replaced():
    async with Sandbox(faults=[Fault(ExpireToken(), operation="upload", times=1)]) as sandbox:

        class Issuing:
            async def token(self, rejected=None):
                return sandbox.issue_token() if rejected else sandbox.token

        async with images_of(sandbox, auth=Issuing()) as session:
            assert await session.images.upload(PNG) == identifier_of(PNG)
        assert sandbox.calls == {"upload_exists": 1, "upload": 2}


class Hasty(ImageService):
    """Answers an upload's head with 401, and reads no body, unless it carries the good token."""

    def __init__(self, good, *, then_close):
        super().__init__(on_head=self.once_a_connection)
        self.good = good
        self.then_close = then_close
        self.refused = 0

    async def once_a_connection(self, request, connection):
        await connection.answer(b"", 404, {"Connection": "close"})
        await connection.close()
        return True

    async def _serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST") and self.good not in head:
            self.refused += 1
            writer.write(reply(b"", 401))
            await writer.drain()
            if self.then_close:
                writer.close()
            while not self.then_close and await reader.read(65536):
                pass
            writer.close()
            return
        again = asyncio.StreamReader()
        again.feed_data(head)

        async def feed():
            while data := await reader.read(65536):
                again.feed_data(data)
            again.feed_eof()

        feeding = asyncio.create_task(feed())
        try:
            await super()._serve(again, writer)
        finally:
            feeding.cancel()


@pytest.mark.parametrize("then_close", [False, True])
@pytest.mark.parametrize("size", [1000, 20_000_000])
async def test_a_refusal_in_the_middle_of_an_upload_is_heard(then_close, size):
    data = png(1600, 1200, os.urandom(size))
    async with NothingLeft(), Hasty(b"good-token", then_close=then_close) as server:
        async with images_of(server, auth=Renewing("old-token", "good-token")) as session:
            assert await session.images.upload(data) == identifier_of(data)
        assert server.refused >= 1
        async with images_of(server, auth="wrong-token") as session:
            # Where the connection is closed over what is still being sent, the answer may be lost.
            with pytest.raises((AuthenticationError, TransportError) if then_close else AuthenticationError):
                await session.images.upload(data)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_no_redirect_is_followed(status, method):
    async with RawServer(always()) as other:

        async def elsewhere(_, connection):
            await connection.answer(b"", status, {"Location": f"{other.url}/upload"})
            return True

        async with ImageService(**{f"on_{method.lower()}": elsewhere}) as server, images_of(server) as session:
            with pytest.raises(APIStatusError) as caught:
                await session.images.upload(PNG)
            assert caught.value.status == status
        assert not other.connections


async def test_the_token_shows_in_no_log_and_no_event(caplog):
    caplog.set_level(logging.DEBUG)
    events = []

    class Watching:
        def before_attempt(self, event):
            events.append(event)

        after_attempt = retrying = before_attempt

    async def echo(request, connection):
        await connection.answer(request.headers["authorization"].encode(), 500, {"X-Request-Id": TOKEN})

    async with ImageService(on_post=once(echo)) as server:
        async with images_of(server, hooks=[Watching(), LoggingHook(level=logging.DEBUG)]) as session:
            await session.images.upload(PNG)
        assert server.methods == ["HEAD", "POST", "HEAD", "POST"]
    assert [event.method for event in events if event.attempt is None] == server.methods
    assert {event.template for event in events} == {"/upload"}
    assert TOKEN not in f"{caplog.text}{events}"


async def test_a_drop_before_the_body_was_taken_is_a_lost_answer():
    async with ImageService(on_post=once(drop)) as server, images_of(server) as session:
        assert await session.images.upload(PNG) == identifier_of(PNG)
        assert server.methods == ["HEAD", "POST", "HEAD", "POST"]
