"""A refresh token in memory that rotates: whoever stores it is told before anything depends on it."""

import asyncio
import logging
import os

import pytest

import aishoot_async.auth._refresh_token as refresh_token_module
from aishoot_async import (
    AIShootSession,
    AuthError,
    ConfigurationError,
    LoginRejectedError,
    LoginRequiredError,
    RefreshToken,
)
from aishoot_async.sandbox import Sandbox
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio


async def test_it_is_awaited_before_the_new_token_is_first_used(sandbox) -> None:
    stored: list[str] = []
    allowed = asyncio.Event()
    called = asyncio.Event()

    async def store(token: str) -> None:
        called.set()
        await allowed.wait()
        stored.append(token)

    async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
        calls = [asyncio.create_task(session.skus.list_global()) for _ in range(10)]
        await called.wait()
        assert not any(call.done() for call in calls)
        assert dict(sandbox.calls) == {"refresh": 1}
        allowed.set()
        await asyncio.gather(*calls)
    assert len(stored) == 1
    async with session_for(sandbox, RefreshToken(stored[0], on_rotate=store)) as session:
        await session.skus.list_global()
    assert len(set(stored)) == 2


async def test_without_rotation_nothing_is_handed_on() -> None:
    async def store(_: str) -> None:
        pytest.fail("nothing has rotated")

    async with Sandbox() as sandbox:
        async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
            for _ in range(3):
                await session.skus.list_global()
                sandbox.expire_tokens()
        assert sandbox.calls["refresh"] == 3


async def test_an_error_in_it_loses_nothing(sandbox, caplog) -> None:
    handed: list[str] = []

    async def store(token: str) -> None:
        handed.append(token)
        if len(handed) < 3:
            msg = f"no room for {token}"
            raise OSError(msg)

    source = RefreshToken(sandbox.refresh_token, on_rotate=store)
    async with session_for(sandbox, source) as session:
        for _ in range(2):
            with pytest.raises(AuthError, match="on_rotate failed with OSError: no room for") as caught:
                await session.skus.list_global()
            assert leaked(everything(caught.value), handed[0]) == []
        await session.skus.list_global()
        assert sandbox.calls["refresh"] == 1
        assert len(set(handed)) == 1
        assert leaked(caplog.text, handed[0]) == []
        assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
        # And the token that it was told of is what the next refresh is made with.
        sandbox.expire_tokens()
        await session.skus.list_global()
        assert sandbox.calls["refresh"] == 2


async def test_one_that_takes_for_ever_is_an_error_in_it(sandbox, monkeypatch) -> None:
    monkeypatch.setattr(refresh_token_module, "SECONDS", 0.02)

    async def store(_: str) -> None:
        await asyncio.Event().wait()

    async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
        with pytest.raises(AuthError, match="TimeoutError"):
            await session.skus.list_global()


async def test_one_that_is_cancelled_from_within_takes_nobody_along(sandbox) -> None:
    first = True

    async def store(_: str) -> None:
        nonlocal first
        if first:
            first = False
            raise asyncio.CancelledError

    async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=store)) as session:
        with pytest.raises(AuthError, match="cut off"):
            await session.skus.list_global()
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1


async def test_a_refresh_token_that_is_refused_is_not_sent_again(sandbox) -> None:
    async with session_for(sandbox, RefreshToken("revoked")) as session:
        for _ in range(3):
            with pytest.raises(LoginRejectedError, match="aishoot login"):
                await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1


async def test_a_plain_function_will_do(sandbox) -> None:
    stored: list[str] = []
    async with session_for(sandbox, RefreshToken(sandbox.refresh_token, on_rotate=stored.append)) as session:
        await session.skus.list_global()
    assert len(stored) == 1


def test_what_cannot_be_called() -> None:
    with pytest.raises(ConfigurationError, match="on_rotate"):
        RefreshToken("rt", on_rotate="print")


async def test_a_rotated_variable_is_a_warning_once(sandbox, monkeypatch, caplog) -> None:
    monkeypatch.setenv("AUTORETOUCH_REFRESH_TOKEN", sandbox.refresh_token)
    async with session_for(sandbox, None) as session:
        for _ in range(4):
            await session.skus.list_global()
            sandbox.expire_tokens()
    assert sandbox.calls["refresh"] == 4
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "aishoot_async.auth")
    assert "AUTORETOUCH_REFRESH_TOKEN" in record.getMessage()
    assert leaked(record.getMessage(), os.environ["AUTORETOUCH_REFRESH_TOKEN"]) == []


@pytest.mark.parametrize("given", ["AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN", "file"])
async def test_the_order_in_which_a_session_looks(sandbox, file, monkeypatch, given) -> None:
    """Each is there together with all that come after it, and those would not work."""
    if given == "file":
        monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", str(file))
    else:
        file.write_text("not a login")
        monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", str(file))
        if given == "AISHOOT_TOKEN":
            monkeypatch.setenv("AUTORETOUCH_REFRESH_TOKEN", "wrong")
            monkeypatch.setenv("AISHOOT_TOKEN", sandbox.token)
        else:
            monkeypatch.setenv("AUTORETOUCH_REFRESH_TOKEN", sandbox.refresh_token)
    async with session_for(sandbox, None) as session:
        await session.skus.list_global()
    assert sandbox.calls["refresh"] == (given == "AUTORETOUCH_REFRESH_TOKEN")


async def test_it_is_looked_at_on_the_first_call_and_again_until_there_is_one(sandbox, file, monkeypatch) -> None:
    async with session_for(sandbox, None) as session:
        with pytest.raises(LoginRequiredError) as caught:
            await session.skus.list_global()
        for name in ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN", "autoretouch-credentials.json", "aishoot login"):
            assert name in str(caught.value)
        monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", str(file))
        await session.skus.list_global()
        monkeypatch.setenv("AISHOOT_TOKEN", "too late")
        await session.skus.list_global()


async def test_an_empty_variable_is_none(sandbox, file, monkeypatch) -> None:
    monkeypatch.setenv("AISHOOT_TOKEN", "")
    monkeypatch.setenv("AUTORETOUCH_REFRESH_TOKEN", "")
    monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", str(file))
    async with session_for(sandbox, None) as session:
        await session.skus.list_global()


async def test_a_variable_that_cannot_be_a_token(sandbox, monkeypatch) -> None:
    monkeypatch.setenv("AUTORETOUCH_REFRESH_TOKEN", "two\nlines")
    async with AIShootSession(base_url=sandbox.url, auth_url=sandbox.url) as session:
        with pytest.raises(ConfigurationError):
            await session.skus.list_global()
