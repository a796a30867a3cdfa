"""What must come out when a server misbehaves: each promise against plain sockets, or the sandbox's faults."""

import asyncio
import gzip
import json
import logging
import pickle
import traceback
import tracemalloc
import zlib

import anyio
import pytest

from aishoot_async import (
    AIShootError,
    AIShootSession,
    AmbiguousWriteError,
    APIStatusError,
    AuthenticationError,
    CallTimeoutError,
    ConnectError,
    Limits,
    NotFoundError,
    RateLimitedError,
    RequestValidationError,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    SessionClosedError,
    SkuCreate,
    SkuUpdate,
    Timeouts,
    TransportError,
    UnexpectedResponseError,
)
from aishoot_async.sandbox import DropAfter, ExpireToken, Fault, Sandbox, Status
from helpers.raw_server import RawServer, always, chunked, drop, in_turn, reply
from helpers.sessions import QUICK, TOKEN, session_for

pytestmark = pytest.mark.anyio
NEW = SkuCreate(name="New", front_image="f")
PUT = SkuUpdate(name="New", front_image="f")
EMPTY = b'{"entries":[],"total":0}'
MADE = always(b'{"id":7}', 201)


def status(code, headers=None, body=b"{}"):
    return always(body, code, headers)


@pytest.mark.parametrize("name", ["get", "put", "delete"])
async def test_a_dropped_call_is_sent_as_often_as_the_policy_says_and_not_once_more(name):
    calls = {
        "get": lambda session: session.skus.list_global(),
        "put": lambda session: session.skus.update("a", PUT),
        "delete": lambda session: session.skus.delete("a"),
    }
    async with RawServer(drop) as server, session_for(server) as session:
        with pytest.raises(TransportError) as caught:
            await calls[name](session)
        assert len(server.requests) == QUICK.attempts == len(caught.value.attempts)
        assert [attempt.sent for attempt in caught.value.attempts] == ["maybe"] * 3


async def test_a_dropped_create_is_sent_once():
    async with RawServer(drop) as server, session_for(server) as session:
        for _ in range(50):
            with pytest.raises(AmbiguousWriteError) as caught:
                await session.skus.create(NEW)
            assert isinstance(caught.value.cause, TransportError)
        assert len(server.requests) == 50


async def test_a_create_on_a_connection_that_died_idle_is_not_sent_twice():
    async def answer_and_close(_request, connection):
        await connection.answer(EMPTY)
        await connection.close()

    async with RawServer(in_turn(answer_and_close, MADE)) as server, session_for(server) as session:
        await session.skus.list_global()
        await server.until(lambda: server.open == 0)
        try:
            await session.skus.create(NEW)
        except AmbiguousWriteError:
            assert len(server.requests) == 1
        else:
            assert len(server.requests) == 2


async def test_a_create_that_cannot_have_arrived_is_repeated():
    nobody_listens = "http://127.0.0.1:1"
    async with AIShootSession(TOKEN, base_url=nobody_listens, retry=QUICK) as session:
        with pytest.raises(ConnectError) as caught:
            await session.skus.create(NEW)
        assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
        assert not caught.value.maybe_sent


async def test_a_create_is_repeated_after_429_and_not_after_5xx():
    async with RawServer(in_turn(status(429), MADE)) as server, session_for(server) as session:
        assert (await session.skus.create(NEW)).id == "7"
        assert len(server.requests) == 2
    for code in (500, 502, 503, 504):
        async with RawServer(status(code)) as server, session_for(server) as session:
            with pytest.raises(AmbiguousWriteError) as caught:
                await session.skus.create(NEW)
            assert caught.value.cause.status == code
            assert len(server.requests) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
async def test_a_read_is_repeated_after_a_passing_fault(code):
    async with RawServer(in_turn(status(code), always(EMPTY))) as server, session_for(server) as session:
        assert await session.skus.list_global() == []
        assert len(server.requests) == 2


