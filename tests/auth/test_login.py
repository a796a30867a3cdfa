"""Logging in, out and looking, as an application does it, against the sandbox."""

import asyncio
import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aishoot_async import (
    AIShootSession,
    AuthError,
    ConfigurationError,
    ConnectError,
    CredentialFile,
    LoginRejectedError,
    LoginRequiredError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from aishoot_async.auth import DevicePrompt, login, logout, status
from aishoot_async.sandbox import DropBefore, Fault, Html, RawBody, Sandbox, Status
from helpers.official import official_read, official_write
from helpers.sessions import session_for
from helpers.shown import everything, leaked

pytestmark = pytest.mark.anyio
QUICK = {"device_interval": 0, "auto_approve_after": 1, "rotate_refresh_tokens": True}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "credentials.json"


async def test_a_login_is_kept_where_the_official_client_finds_it(path) -> None:
    prompts: list[DevicePrompt] = []
    async with Sandbox(**QUICK) as sandbox:
        source = await login(prompts.append, path, auth_url=sandbox.url)
        [prompt] = prompts
        assert prompt.user_code in prompt.verification_uri_complete
        assert prompt.expires_in == 900.0
        assert "device" not in repr(prompt)
        theirs = official_read(path)
        assert (theirs.scope, theirs.token_type, theirs.expires_in) == ("offline_access", "Bearer", 86_400)
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        async with session_for(sandbox, source) as session:
            await session.skus.list_global()
            sandbox.expire_tokens()
            await session.skus.list_global()
    assert sandbox.calls["refresh"] == 1
    assert source.path == path


async def test_the_environment_says_where(path, monkeypatch) -> None:
    async with Sandbox(**QUICK) as sandbox:
        monkeypatch.setenv("AUTORETOUCH_CREDENTIALS_PATH", str(path))
        monkeypatch.setenv("AISHOOT_AUTH_URL", sandbox.url)
        await login(prompt=lambda _: None)
        async with AIShootSession(base_url=sandbox.url) as session:
            await session.skus.list_global()
        assert await logout()
        with pytest.raises(LoginRequiredError):
            await status()


async def test_an_async_prompt_is_awaited_before_the_first_poll(path) -> None:
    async with Sandbox(**QUICK) as sandbox:

        async def show(prompt: DevicePrompt) -> None:
            await asyncio.sleep(0)
            assert sandbox.calls["token"] == 0
            sandbox.approve(prompt.user_code)

        await login(show, path, auth_url=sandbox.url)
        assert sandbox.calls["token"] == 1


async def test_a_login_that_is_denied(path) -> None:
    async with Sandbox(device_interval=0) as sandbox:
        with pytest.raises(LoginRejectedError, match="denied"):
            await login(lambda prompt: sandbox.deny(prompt.user_code), path, auth_url=sandbox.url)
    assert not path.exists()


@pytest.mark.parametrize("word", ["expired_token", "invalid_grant"])
@pytest.mark.parametrize("statuses", ["rfc", "auth0"])
async def test_a_code_that_the_server_calls_expired(path, word, statuses) -> None:
    now = [0.0]
    options = {"expired_device_error": word, "login_statuses": statuses, "device_interval": 0}
    async with Sandbox(clock=lambda: now[0], **options) as sandbox:

        def show(_: DevicePrompt) -> None:
            now[0] = 1000.0

        with pytest.raises(LoginRejectedError, match="in time"):
            await login(show, path, auth_url=sandbox.url)


async def test_passing_faults_while_it_polls(path) -> None:
    faults = [Fault(action, operation="token", at=at) for at, action in enumerate([DropBefore(), Html(200)], 1)]
    async with Sandbox(**QUICK, faults=faults) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
        assert sandbox.calls["token"] == 3


@pytest.mark.parametrize(
    ("action", "kind"),
    [(Status(500), ServerError), (Html(200), UnexpectedResponseError), (Status(404), AuthError)]
    + [(DropBefore(), TransportError), (RawBody(b'{"error":"invalid_client"}', status=401), AuthError)]
    + [
        (Status(307), AuthError),
        (RawBody(b'{"user_code":"SECRET-CODE-12345","device_code":"SECRET '), UnexpectedResponseError),
        (RawBody(b'{"user_code":"A","device_code":"SECRET-CODE-12345 "}'), UnexpectedResponseError),
    ],
)
async def test_an_auth_server_that_gives_no_code(path, action, kind) -> None:
    async with Sandbox(faults=[Fault(action, operation="device_code")]) as sandbox:
        with pytest.raises(kind) as caught:
            await login(lambda _: pytest.fail("there is no code"), path, auth_url=sandbox.url)
    assert leaked(everything(caught.value), "SECRET-CODE-12345") == []


async def test_no_auth_server_at_all(path) -> None:
    async with Sandbox() as sandbox:
        url = sandbox.url
    with pytest.raises(ConnectError):
        await login(lambda _: None, path, auth_url=url)


async def test_it_can_be_cancelled_while_it_waits(path) -> None:
    async with Sandbox(device_interval=0) as sandbox:
        task = asyncio.create_task(login(lambda _: None, path, auth_url=sandbox.url))
        await sandbox.wait_for_calls(3, "token")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [file.name for file in path.parent.iterdir()] == ["credentials.json.lock"]


@pytest.mark.parametrize("text", ["-----BEGIN OPENSSH PRIVATE KEY-----", '{"type": "service_account"}'])
async def test_a_file_that_is_something_else_is_not_written_over(path, text) -> None:
    path.parent.mkdir()
    path.write_text(text)
    async with Sandbox(**QUICK) as sandbox:
        with pytest.raises(AuthError, match="left alone"):
            await login(lambda _: pytest.fail("asked for nothing"), path, auth_url=sandbox.url)
        with pytest.raises(AuthError, match="left alone"):
            await logout(path, local=True, auth_url=sandbox.url)
        assert sandbox.calls.total() == 0
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["", '{\n    "access_token": "abc', "null-and-void"])
async def test_what_is_left_of_a_login_is_written_over(path, text) -> None:
    path.parent.mkdir()
    official_write(path, "old", "old")
    if text != "null-and-void":
        path.write_text(text)
    async with Sandbox(**QUICK) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
    assert official_read(path).refresh_token.startswith("sandbox-refresh")


