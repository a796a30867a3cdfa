"""A login is renewed when it must be, once, and by whoever shares it."""

import asyncio
import math
import os
import time
from pathlib import Path

import pytest

from aishoot_async import (
    AIShootSession,
    AuthenticationError,
    AuthError,
    ConfigurationError,
    CredentialFile,
    LoginRejectedError,
    LoginRequiredError,
    RefreshToken,
    SkuCreate,
    WrongLoopError,
)
from aishoot_async.auth._disk import Replacement, locked
from aishoot_async.sandbox import Delay, ExpireToken, Fault, Status, ThreadedSandbox
from auth.conftest import STRICT
from helpers.official import official_read, official_write
from helpers.raw_server import RawServer, always
from helpers.sessions import session_for
from helpers.shown import everything, leaked

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
        await asyncio.wait([source._keeper._flight])
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
            if source._keeper._flight is not None:
                await asyncio.wait([source._keeper._flight])
        assert sandbox.calls["refresh"] == 2  # one renewal, tried once more; then it pauses
        assert "ahead of its end" in caplog.text
        sandbox.clear_faults()
        clock.now += 50
        await source.token()
        await asyncio.wait([source._keeper._flight])
        assert await source.token() != sandbox.token


async def test_a_login_that_has_ended_serves_as_long_as_its_token_is_good(sandbox, source) -> None:
    clock = Clock(source)
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        official_write(source.path, sandbox.token, "revoked-elsewhere")
        for seconds in (DAY - 100, 60, 20):
            clock.now += seconds
            await session.skus.list_global()
            if source._keeper._flight is not None:
                await asyncio.wait([source._keeper._flight])
        clock.now += 30
        for _ in range(3):
            with pytest.raises(LoginRejectedError, match="aishoot login"):
                await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1, "a dead refresh token is not sent again"


@pytest.mark.parametrize("wrong_by", [-DAY, DAY, -30 * DAY])
async def test_a_clock_that_is_wrong_by_a_day_costs_one_refresh_at_most(sandbox, source, wrong_by) -> None:
    # The file was written by a clock that was right, and is read by one that is not.
    source._clock = lambda: time.time() + wrong_by
    async with session_for(sandbox, source) as session:
        for _ in range(20):
            await session.skus.list_global()
        assert sandbox.calls["refresh"] == (1 if wrong_by > 0 else 0)
        sandbox.expire_tokens()
        await session.skus.list_global()
    again = CredentialFile(source.path)
    again._clock = source._clock
    async with session_for(sandbox, again) as session:
        for _ in range(20):
            await session.skus.list_global()
    assert sandbox.calls["refresh"] <= 3


@pytest.mark.parametrize(("expires_at", "age"), [(0, 0), (10**13, 0), (None, 3 * DAY), (10**13, -3 * DAY)])
async def test_times_in_the_file_that_make_no_sense(sandbox, source, expires_at, age) -> None:
    text = source.path.read_text().replace(
        str(official_read(source.path).expires_at), "null" if expires_at is None else str(expires_at)
    )
    source.path.write_text(text)
    os.utime(source.path, (time.time() - age,) * 2)
    async with session_for(sandbox, source) as session:
        for _ in range(10):
            await session.skus.list_global()
    assert sandbox.calls["refresh"] <= 1
    assert {request.status for request in sandbox.requests} == {200}


async def test_a_file_of_the_official_client_is_read_renewed_and_read_back(sandbox, source) -> None:
    before = official_read(source.path)
    source.path.chmod(0o644)
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        after = official_read(source.path)
        assert after.access_token == await source.token() != before.access_token
    assert after.refresh_token != before.refresh_token
    assert (after.scope, after.token_type, after.expires_in) == ("offline_access", "Bearer", DAY)
    assert abs(after.expires_at - time.time() - DAY) < 60
    assert source.path.stat().st_mode & 0o777 == 0o600


async def test_what_another_process_has_renewed_is_taken(sandbox, source) -> None:
    other = CredentialFile(source.path)
    async with session_for(sandbox, source) as session, session_for(sandbox, other) as elsewhere:
        await asyncio.gather(session.skus.list_global(), elsewhere.skus.list_global())
        sandbox.expire_tokens()
        await asyncio.gather(session.skus.list_global(), elsewhere.skus.list_global())
        assert await source.token() == await other.token()
    assert sandbox.calls["refresh"] == 1