@pytest.mark.parametrize("code", [400, 403, 404, 409, 418, 422, 501])
async def test_what_will_not_pass_is_not_repeated(code):
    async with RawServer(status(code)) as server, session_for(server) as session:
        with pytest.raises(APIStatusError) as caught:
            await session.skus.list_global()
        assert (caught.value.status, len(server.requests)) == (code, 1)


@pytest.mark.parametrize(
    "said", ["0", "-3", "1e9", "NaN", "inf", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 99 Zzz 2", "9" * 400]
)
async def test_any_retry_after_is_survived_and_clamped(said):
    handler = in_turn(status(429, {"Retry-After": said}), always(EMPTY))
    async with RawServer(handler) as server, session_for(server) as session:
        with anyio.fail_after(5):
            assert await session.skus.list_global() == []


async def test_the_service_may_ask_for_time():
    async with RawServer(status(429, {"Retry-After": "7"})) as server:
        async with session_for(server, retry=RetryPolicy(attempts=1)) as session:
            with pytest.raises(RateLimitedError) as caught:
                await session.skus.list_global()
    assert caught.value.retry_after == 7.0


async def test_a_deleted_sku_whose_answer_was_lost_is_deleted():
    async with Sandbox(faults=[Fault(DropAfter(), operation="delete_sku", at=1)]) as sandbox:
        async with AIShootSession(sandbox.token, base_url=sandbox.url, retry=QUICK) as session:
            await session.skus.delete(sandbox.skus()[0]["id"])
            assert len(sandbox.skus()) == 11
            with pytest.raises(NotFoundError):
                await session.skus.delete("never-there")


async def test_a_504_after_a_create_was_applied_makes_one_sku():
    fault = Fault(Status(504, after_effect=True), operation="create_sku")
    async with Sandbox(faults=[fault]) as sandbox, AIShootSession(sandbox.token, base_url=sandbox.url) as session:
        with pytest.raises(AmbiguousWriteError) as caught:
            await session.skus.create(NEW)
        assert isinstance(caught.value.cause, ServerError)
        assert len(sandbox.skus()) == 13


class Renewing:
    """A token source with one fresh token in reserve."""

    def __init__(self, *tokens):
        self.tokens, self.rejected = list(tokens), []

    async def token(self, rejected=None):
        if rejected is not None:
            self.rejected.append(rejected)
            if len(self.tokens) > 1:
                self.tokens.pop(0)
        return self.tokens[0]


async def test_a_401_asks_for_another_token_once_and_uses_it():
    async with Sandbox(faults=[Fault(ExpireToken(), operation="create_sku", at=1)]) as sandbox:
        fresh = Renewing(sandbox.token, sandbox.issue_token())
        async with AIShootSession(fresh, base_url=sandbox.url) as session:
            try:
                await session.skus.create(NEW)
            except AuthenticationError:
                pass
            else:
                assert len(sandbox.skus()) == 13
        assert fresh.rejected == [sandbox.token]


async def test_a_refused_token_without_another_is_an_authentication_error():
    async with RawServer(status(401)) as server, session_for(server) as session:
        with pytest.raises(AuthenticationError):
            await session.skus.list_global()
        assert len(server.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(code):
    async with RawServer(always(EMPTY)) as elsewhere:
        handler = status(code, {"Location": f"{elsewhere.url}/?{TOKEN}", "Set-Cookie": "a=b"})
        async with RawServer(handler) as server, session_for(server) as session:
            for call in (session.skus.list_global(), session.skus.create(NEW)):
                with pytest.raises(APIStatusError) as caught:
                    await call
                assert caught.value.status == code
                assert TOKEN not in repr(vars(caught.value))
            assert elsewhere.requests == []
            assert "cookie" not in server.requests[-1].headers


ITEMS = b'{"entries":[{"id":1,"name":"a"}],"total":1}'


def framings():
    zipped = gzip.compress(ITEMS)
    return {
        "length": reply(ITEMS),
        "chunked": reply(chunked(ITEMS[:9], ITEMS[9:]), headers={"Transfer-Encoding": "chunked", "Content-Length": ""}),
        "gzip": reply(zipped, headers={"Content-Encoding": "gzip"}),
        "gzip until close": reply(zipped, headers={"Content-Encoding": "gzip", "Content-Length": ""}),
    }


@pytest.mark.parametrize("framing", framings())
async def test_a_body_cut_anywhere_is_never_taken_for_whole(framing):
    whole = b"\r\n".join(line for line in framings()[framing].split(b"\r\n") if line != b"Content-Length: ")
    cut = len(whole)

    async def handle(_request, connection):
        await connection.send(whole[:cut])
        await connection.close()

    async with RawServer(handle) as server, session_for(server, retry=RetryPolicy(attempts=1)) as session:
        assert [sku.id for sku in await session.skus.list_global()] == ["1"]
        for cut in range(len(whole)):  # the handler reads it
            try:
                skus = await session.skus.list_global()
            except (TransportError, UnexpectedResponseError):
                continue
            # Nothing but the framing's own end may be missing.
            assert [sku.id for sku in skus] == ["1"], cut
            assert cut >= len(whole) - 8


async def test_a_gzip_bomb_is_too_large_long_before_it_fills_the_memory():
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1024 * 1024)
    bomb = b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()
    handler = always(bomb, headers={"Content-Encoding": "gzip"})
    async with RawServer(handler) as server, session_for(server, limits=Limits(response_bytes=8 << 20)) as session:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLargeError):
                await session.skus.list_global()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 16 << 20
        assert len(server.requests) == 1


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_a_compression_that_was_not_asked_for_is_refused(encoding):
    async with RawServer(always(ITEMS, headers={"Content-Encoding": encoding})) as server:
        async with session_for(server) as session:
            with pytest.raises(TransportError):
                await session.skus.list_global()


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 2000 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"\x00" * 64,
        b"",
    ],
)
async def test_what_is_no_http_is_a_transport_error(answer):
    async def handle(_request, connection):
        await connection.send(answer)
        await connection.close()

    async with RawServer(handle) as server, session_for(server, retry=RetryPolicy(attempts=1)) as session:
        with pytest.raises(TransportError):
            await session.skus.list_global()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>please log in</html>",
        b"",
        b"null",
        b"42",
        b'{"entries": 3}',
        b'{"entries": [3]}',
        b'{"entries": [{"id": NaN}]}',
        b'{"entries": [{"name": "no id"}]}',
        b'{"entries": [], "entries": [{"id": 1}]}',
        b'{"a": [], "b": []}',
        b'{"entries": [{"id": "\xff"}]}',
        b'{"entries": [{"id": 1, "unknown": "\xff"}]}',
        b'\xef\xbb\xbf{"entries": []}',
    ],
)
async def test_a_body_that_cannot_be_read_is_never_a_crash_of_another_kind(body):
    async with RawServer(always(body)) as server, session_for(server) as session:
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.skus.list_global()
        assert len(caught.value.attempts) == 1
        assert len(server.requests) == 1