async def test_of_an_old_login_only_what_others_added_stays(path) -> None:
    path.parent.mkdir()
    path.write_text('{"access_token": "old", "refresh_token": "old", "note": [1.0]}')
    answer = RawBody(b'{"access_token":"at-1"}')
    async with Sandbox(device_interval=0, faults=[Fault(answer, operation="token")]) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
    stored = json.loads(path.read_text())
    assert (stored["access_token"], stored["refresh_token"], stored["note"]) == ("at-1", None, [1.0])


async def test_a_folder_that_cannot_be_made(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuthError, match="there can be no credential file"):
        await login(lambda _: None, tmp_path / "file" / "c.json")


@pytest.mark.parametrize("settings", [{"auth_url": "http://example.com"}, {"auth_url": "x"}, {"proxy": "x"}])
async def test_settings_that_cannot_work(path, settings) -> None:
    with pytest.raises(ConfigurationError):
        await login(lambda _: None, path, **settings)
    with pytest.raises(ConfigurationError, match="prompt"):
        await login("print", path)


async def test_logging_out_revokes_and_then_removes(path) -> None:
    async with Sandbox(**QUICK) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
        stored = official_read(path)
        source = CredentialFile(path)
        async with session_for(sandbox, source) as session:
            await session.skus.list_global()
            assert await logout(path, auth_url=sandbox.url) is True
            assert not path.exists()
            [revoked] = [request for request in sandbox.requests if request.operation == "revoke"]
            assert json.loads(revoked.body)["token"] == stored.refresh_token
            with pytest.raises(LoginRequiredError):
                await session.skus.list_global()
        assert await logout(path, auth_url=sandbox.url) is False
        assert sandbox.calls["revoke"] == 1


