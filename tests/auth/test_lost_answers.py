"""A refresh whose answer is lost, is garbage, or leads elsewhere: once more with the same token, or a clear error."""

import logging
import pickle

import pytest

import aishoot_async.auth._server as server_module
from aishoot_async import (
    AIShootSession,
    AuthError,
    CallTimeoutError,
    ConnectError,
    CredentialFile,
    LoginRejectedError,
    RateLimitedError,
    RefreshToken,
    ServerError,
    SkuCreate,
    Timeouts,
    TransportError,
    UnexpectedResponseError,
)
from aishoot_async.sandbox import CutBody, Delay, DropAfter, DropBefore, Fault, Html, RawBody, Sandbox, SlowDrip, Status
from helpers.official import official_write
from helpers.raw_server import RawServer, drop, hang, in_turn
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio
OLD, NEW = "rt-old.0123456789abcdef_OLD", "rt-new.0123456789abcdef_NEW"
ACCESS = "at-new.0123456789abcdef_ACCESS"
GARBAGE = f'{{"access_token":"{ACCESS}","refresh_token":"{NEW}","expires_in":864'.encode()
TOKENS = b'{"access_token":"%b","refresh_token":"%b","expires_in":86400}' % (ACCESS.encode(), NEW.encode())
LOST = {
    "dropped before": (DropBefore(), TransportError),
    "dropped after": (DropAfter(), TransportError),
    "reset": (DropAfter(reset=True), TransportError),
    "cut": (CutBody(10), TransportError),
    "500": (Status(500, after_effect=True), ServerError),
    "503 html": (Status(503, html=True), ServerError),
    "html": (Html(200), UnexpectedResponseError),
    "nothing": (RawBody(b""), UnexpectedResponseError),
    "garbage": (RawBody(GARBAGE), UnexpectedResponseError),
    "no token": (RawBody(b'{"expires_in":1}'), UnexpectedResponseError),
}
OTHERWISE = {
    "redirect": (Status(307), AuthError),
    "not found": (Status(404), AuthError),
    "html 400": (Html(400), AuthError),
    "too many": (Status(429), RateLimitedError),
    "invalid grant": (RawBody(b'{"error":"invalid_grant"}', status=403), LoginRejectedError),
    "access denied": (RawBody(b'{"error":"access_denied"}', status=400), LoginRejectedError),
    "invalid client": (RawBody(b'{"error":"invalid_client"}', status=401), AuthError),
}
CALLS = {
    "read": lambda session: session.skus.list_global(),
    "walk": lambda session: session.briefs.results(1).collect(),
    "create": lambda session: session.skus.create(SkuCreate(name="n", front_image="f")),
}


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_a_lost_answer_is_asked_for_once_more(tmp_path, fault, kind) -> None:
    async with Sandbox(refresh_token_overlap=30, rotate_refresh_tokens=True) as sandbox:
        official_write(tmp_path / "c.json", sandbox.token, sandbox.refresh_token)
        source = CredentialFile(tmp_path / "c.json") if kind == "file" else RefreshToken(sandbox.refresh_token)
        sandbox.expire_tokens()
        sandbox.add_fault(Fault(LOST[fault][0], operation="refresh", times=1))
        async with session_for(sandbox, source) as session:
            await session.skus.list_global()
        assert sandbox.calls["refresh"] == 2
        sent = [request.body for request in sandbox.requests if request.operation == "refresh"]
        assert sent[0] == sent[1]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("call", CALLS)
async def test_lost_twice_is_a_typed_error_and_no_create_is_in_doubt(fault, call) -> None:
    action, kind = LOST[fault]
    async with Sandbox(faults=[Fault(action, operation="refresh")], refresh_token_overlap=30) as sandbox:
        async with session_for(sandbox, RefreshToken(sandbox.refresh_token)) as session:
            with pytest.raises(kind) as caught:
                await CALLS[call](session)
        assert sandbox.calls["refresh"] == 2
        assert sandbox.calls["create_sku"] == 0
        assert leaked(everything(caught.value), sandbox.refresh_token, ACCESS, NEW) == []
        assert getattr(caught.value, "body", b"") == b""
        assert getattr(caught.value, "maybe_sent", False) is False
        assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("fault", OTHERWISE)
@pytest.mark.parametrize("call", CALLS)
async def test_an_answer_that_is_one_is_not_asked_for_again(fault, call) -> None:
    action, kind = OTHERWISE[fault]
    async with Sandbox(faults=[Fault(action, operation="refresh")]) as sandbox:
        async with session_for(sandbox, RefreshToken(sandbox.refresh_token)) as session:
            with pytest.raises(AuthError if kind is not RateLimitedError else kind) as caught:
                await CALLS[call](session)
        assert type(caught.value) is kind
        assert sandbox.calls["refresh"] == 1
        if kind is LoginRejectedError:
            assert "aishoot login" in str(caught.value)


async def test_the_answer_of_a_rotation_that_was_lost_for_good_says_what_happened(sandbox, source) -> None:
    sandbox.expire_tokens()
    sandbox.add_fault(Fault(DropAfter(), operation="refresh", times=1))
    async with session_for(sandbox, source) as session:
        with pytest.raises(LoginRejectedError, match="an answer was lost on its way"):
            await session.skus.list_global()