async def test_deep_nesting_is_read_or_refused_as_the_interpreter_allows():
    body = b'{"entries": [{"id": 1, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}]}"
    async with RawServer(always(body)) as server, session_for(server) as session:
        try:
            (sku,) = await session.skus.list_global()
        except UnexpectedResponseError as error:
            assert "nested" in error.reason
        else:
            assert body.count(b"[") - 1 == sku.raw.count(b"[")


async def test_an_odd_body_that_can_be_read_is_read():
    body = b'{"entries": [{"id": "a\\u0000b", "n": 1e400, "n": 12345678901234567890123}], "total": "1"}'
    async with RawServer(always(body)) as server, session_for(server) as session:
        (sku,) = await session.skus.list_global()
    assert (sku.id, sku.extra["n"]) == ("a\0b", 12345678901234567890123)


async def test_the_place_in_the_body_is_named():
    body = b'{"entries":[{"id":1},{"id":2},{"id":3},{"name":"x"}]}'
    async with RawServer(always(body)) as server, session_for(server) as session:
        with pytest.raises(UnexpectedResponseError) as caught:
            await session.skus.list_global()
    assert caught.value.where == "entries[3].id"
    assert caught.value.keys == ("name",)


@pytest.mark.parametrize(
    "timeouts", [Timeouts(call=0.2), Timeouts(read=0.1, call=0.5)], ids=["the whole call", "the next bytes"]
)
async def test_a_service_that_goes_silent_is_a_time_out(timeouts):
    async def handle(_request, connection):
        await connection.send(reply(ITEMS)[:-3])

    async with RawServer(handle) as server, session_for(server, timeouts=timeouts) as session:
        with pytest.raises(CallTimeoutError) as caught:
            await session.skus.list_global()
        assert isinstance(caught.value, TimeoutError)
        with pytest.raises(AmbiguousWriteError):
            await session.skus.create(NEW)


