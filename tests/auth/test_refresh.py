"""A login is renewed when it must be, and once."""

import asyncio

import pytest

from aishoot_async import (
    AuthenticationError,
    ConfigurationError,
    CredentialFile,
    LoginRejectedError,
    RefreshToken,
    SkuCreate,
)
from aishoot_async.sandbox import Delay, ExpireToken, Fault, Status
from helpers.official import official_write
from helpers.raw_server import RawServer, always
from helpers.sessions import session_for

pytestmark = pytest.mark.anyio
DAY = 86_400


class Clock:
    """A monotonic clock that a test winds on."""

    def __init__(self, source) -> None:
        self.now = 1000.0
        source._keeper._clock = lambda: self.now


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_a_walk_goes_on_with_the_new_token_at_the_page_where_it_stood(sandbox, file, kind) -> None:
    source = CredentialFile(file) if kind == "file" else RefreshToken(sandbox.refresh_token)
    sandbox.add_fault(Fault(ExpireToken(), operation="brief_results", page=2, times=1))
    async with session_for(sandbox, source) as session:
        pager = session.briefs.results(1, page_size=50, prefetch=1)
        ids = [result.id async for result in pager]
    assert len(set(ids)) == len(ids) == 250
    assert pager.report.complete
    assert sandbox.calls["refresh"] == (1 if kind == "file" else 2)
    pages = [request.query["page"] for request in sandbox.requests if request.operation == "brief_results"]
    assert pages.count("2") == 2
    assert pages.count("1") == 1


async def test_a_hundred_calls_share_one_refresh(sandbox, source) -> None:
    async with session_for(sandbox, source) as session:
        for expiry in range(1, 4):
            sandbox.expire_tokens()
            await asyncio.gather(*(session.skus.list_global() for _ in range(100)))
            assert sandbox.calls["refresh"] == expiry


async def test_a_create_after_a_refused_token_is_made_once(sandbox, source) -> None:
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        made = await session.skus.create(SkuCreate(name="n", front_image="f"))
    assert [sku["id"] for sku in sandbox.skus()].count(made.id) == 1
    assert (sandbox.calls["create_sku"], sandbox.calls["refresh"]) == (2, 1)


async def test_once_for_a_refused_token_and_then_there_is_no_other() -> None:
    async def handle(request, connection):
        if request.target == "/oauth/token":
            await connection.answer(b'{"access_token":"the-only-one","expires_in":86400}')
        else:
            await connection.answer(b"{}", 401)

    async with RawServer(handle) as server, session_for(server, RefreshToken("rt")) as session:
        for _ in range(5):
            with pytest.raises(AuthenticationError):
                await session.skus.list_global()
        asked = [request.target for request in server.requests]
    assert asked.count("/oauth/token") == 2
    assert asked.count("/ai-shoot/skus/global") == 5


async def test_a_refusal_that_comes_late_renews_nothing(sandbox, source) -> None:
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        old = sandbox.token
        sandbox.expire_tokens()
        new = await source.token(old)
        assert [await source.token(text) for text in (old, None, old, "never-given")] == [new] * 4
        assert sandbox.calls["refresh"] == 1
        assert await source.token(new) != new


async def test_it_is_renewed_beside_the_calls_ahead_of_its_end(sandbox, source) -> None:
    clock = Clock(source)
    sandbox.add_fault(Fault(Delay(0.05), operation="refresh"))
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        clock.now += DAY - 601
        await session.skus.list_global()
        assert sandbox.calls["refresh"] == 0
        clock.now += 400
        assert await source.token() == sandbox.token  # the old one, without waiting
        await source._keeper._renewing.drain()
        assert await source.token() != sandbox.token
        assert sandbox.calls["refresh"] == 1


async def test_at_its_end_calls_wait_for_a_new_one(sandbox, source) -> None:
    clock = Clock(source)
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        clock.now += DAY + 1
        sandbox.expire_tokens()
        await asyncio.gather(*(session.skus.list_global() for _ in range(20)))
        # Nothing had to be refused first.
        assert {request.status for request in sandbox.requests} == {200}
        assert sandbox.calls["refresh"] == 1


async def test_while_a_token_is_good_an_auth_server_that_is_away_does_not_matter(sandbox, source, caplog) -> None:
    clock = Clock(source)
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        clock.now += DAY - 100
        sandbox.add_fault(Fault(Status(503), operation="refresh"))
        for _ in range(5):
            await session.skus.list_global()
            await source._keeper._renewing.drain()
        assert sandbox.calls["refresh"] == 2  # one renewal, tried once more; then it pauses
        assert "ahead of its end" in caplog.text
        sandbox.clear_faults()
        clock.now += 50
        await source.token()
        await source._keeper._renewing.drain()
        assert await source.token() != sandbox.token


async def test_a_login_that_has_ended_serves_as_long_as_its_token_is_good(sandbox, source) -> None:
    clock = Clock(source)
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        official_write(source.path, sandbox.token, "revoked-elsewhere")
        for seconds in (DAY - 100, 60, 20):
            clock.now += seconds
            await session.skus.list_global()
            await source._keeper._renewing.drain()
        clock.now += 30
        for _ in range(3):
            with pytest.raises(LoginRejectedError, match="aishoot login"):
                await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1, "a dead refresh token is not sent again"


@pytest.mark.parametrize("token", ["", "two\nlines", None, 7])
def test_what_is_no_refresh_token(token) -> None:
    with pytest.raises(ConfigurationError):
        RefreshToken(token)


async def test_nothing_but_the_token_endpoint_sees_the_refresh_token(sandbox, source) -> None:
    secret = sandbox.refresh_token
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
    for request in sandbox.requests:
        shown = repr((request.path, dict(request.query), dict(request.headers), request.body))
        assert (secret in shown) is (request.operation == "refresh")
        assert (request.token is None) is (request.operation == "refresh")


async def test_a_token_without_a_known_life_is_used_until_it_is_refused() -> None:
    async with RawServer(always(b"[]")) as server, session_for(server, RefreshToken("rt")) as session:
        server.handler = answer_tokens(b'{"access_token":"at-1"}')
        for _ in range(3):
            await session.skus.list_global()
        assert [request.target for request in server.requests].count("/oauth/token") == 1


def answer_tokens(body: bytes):
    async def handle(request, connection):
        await connection.answer(body if request.target == "/oauth/token" else b"[]")

    return handle