@pytest.mark.parametrize(
    ("action", "kind"),
    [(Status(503), ServerError), (Html(200), UnexpectedResponseError), (DropBefore(), TransportError)]
    + [(RawBody(b'{"error":"invalid_client"}', status=401), AuthError)],
)
async def test_what_cannot_be_revoked_is_kept(path, action, kind) -> None:
    async with Sandbox(**QUICK, faults=[Fault(action, operation="revoke")]) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
        refresh_token = official_read(path).refresh_token
        with pytest.raises(kind) as caught:
            await logout(path, auth_url=sandbox.url)
        assert leaked(everything(caught.value), refresh_token) == []
        assert official_read(path).refresh_token == refresh_token
        assert await logout(path, local=True, auth_url=sandbox.url)
        assert (path.exists(), sandbox.calls["revoke"]) == (False, 1)


async def test_a_login_that_is_revoked_already_counts_as_revoked(path) -> None:
    refused = RawBody(b'{"error":"invalid_grant"}', status=400)
    async with Sandbox(**QUICK, faults=[Fault(refused, operation="revoke")]) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
        assert await logout(path, auth_url=sandbox.url)
    assert not path.exists()


async def test_a_damaged_file_cannot_be_revoked_and_only_be_removed(path) -> None:
    path.parent.mkdir()
    path.write_text('{"access_token": "abc')
    with pytest.raises(LoginRequiredError, match="damaged"):
        await logout(path)
    assert path.exists()
    assert await logout(path, local=True)
    assert not path.exists()


async def test_status_of_a_file(path, caplog) -> None:
    path.parent.mkdir()
    claims = "eyJzdWIiOiAiYXV0aDB8MTIzIiwgImlhdCI6IDF9"  # {"sub": "auth0|123", "iat": 1}
    official_write(path, f"head.{claims}.sign", "rt")
    found = await status(path)
    assert (found.origin, found.path, found.account, found.renewable) == ("credential file", path, "auth0|123", True)
    assert abs(found.expires_at - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
    assert leaked(repr(found), claims) == []
    assert "others may read" in caplog.text
    os.utime(path, (1, 1))
    assert (await status(path)).expires_at < datetime.now(UTC)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.!.c", "a.W10.c", "a.e30.c", "a.eyJzdWIiOjd9.c", "a..c"])
async def test_a_token_that_names_nobody(path, token) -> None:
    path.parent.mkdir()
    official_write(path, token, "rt")
    assert (await status(path)).account is None


async def test_status_of_the_environment(path, monkeypatch) -> None:
    monkeypatch.setenv("AUTORETOUCH_REFRESH_TOKEN", "rt")
    assert (await status()).origin == "AUTORETOUCH_REFRESH_TOKEN"
    monkeypatch.setenv("AISHOOT_TOKEN", "at")
    assert (await status()).origin == "AISHOOT_TOKEN"
    with pytest.raises(LoginRequiredError):
        await status(path)
    monkeypatch.setenv("AISHOOT_TOKEN", "two\nlines")
    with pytest.raises(ConfigurationError):
        await status()


async def test_nothing_of_a_login_is_logged(path, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    async with Sandbox(**QUICK) as sandbox:
        await login(lambda _: None, path, auth_url=sandbox.url)
        stored = official_read(path)
        bodies = b"".join(request.body for request in sandbox.requests)
    said = "".join(record.getMessage() + repr(vars(record)) for record in caplog.records)
    device_code = bodies.split(b"device_code=")[1].split(b"&")[0].decode()
    assert leaked(said, stored.access_token, stored.refresh_token, device_code) == []