async def test_a_body_that_drips_does_not_outlive_the_deadline():
    async def drip(_request, connection):
        await connection.send(reply(ITEMS)[: -len(ITEMS)])
        for byte in ITEMS * 100:
            await connection.send(bytes([byte]))
            await asyncio.sleep(0.02)

    async with RawServer(drip) as server, session_for(server, timeouts=Timeouts(call=0.3, read=5)) as session:
        with anyio.fail_after(3), pytest.raises(CallTimeoutError):
            await session.skus.list_global()


async def test_waiting_for_admission_has_its_own_time_out_and_the_create_was_not_sent():
    async def never(_request, _connection):
        await asyncio.Event().wait()

    settings = {"limits": Limits(connections=1), "timeouts": Timeouts(pool=0.05)}
    async with RawServer(never) as server, session_for(server, **settings) as session:
        first = asyncio.ensure_future(session.skus.list_global())
        await server.until_requests(1)
        with pytest.raises(CallTimeoutError) as caught:
            await session.skus.create(NEW)
        assert not caught.value.maybe_sent
        first.cancel()
        await asyncio.wait([first])
        assert len(server.requests) == 1


async def test_closing_ends_every_call_that_waits_or_is_on_its_way():
    async def never(_request, _connection):
        await asyncio.Event().wait()

    async with RawServer(never) as server, session_for(server, limits=Limits(connections=2)) as session:
        calls = [asyncio.ensure_future(session.skus.list_global()) for _ in range(40)]
        await server.until_requests(2)
        await session.aclose()
        await session.aclose()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(end) for end in ends] == [SessionClosedError] * 40
        with pytest.raises(SessionClosedError):
            await session.skus.list_global()
        with pytest.raises(SessionClosedError):
            async with session:
                pass


async def test_a_closed_session_does_not_vanish_in_a_task_group():
    async def never(_request, _connection):
        await asyncio.Event().wait()

    async with RawServer(never) as server, session_for(server, limits=Limits(connections=1)) as session:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(session.skus.list_global())
                await server.until_requests(1)
                await session.aclose()
        assert {type(error) for error in caught.value.exceptions} == {SessionClosedError}


async def test_random_cancels_give_no_answer_to_the_wrong_request():
    async def echo(request, connection):
        wanted = request.target.split("skuIdFilter=")[1].split("&")[0]
        await asyncio.sleep(hash(wanted) % 5 / 1000)
        await connection.answer(json.dumps({"entries": [{"id": wanted}], "total": 1}).encode())

    async with RawServer(echo) as server, session_for(server, limits=Limits(connections=8)) as session:

        async def one(number):
            with anyio.move_on_after(number % 7 / 1000):
                sku = await session.skus.get(f"sku-{number}")
                assert sku.id == f"sku-{number}"

        await asyncio.gather(*(one(number) for number in range(300)))
        assert (await session.skus.get("last")).id == "last"
        assert server.open <= 9


