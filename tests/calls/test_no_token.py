"""No token ever, whatever a server makes of it.

promise 17: ``repr``, ``str``, tracebacks with their frames' variables, DEBUG logs, pickles show no token; every error
pickles, and comes back with the same attributes.
"""

import asyncio
import gc
import html
import itertools
import logging
import pathlib
import pickle
import traceback
import urllib.parse
from collections.abc import AsyncIterator

import pytest

import aishoot_async
from aishoot_async import (
    AIShootError,
    AIShootSession,
    PagingError,
    RetryPolicy,
    SkuCreate,
    SkuUpdate,
    StaticToken,
    Timeouts,
)
from aishoot_async.auth import Secret
from helpers.clock import LEAPING
from helpers.raw_server import RawRequest, RawServer, hang, reply
from helpers.sessions import QUICK, TOKEN, session_for
from helpers.sockets import free_port

pytestmark = pytest.mark.anyio
TESTS = str(pathlib.Path(__file__).parent.parent)


def said(request: RawRequest) -> str:
    return request.headers["authorization"]


def every_header(auth: str) -> bytes:
    names = ["X-Request-Id", "X-Correlation-Id", "X-Trace-Id", "CF-Ray", "Content-Type", "Retry-After", "Server", "Via"]
    return reply(b"", 500, dict.fromkeys([*names, "WWW-Authenticate", "Date", "Link", "Set-Cookie", "Location"], auth))


# Each makes an answer out of what the client sent.
ECHOES = {
    "every header": every_header,
    "every status": lambda auth: reply(b'{"message":"%b"}' % auth.encode(), next(STATUSES), reason=auth),
    "an id again and again": lambda auth: reply(b'{"entries":[{"id":"%b"}],"total":99}' % auth.encode()),
    "a total": lambda auth: reply(b'{"entries":[],"total":"%b"}' % auth.encode()),
    "a redirect": lambda auth: reply(b"", 307, {"Location": f"http://127.0.0.1:9/{urllib.parse.quote(auth)}"}),
    "html escapes": lambda auth: reply(html.escape(f"<'{auth}'>").encode(), 503),
    "a repr": lambda auth: reply(repr({"Authorization": auth.encode()}).encode(), 500),
    "reason": lambda auth: reply(b"", 500, reason=f"no {auth}"),
    "reason of a 400": lambda auth: reply(b"", 400, reason=f"no {auth}"),
    "request id": lambda auth: reply(b"", 404, {"X-Request-Id": "y" * 180 + auth}),
    "json error": lambda auth: reply(
        b'{"error":"%b","message":"%b","timestamp":"%b","path":"%b"}' % ((auth.encode(),) * 4), 422
    ),
    "long json error": lambda auth: reply(b'{"message":"%b%b"}' % (b"x" * 980, auth.encode()), 400),
    "json error with escapes": lambda auth: reply(
        b'{"message":"%b"}' % "".join(f"\\u{ord(letter):04x}" for letter in auth).encode(), 400
    ),
    "html error": lambda auth: reply(b"<html>%b</html>" % auth.encode(), 502),
    "html with 200": lambda auth: reply(b"<html>%b</html>" % auth.encode()),
    "cut at the excerpt": lambda auth: reply(b"<html>%b%b" % (b"x" * 2020, auth.encode())),
    "cut at the kept body": lambda auth: reply(b"%b%b" % (b"x" * 65_510, auth.encode()), 500),
    "location": lambda auth: reply(b"", 302, {"Location": f"https://example.invalid/?{urllib.parse.quote(auth)}"}),
    "json key": lambda auth: reply(b'{"%b":1}' % auth.encode()),
    "json key in a list": lambda auth: reply(b'[{"%b":1}]' % auth.encode()),
    "json keys twice": lambda auth: reply(b'{"%b":1,"%b":2}' % ((auth.encode(),) * 2)),
    "id": lambda auth: reply(b'{"id":"%b"}' % auth.encode()),
    "json text": lambda auth: reply(b'"%b"' % auth.encode()),
    "status line": lambda auth: auth.encode() + b"\r\n\r\n",
    "broken header": lambda auth: b"HTTP/1.1 200 Said\r\n" + auth.encode() + b"\r\n\r\n",
    "encoding": lambda auth: reply(b"[]", headers={"Content-Encoding": auth}),
    "gzip": lambda auth: reply(auth.encode(), headers={"Content-Encoding": "gzip"}),
    "retry after": lambda auth: reply(b"", 503, {"Retry-After": auth}),
    "length": lambda auth: reply(b"", headers={"Content-Length": auth}),
    "cut": lambda auth: reply(auth.encode(), headers={"Content-Length": "9999"}),
    "nothing": lambda _: b"",
    "chunk": lambda auth: b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n" + auth.encode() + b"\r\n",
}


STATUSES = itertools.cycle([400, 401, 403, 404, 409, 418, 422, 429, 500, 503])