async def test_the_official_client_knows_no_lock(sandbox, source) -> None:
    """It renews the login while our request is on its way: ours is refused, and its tokens are taken."""

    async def handle(request, connection):
        if request.target != "/oauth/token":
            await connection.answer(b"[]", 401 if "at-1" in request.headers["authorization"] else 200)
            return
        official_write(source.path, "at-theirs", "rt-theirs")
        await connection.answer(b'{"error":"invalid_grant"}', 403)

    official_write(source.path, "at-1", "rt-1")
    async with RawServer(handle) as server, session_for(server, source) as session:
        await session.skus.list_global()
        assert await source.token() == "at-theirs"


async def test_a_new_login_in_the_file_is_found_by_a_process_that_runs(sandbox, source) -> None:
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        official_write(source.path, sandbox.token, "revoked")
        sandbox.expire_tokens()
        with pytest.raises(LoginRejectedError):
            await session.skus.list_global()
        source.path.unlink()
        with pytest.raises(LoginRequiredError):
            await session.skus.list_global()
        official_write(source.path, sandbox.issue_token(), "rt")
        await session.skus.list_global()


async def test_an_old_file_that_comes_back_is_renewed_once(sandbox, source) -> None:
    """A backup: its access token was refused before, its refresh token is good still."""
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        sandbox.expire_tokens()
        official_write(source.path, sandbox.issue_token(), sandbox.refresh_token)
        await session.skus.list_global()
        official_write(source.path, sandbox.token, sandbox.refresh_token)
        sandbox.expire_tokens()
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1


async def test_without_a_refresh_token_it_ends_with_its_access_token(sandbox, source) -> None:
    official_write(source.path, sandbox.token, "")
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        sandbox.expire_tokens()
        with pytest.raises(LoginRequiredError, match="no refresh token"):
            await session.skus.list_global()


async def test_without_an_access_token_it_begins_with_a_refresh(sandbox, source) -> None:
    official_write(source.path, "", sandbox.refresh_token)
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_one_source_in_two_sessions(sandbox, file, kind) -> None:
    source = CredentialFile(file) if kind == "file" else RefreshToken(sandbox.refresh_token)
    async with session_for(sandbox, source) as two:
        async with session_for(sandbox, source) as one:
            await asyncio.gather(*(session.skus.list_global() for session in (one, two) * 10))
            so_far = sandbox.calls["refresh"]
            sandbox.expire_tokens()
            await asyncio.gather(*(session.skus.list_global() for session in (one, two) * 10))
            assert sandbox.calls["refresh"] == so_far + 1
        sandbox.expire_tokens()
        await two.skus.list_global()
    assert sandbox.calls["refresh"] == so_far + 2


async def test_a_session_that_closes_takes_no_other_along(sandbox, source) -> None:
    """The first one's refresh waits for the lock when it closes; the second one's call waits for that refresh."""
    one, two = session_for(sandbox, source), session_for(sandbox, source)
    async with two:
        await asyncio.gather(one.skus.list_global(), two.skus.list_global())
        sandbox.expire_tokens()
        begun, renew = asyncio.Event(), source._keeper._renew

        def begin(need):
            begun.set()
            return renew(need)

        source._keeper._renew = begin
        async with locked(source.path):
            mine = asyncio.create_task(one.skus.list_global())
            await sandbox.wait_for_calls(3, "list_global_skus")
            await begun.wait()
            theirs = asyncio.create_task(two.skus.list_global())
            for _ in range(10):
                await asyncio.sleep(0)  # until it waits, too
            await one.aclose()
            await asyncio.wait([mine])
        await theirs
    assert type(mine.exception()).__name__ == "SessionClosedError"
    assert sandbox.calls["refresh"] == 1