@pytest.mark.parametrize("hostile", ["", ".", "..", "a\rb", "a\nb", "a\0b", "\ud800", "a\x7fb", 7, None, b"a"])
async def test_an_id_that_no_path_can_hold_is_refused_before_any_call(hostile):
    async with RawServer(always(b"")) as server, session_for(server) as session:
        for call in (session.skus.delete, session.skus.get, lambda sku_id: session.skus.update(sku_id, PUT)):
            with pytest.raises(RequestValidationError) as caught:
                await call(hostile)
            assert caught.value.field == "sku_id"
        assert server.requests == []


@pytest.mark.parametrize("hostile", ["/", "a/../b", "%2F", "%2e%2e", ";a", "?a", "#a", " ", "ü", "\\", "...", "a@b:c"])
async def test_a_hostile_id_stays_one_segment(hostile):
    async with Sandbox() as sandbox, AIShootSession(sandbox.token, base_url=sandbox.url) as session:
        sandbox.insert_sku(sku_id=hostile)
        assert (await session.skus.edit(hostile, name="Found")).name == "Found"
        await session.skus.delete(hostile)
        assert len(sandbox.skus()) == 12
        path = sandbox.requests[-1].path.removeprefix("/ai-shoot/skus/")
        assert path.isascii()
        assert not set("/;?#") & set(path)


ECHOES = {
    "a message": status(400, body=json.dumps({"error": TOKEN, "message": f"bad token {TOKEN}!"}).encode()),
    "a page": status(500, body=f"<html>{TOKEN * 50}</html>".encode()),
    "a key": always(json.dumps({TOKEN: 1, "a": [], "b": []}).encode()),
    "an item": always(json.dumps({"entries": [{TOKEN: TOKEN}]}).encode()),
    "a request id": status(403, {"X-Request-Id": f"id-{TOKEN}", "X-Other": TOKEN}),
    "a redirect": status(307, {"Location": f"https://elsewhere.example/?{TOKEN}"}),
    "the end of a long body": always(b"x" * 2030 + TOKEN.encode() * 3),
}


@pytest.mark.parametrize("where", ECHOES)
async def test_a_token_that_a_server_echoes_is_never_shown(where, caplog):
    caplog.set_level(logging.DEBUG)
    async with RawServer(ECHOES[where]) as server, session_for(server) as session:
        for call in (
            session.skus.list_global,
            lambda: session.skus.create(NEW),
            lambda: anext(session.skus.list().walk()),
        ):
            with pytest.raises(AIShootError) as caught:
                await call()
            error = caught.value
            seen = [repr(error), str(error), repr(vars(error)), repr(pickle.loads(pickle.dumps(error)))]
            link = error
            while link is not None:
                report = traceback.TracebackException.from_exception(link, capture_locals=True)
                ours = [frame for frame in report.stack if "aishoot_async" in frame.filename]
                seen += [repr(link), *(repr(frame.locals) for frame in ours)]
                link = link.__context__ or link.__cause__
            shown = [text for text in seen if TOKEN[:12] in text]
            assert shown == []
    assert TOKEN[:12] not in caplog.text
    assert TOKEN not in repr(session)


class Notes:
    """A hook that remembers, and fails now and then."""

    def __init__(self):
        self.moments = []

    def before_attempt(self, event):
        self.moments.append(("before", event.number, event.attempt))

    def after_attempt(self, event):
        self.moments.append(("after", event.number, event.attempt.status))
        raise ZeroDivisionError

    def retrying(self, event):
        self.moments.append(("retrying", event.number, event.attempt.status))


async def test_hooks_hear_of_each_attempt_and_cannot_break_the_call(caplog):
    notes = Notes()
    handler = in_turn(status(503, {"X-Request-Id": "one"}), always(EMPTY))
    async with RawServer(handler) as server, session_for(server, hooks=[notes]) as session:
        assert await session.skus.list_global() == []
    assert notes.moments == [
        ("before", 1, None),
        ("after", 1, 503),
        ("retrying", 1, 503),
        ("before", 2, None),
        ("after", 2, 200),
    ]
    assert len(caplog.records) == 2