def everything(error: BaseException) -> str:
    """Show an error, and all that hangs on it, in every way that a program could: the tests' own frames apart."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = ["".join(traceback.format_exception(error)), repr(error), str(error), repr(vars(error))]
    while report is not None:
        for frame in report.stack:
            if not frame.filename.startswith(TESTS):
                shown += [f"{name}={value}" for name, value in (frame.locals or {}).items()]
        report = report.__cause__ or report.__context__
    return "\n".join(shown)


def attributes(error: BaseException) -> dict[str, object]:
    """Give what an error holds; an error within it is given by its kind, its text and what it holds."""
    held = {name: attributes(value) if isinstance(value, Exception) else value for name, value in vars(error).items()}
    return {"kind": type(error), "args": error.args, **held}


def leaks(text: str) -> bool:
    # Half a token is one too; sixteen characters of it are what is looked for.
    quoted = urllib.parse.quote(TOKEN, safe="")
    return any(whole[at : at + 16] in text for whole in (TOKEN, quoted) for at in (0, len(whole) - 16))


def calls(session: AIShootSession):
    return {
        "list_global": session.skus.list_global(),
        "list": session.skus.list().collect(),
        "results": session.briefs.results(1).collect(),
        "create": session.skus.create(SkuCreate(name="n", front_image="f")),
        "update": session.skus.update("x", SkuUpdate(name="n", front_image="f")),
        "delete": session.skus.delete("x"),
        "get": session.skus.get("x"),
    }


WALKS = {"list", "results", "get"}


@pytest.fixture
async def talkative(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Let everything say everything: asyncio names each callback that it runs."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    yield
    loop.set_debug(False)


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.usefixtures("talkative")
async def test_a_server_that_echoes_the_token(echo: str, caplog: pytest.LogCaptureFixture) -> None:
    async def handle(request: RawRequest, connection) -> None:
        await connection.send(ECHOES[echo](said(request)))
        await connection.close()

    seen = 0
    async with RawServer(handle) as server, session_for(server) as session:
        for name, call in calls(session).items():
            if (name, echo) == ("results", "json key in a list"):
                call.close()  # such a result is right: its fields are not documented
                continue
            try:
                await call
            except AIShootError as error:
                seen += 1
                # The frames of a walk hold the rows, and a row that holds the token is data.
                frames = not (isinstance(error, PagingError) and name in WALKS)
                assert not leaks(everything(error) if frames else repr(error) + str(error) + repr(vars(error)))
                for chained in (error.__cause__, error.__context__):
                    assert chained is None or isinstance(chained, AIShootError), repr(chained)
                assert not leaks(pickle.dumps(error).decode("latin-1"))
                assert attributes(pickle.loads(pickle.dumps(error))) == attributes(error)
    assert seen >= 3, "the echo is no error"
    gc.collect()
    for record in caplog.records:
        assert not leaks(record.getMessage() + repr(record.__dict__))


async def test_nothing_shows_it_that_a_session_is_made_of() -> None:
    async with RawServer(lambda _, connection: connection.answer(b"[]")) as server, session_for(server) as session:
        await session.skus.list_global()
        parts = [session, session.skus, session.skus._caller, session._transport, session.skus._caller._tokens]
        for part in parts:
            assert TOKEN not in repr(part) + str(part)
            assert TOKEN not in repr(vars(part))


async def half(request: RawRequest, connection) -> None:
    await connection.send(reply(b"[]  ")[:-2])
    await connection.until_closed()


async def refuse(request: RawRequest, connection) -> None:
    await connection.answer(b"", 503, {"Retry-After": "100"})


@pytest.mark.parametrize("anyio_backend", [LEAPING])
@pytest.mark.parametrize("handler", [hang, half, refuse])
@pytest.mark.parametrize("way", ["cancel", "time-out", "deadline", "close"])
@pytest.mark.parametrize("name", ["list_global", "update"])
async def test_a_call_that_is_cut_off_shows_none(handler, way: str, name: str, anyio_backend: object) -> None:
    """Not even in aiohttp's frames, which hold the headers."""

    async def limited(session: AIShootSession) -> None:
        async with asyncio.timeout(20 if way == "time-out" else None):
            if name == "update":
                await session.skus.update("x", SkuUpdate(name="n", front_image="f"))
            await session.skus.list_global()

    settings = {"retry": RetryPolicy(backoff_max=100), "timeouts": Timeouts(call=50 if way == "deadline" else 1000)}
    async with RawServer(handler) as server, session_for(server, **settings) as session:
        task = asyncio.create_task(limited(session))
        await server.until_requests(1)
        await asyncio.sleep(0.005)
        if way == "cancel":
            task.cancel()
        if way == "close":
            await session.aclose()
        with pytest.raises((asyncio.CancelledError, TimeoutError, AIShootError)) as caught:
            await task
        assert not leaks(everything(caught.value))


async def test_what_cannot_be_sent_shows_none() -> None:
    async with AIShootSession(TOKEN, base_url=f"http://127.0.0.1:{free_port()}", retry=QUICK) as session:
        with pytest.raises(aishoot_async.ConnectError) as caught:
            await session.skus.list_global()
    assert not leaks(everything(caught.value))
    assert not leaks(pickle.dumps(caught.value).decode("latin-1"))


async def test_no_pickle_holds_a_session() -> None:
    async with RawServer(lambda _, connection: connection.answer(b"[]")) as server, session_for(server) as session:
        await session.skus.list_global()
        for part in (session, session.skus, session.skus.list(), StaticToken(TOKEN), Secret(TOKEN)):
            with pytest.raises(TypeError) as caught:
                pickle.dumps(part)
            assert not leaks(everything(caught.value))


async def test_a_source_that_gives_what_is_no_token() -> None:
    class Sloppy:
        async def token(self, rejected: str | None = None) -> str:
            return TOKEN + "\n"

    async with RawServer(never_called) as server, session_for(server, Sloppy()) as session:
        with pytest.raises(aishoot_async.ConfigurationError) as caught:
            await session.skus.list_global()
        assert not leaks(everything(caught.value))


async def never_called(_, __) -> None:
    raise AssertionError


async def test_a_setting_that_is_refused_shows_no_token() -> None:
    def make() -> None:
        AIShootSession(TOKEN, base_url="http://example.com")

    with pytest.raises(aishoot_async.ConfigurationError) as caught:
        make()
    assert not leaks(everything(caught.value))