async def test_on_another_loop_it_says_so(sandbox, source) -> None:
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()

        async def elsewhere() -> None:
            async with AIShootSession(source, base_url=sandbox.url, auth_url=sandbox.url) as other:
                with pytest.raises(WrongLoopError, match="source of tokens"):
                    await other.skus.list_global()

        await asyncio.to_thread(asyncio.run, elsewhere())


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_on_one_loop_after_another_it_works(tmp_path: Path, kind: str) -> None:
    with ThreadedSandbox(**STRICT) as sandbox:
        official_write(tmp_path / "c.json", sandbox.token, sandbox.refresh_token)
        source = CredentialFile(tmp_path / "c.json") if kind == "file" else RefreshToken(sandbox.refresh_token)

        async def use() -> None:
            async with session_for(sandbox, source) as session:
                await session.skus.list_global()

        for _ in range(3):
            asyncio.run(use())
            sandbox.expire_tokens()


@pytest.mark.parametrize("source", [RefreshToken("rt"), CredentialFile("x.json")])
async def test_before_it_is_given_to_a_session_it_says_so(source) -> None:
    with pytest.raises(ConfigurationError, match="AIShootSession"):
        await source.token()


@pytest.mark.parametrize("token", ["", "two\nlines", None, 7])
def test_what_is_no_refresh_token(token) -> None:
    with pytest.raises(ConfigurationError):
        RefreshToken(token)


async def test_a_user_s_own_source_is_asked_and_told(sandbox) -> None:
    class Own:
        def __init__(self) -> None:
            self.asked: list[str | None] = []

        async def token(self, rejected: str | None = None) -> str:
            self.asked.append(rejected)
            return "stale" if rejected is None else sandbox.token

    source = Own()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
    assert source.asked == [None, "stale"]


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


async def test_the_read_only_folder_is_found_out_before_a_token_is_used_up(sandbox, source) -> None:
    sandbox.expire_tokens()
    (source.path.parent / "credentials.json.lock").mkdir()  # nothing can be locked there
    async with session_for(sandbox, source) as session:
        with pytest.raises(AuthError, match="cannot be locked"):
            await session.skus.list_global()
    assert sandbox.calls["refresh"] == 0
    assert math.isfinite(official_read(source.path).expires_at)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
async def test_a_full_disk_is_found_out_before_a_token_is_used_up(sandbox, source, monkeypatch) -> None:
    real = os.open

    def full(path, *rest):
        return real("/dev/full", os.O_WRONLY) if str(path).endswith(".tmp") else real(path, *rest)

    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        monkeypatch.setattr(os, "open", full)
        with pytest.raises(AuthError, match="No space left"):
            await session.skus.list_global()
        assert sandbox.calls["refresh"] == 0
        monkeypatch.setattr(os, "open", real)
        await session.skus.list_global()


async def test_what_could_not_be_written_is_written_before_it_is_used(sandbox, source, monkeypatch) -> None:
    def broken(self, credentials) -> None:
        msg = "the disk has died"
        raise AuthError(msg)

    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        with monkeypatch.context() as patch:
            patch.setattr(Replacement, "commit", broken)
            for _ in range(2):
                with pytest.raises(AuthError, match="the disk has died"):
                    await session.skus.list_global()
        assert sandbox.calls["refresh"] == 1
        assert official_read(source.path).access_token == sandbox.token
        await session.skus.list_global()
        assert official_read(source.path).access_token == await source.token() != sandbox.token
        sandbox.expire_tokens()
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 2


async def test_a_newer_login_goes_before_what_could_not_be_written(sandbox, source, monkeypatch) -> None:
    def broken(self, credentials) -> None:
        msg = "the disk has died"
        raise AuthError(msg)

    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        with monkeypatch.context() as patch:
            patch.setattr(Replacement, "commit", broken)
            with pytest.raises(AuthError, match="the disk has died"):
                await session.skus.list_global()
        newer = sandbox.issue_token()
        official_write(source.path, newer, "rt")
        await session.skus.list_global()
        assert await source.token() == newer


async def test_each_who_waits_gets_an_error_of_his_own(sandbox, source) -> None:
    stale, revoked = "stale-0123456789abcdef", "revoked-0123456789abcdef"
    official_write(source.path, stale, revoked)
    async with session_for(sandbox, source) as session:
        calls = [asyncio.create_task(session.skus.list_global()) for _ in range(5)]
        await asyncio.wait(calls)
    errors = [call.exception() for call in calls]
    assert {type(error) for error in errors} == {LoginRejectedError}
    assert len({id(error) for error in errors}) == 5
    assert leaked("".join(map(everything, errors)), stale, revoked) == []
    assert sandbox.calls["refresh"] == 1
