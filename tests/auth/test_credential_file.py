"""The login in a file: renewed once for all who share it, whatever its times say, and whoever else writes it."""

import asyncio
import math
import os
import time
from pathlib import Path

import pytest

from aishoot_async import (
    AuthError,
    CredentialFile,
    LoginRejectedError,
    LoginRequiredError,
)
from aishoot_async.auth._writing import Replacement
from aishoot_async.sandbox import Fault, RawBody
from auth.test_refresh import Clock
from helpers.official import official_read, official_write
from helpers.raw_server import RawServer
from helpers.sessions import session_for
from helpers.shown import leaked

pytestmark = pytest.mark.anyio
DAY = 86_400


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


async def test_a_lock_that_cannot_be_had_is_found_out_before_a_token_is_used_up(sandbox, source) -> None:
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


@pytest.fixture
def broken(monkeypatch):
    """A disk that dies while the new login is on its way, and comes back when this is undone."""

    def commit(self, credentials) -> None:
        msg = "the disk has died"
        raise AuthError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(Replacement, "commit", commit)
        yield patch


async def settle(source) -> None:
    """Wait until what is renewed beside the calls has come to its end."""
    await source._keeper._renewing.drain()


async def test_what_could_not_be_written_is_used_and_written_later(sandbox, source, broken, caplog) -> None:
    clock = Clock(source)
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        for _ in range(3):
            await session.skus.list_global()
            clock.now += 50
            await session.skus.list_global()
            await settle(source)
        assert sandbox.calls["refresh"] == 1
        assert official_read(source.path).access_token == sandbox.token
        [record] = caplog.records
        assert "kept in memory only" in record.getMessage()
        assert leaked(record.getMessage(), sandbox.refresh_token, await source.token()) == []
        broken.undo()
        clock.now += 50
        await session.skus.list_global()
        await settle(source)
        assert official_read(source.path).access_token == await source.token() != sandbox.token
        sandbox.expire_tokens()
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 2


@pytest.mark.parametrize("end", ["refused", "over", "lock lost", "file lost"])
async def test_a_login_in_memory_is_renewed_with_its_own_refresh_token(sandbox, source, broken, end) -> None:
    clock = Clock(source)
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        on_disk = official_read(source.path).refresh_token
        if end == "lock lost":
            source.path.with_name("credentials.json.lock").unlink()
            source.path.with_name("credentials.json.lock").mkdir()
        elif end == "file lost":
            source.path.unlink()
        for _ in range(3):
            if end == "over":
                clock.now += DAY + 1
            sandbox.expire_tokens()
            await session.skus.list_global()
            await settle(source)
        assert sandbox.calls["refresh"] == 4
        sent = [request.body for request in sandbox.requests if request.operation == "refresh"]
        assert len(set(sent)) == 4
        if end not in {"lock lost", "file lost"}:
            assert official_read(source.path).refresh_token == on_disk
            broken.undo()
            clock.now += 50
            await session.skus.list_global()
            await settle(source)
            assert official_read(source.path).access_token == await source.token()


async def test_a_login_in_memory_that_is_refused_ends_like_any_other(sandbox, source, broken) -> None:
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        sandbox.add_fault(Fault(RawBody(b'{"error":"invalid_grant"}', status=403), operation="refresh"))
        sandbox.expire_tokens()
        for _ in range(3):
            with pytest.raises(LoginRejectedError, match="aishoot login"):
                await session.skus.list_global()
        assert sandbox.calls["refresh"] == 2, "neither of the dead refresh tokens is sent again"


async def test_a_newer_login_goes_before_what_could_not_be_written(sandbox, source, broken) -> None:
    clock = Clock(source)
    sandbox.expire_tokens()
    async with session_for(sandbox, source) as session:
        await session.skus.list_global()
        broken.undo()
        newer = sandbox.issue_token()
        official_write(source.path, newer, "rt")
        clock.now += 50
        await session.skus.list_global()
        await settle(source)
        assert await source.token() == newer