async def test_a_refresh_has_deadlines_of_its_own(sandbox, source) -> None:
    sandbox.expire_tokens()
    sandbox.add_fault(Fault(Delay(30), operation="refresh", times=1))
    async with session_for(sandbox, source, timeouts=Timeouts(read=2)) as session:
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 2


async def test_a_server_that_never_answers() -> None:
    async with RawServer(hang) as server:
        async with session_for(server, RefreshToken(OLD), timeouts=Timeouts(read=0.05)) as session:
            with pytest.raises(CallTimeoutError, match="auth server") as caught:
                await session.skus.list_global()
        assert len(server.requests) == 2
    assert leaked(everything(caught.value), OLD) == []


async def test_an_answer_that_drips_for_ever(sandbox, source, monkeypatch) -> None:
    monkeypatch.setattr(server_module, "SECONDS", 0.1)
    sandbox.expire_tokens()
    sandbox.add_fault(Fault(SlowDrip(50), operation="refresh"))
    async with session_for(sandbox, source) as session:
        with pytest.raises(CallTimeoutError, match="no answer from the auth server within"):
            await session.skus.list_global()


async def test_a_server_that_is_not_there(sandbox) -> None:
    async with RawServer(hang) as gone:
        pass
    async with AIShootSession(RefreshToken(OLD), base_url=sandbox.url, auth_url=gone.url) as session:
        with pytest.raises(ConnectError, match="auth server"):
            await session.skus.list_global()
    assert sandbox.calls.total() == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_token_follows_a_redirect(status: int) -> None:
    async with RawServer(hang) as elsewhere:

        async def away(_, connection):
            await connection.answer(b"", status, {"Location": f"{elsewhere.url}/oauth/token"})

        async with RawServer(away) as server, session_for(server, RefreshToken(OLD)) as session:
            with pytest.raises(AuthError, match=f"{status}, a redirect"):
                await session.skus.list_global()
        assert len(server.requests) == 1
        assert elsewhere.requests == []


# Each makes an answer of the tokens that go to and fro.
ECHOES = {
    "reason": lambda token: b"HTTP/1.1 500 " + token + b"\r\nContent-Length: 0\r\n\r\n",
    "status line": lambda token: token + b"\r\n\r\n",
    "header": lambda token: b"HTTP/1.1 503 No\r\nX-Request-Id: " + token + b"\r\nContent-Length: 0\r\n\r\n",
    "location": lambda token: b"HTTP/1.1 307 No\r\nLocation: /?" + token + b"\r\nContent-Length: 0\r\n\r\n",
    "encoding": lambda token: b"HTTP/1.1 200 OK\r\nContent-Encoding: " + token + b"\r\nContent-Length: 0\r\n\r\n",
    "html": lambda token: said(200, b"<p>" + token),
    "html 400": lambda token: said(400, b"<p>" + token),
    "error": lambda token: said(400, b'{"error":"' + token + b'"}'),
    "description": lambda token: said(403, b'{"error":"invalid_grant","error_description":"' + token + b'"}'),
    "platform's error": lambda token: said(500, b'{"error":"' + token + b'","message":"' + token + b'"}'),
    "key": lambda token: said(200, b'{"' + token + b'":1}'),
    "key twice": lambda token: said(200, b'{"' + token + b'":1,"' + token + b'":1}'),
    "bad access token": lambda token: said(200, b'{"access_token":"' + token + b' x"}'),
    "bad refresh token": lambda token: said(200, b'{"refresh_token":"' + token + b' x"}'),
    "bad type": lambda token: said(200, b'{"access_token":"' + token + b'","token_type":"mac"}'),
    "cut": lambda token: b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + token,
    "chunk": lambda token: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + token + b"\r\n",
}


def said(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize(("token", "kind"), [(OLD, "file"), (NEW, "memory")])
async def test_an_auth_server_that_shows_tokens_is_not_repeated(tmp_path, caplog, echo, token, kind) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "c.json").write_text(f'{{"access_token":"", "refresh_token":"{OLD}"}}')
    source = CredentialFile(tmp_path / "c.json") if kind == "file" else RefreshToken(OLD)

    async def handle(_, connection) -> None:
        await connection.send(ECHOES[echo](token.encode()))
        await connection.close()

    async with RawServer(handle) as server, session_for(server, source) as session:
        for call in CALLS.values():
            with pytest.raises((AuthError, ServerError, TransportError, UnexpectedResponseError)) as caught:
                await call(session)
            again = pickle.loads(pickle.dumps(caught.value))
            assert leaked(everything(caught.value) + everything(again), OLD, NEW) == []
        assert leaked(repr([source, vars(source), vars(source._keeper), vars(session)]), OLD, NEW) == []
    assert leaked("".join(record.getMessage() + repr(vars(record)) for record in caplog.records), OLD, NEW) == []


async def test_after_a_fault_that_passes_the_next_call_works() -> None:
    async def tokens(_, connection) -> None:
        await connection.answer(TOKENS)

    async def empty(_, connection) -> None:
        await connection.answer(b"[]")

    handler = in_turn(drop, drop, drop, tokens, empty)
    async with RawServer(handler) as server, session_for(server, RefreshToken(OLD)) as session:
        with pytest.raises(TransportError):
            await session.skus.list_global()
        await session.skus.list_global()
    assert len(server.requests) == 5
