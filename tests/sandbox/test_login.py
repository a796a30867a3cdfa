"""OAuth: device login, refresh with and without rotation, revoke."""

import json
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.anyio

CLIENT = {"client_id": "V8EkfbxtBi93cAySTVWAecEum4d6pt4J"}
SCOPE = {"scope": "offline_access", "audience": "https://api.autoretouch.com"}
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Login:
    """The auth server as a client sees it."""

    def __init__(self, api):
        self.api = api

    async def device(self, **changes):
        return await self.api.post("/oauth/device/code", token=None, data={**CLIENT, **SCOPE, **changes})

    async def poll(self, device, **changes):
        form = {**CLIENT, "grant_type": DEVICE_GRANT, "device_code": device["device_code"], **changes}
        return await self.api.post("/oauth/token", token=None, data=form)

    async def refresh(self, token, **changes):
        form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token, **changes}
        return await self.api.post("/oauth/token", token=None, data=form)

    async def revoke(self, token, **changes):
        return await self.api.post("/oauth/revoke", token=None, json={**CLIENT, "token": token, **changes})

    async def works(self, token):
        return (await self.api.get("/ai-shoot/skus", token=token)).status == 200


def refused(reply, error, status=400):
    assert (reply.status, reply.json()["error"]) == (status, error)
    assert reply.json()["error_description"]


async def test_a_device_login_from_code_to_call(connect):
    async with connect(device_interval=0, token_lifetime=3600) as api:
        login = Login(api)
        device = (await login.device()).json()
        assert device["verification_uri"] == f"{api.sandbox.url}/activate"
        assert device["verification_uri_complete"].endswith(f"?user_code={device['user_code']}")
        assert (device["expires_in"], device["interval"]) == (900, 0)
        refused(await login.poll(device), "authorization_pending")
        api.sandbox.approve(device["user_code"])
        tokens = (await login.poll(device)).json()
        assert tokens.keys() == {"access_token", "refresh_token", "scope", "expires_in", "token_type"}
        assert (tokens["scope"], tokens["expires_in"], tokens["token_type"]) == ("offline_access", 3600, "Bearer")
        assert await login.works(tokens["access_token"])
        refused(await login.poll(device), "invalid_grant")
        assert api.sandbox.calls["token"] == 3
        assert api.sandbox.calls["device_code"] == 1


async def test_the_browser_page_approves(connect):
    async with connect(device_interval=0) as api:
        login = Login(api)
        device = (await login.device()).json()
        path = device["verification_uri_complete"].removeprefix(api.sandbox.url)
        assert (await api.get(path, token=None)).status == 200
        assert (await login.poll(device)).status == 200
        assert (await api.get("/activate?user_code=x", token=None)).status == 404


async def test_approval_at_the_nth_poll(connect):
    async with connect(device_interval=0, auto_approve_after=3) as api:
        login = Login(api)
        device = (await login.device()).json()
        assert [(await login.poll(device)).status for _ in range(3)] == [400, 400, 200]


async def test_denied_expired_unknown(connect):
    now = [0.0]
    async with connect(device_interval=0, device_expires_in=60, clock=lambda: now[0]) as api:
        login = Login(api)
        denied, late = (await login.device()).json(), (await login.device()).json()
        api.sandbox.deny(denied["user_code"])
        refused(await login.poll(denied), "access_denied")
        now[0] = 60
        refused(await login.poll(late), "expired_token")
        refused(await login.poll({"device_code": "x"}), "invalid_grant")
        for act in (api.sandbox.approve, api.sandbox.deny):
            with pytest.raises(KeyError):
                act("x")
    async with connect(device_expires_in=0, expired_device_error="invalid_grant") as api:
        login = Login(api)
        refused(await login.poll((await login.device()).json()), "invalid_grant")


async def test_polling_too_fast_lengthens_the_interval(connect):
    now = [0.0]
    async with connect(clock=lambda: now[0]) as api:
        login = Login(api)
        device = (await login.device()).json()
        refused(await login.poll(device), "authorization_pending")
        now[0] = 4
        refused(await login.poll(device), "slow_down")
        now[0] = 4 + 9
        refused(await login.poll(device), "slow_down")
        now[0] += 15
        refused(await login.poll(device), "authorization_pending")
        api.sandbox.approve(device["user_code"])
        now[0] += 15
        assert (await login.poll(device)).status == 200


async def test_statuses_as_auth0_gives_them(connect):
    async with connect(login_statuses="auth0") as api:
        login = Login(api)
        device = (await login.device()).json()
        refused(await login.poll(device), "authorization_pending", 403)
        refused(await login.poll(device), "slow_down", 429)
        refused(await login.refresh("x"), "invalid_grant", 403)
        refused(await login.poll(device, grant_type="x"), "unsupported_grant_type", 400)


async def test_without_offline_access_there_is_no_refresh_token(connect):
    async with connect(auto_approve_after=1, token_lifetime=1.5) as api:
        login = Login(api)
        tokens = (await login.poll((await login.device(scope="openid")).json())).json()
        assert "refresh_token" not in tokens
        assert tokens["expires_in"] == 1.5


async def test_refresh_without_rotation(connect):
    async with connect() as api:
        login = Login(api)
        for _ in range(2):
            reply = await login.refresh(api.sandbox.refresh_token)
            assert "refresh_token" not in reply.json()
            assert await login.works(reply.json()["access_token"])
        refused(await login.refresh("x"), "invalid_grant")
        assert api.sandbox.calls["refresh"] == 3
        assert await login.works(api.sandbox.token)


async def test_rotation_kills_the_old_token(connect):
    async with connect(rotate_refresh_tokens=True) as api:
        login = Login(api)
        first = api.sandbox.refresh_token
        second = (await login.refresh(first)).json()["refresh_token"]
        refused(await login.refresh(first), "invalid_grant")
        assert (await login.refresh(second)).status == 200


async def test_reuse_of_a_rotated_token_locks_out(connect):
    async with connect(rotate_refresh_tokens=True, forbid_refresh_token_reuse=True) as api:
        login = Login(api)
        first = api.sandbox.refresh_token
        tokens = (await login.refresh(first)).json()
        refused(await login.refresh(first), "invalid_grant")
        refused(await login.refresh(tokens["refresh_token"]), "invalid_grant")
        assert await login.works(tokens["access_token"])


async def test_a_rotated_token_lives_on_for_the_overlap(connect):
    now = [0.0]
    settings = {"rotate_refresh_tokens": True, "forbid_refresh_token_reuse": True, "refresh_token_overlap": 30}
    async with connect(clock=lambda: now[0], **settings) as api:
        login = Login(api)
        first = api.sandbox.refresh_token
        assert (await login.refresh(first)).status == 200
        now[0] = 29
        assert (await login.refresh(first)).status == 200
        now[0] = 31
        refused(await login.refresh(first), "invalid_grant")


async def test_revoke_ends_the_login(connect):
    async with connect() as api:
        login = Login(api)
        reply = await login.revoke(api.sandbox.refresh_token)
        assert (reply.status, reply.body) == (200, b"")
        refused(await login.refresh(api.sandbox.refresh_token), "invalid_grant")
        assert not await login.works(api.sandbox.token)
        assert (await login.revoke("never heard of")).status == 200
        refused(await login.revoke(None), "invalid_request")
        refused(await login.revoke("x", client_id="other"), "invalid_client", 401)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/oauth/token", "application/json", json.dumps({**CLIENT, "grant_type": "refresh_token"}).encode()),
        ("/oauth/token", "application/x-www-form-urlencoded", b"\xff"),
        ("/oauth/token", "application/x-www-form-urlencoded", b""),
        ("/oauth/device/code", "application/json", b"{}"),
        ("/oauth/revoke", "application/x-www-form-urlencoded", urlencode({**CLIENT, "token": "x"}).encode()),
        ("/oauth/revoke", "application/json", b"{"),
        ("/oauth/revoke", "application/json", b"[]"),
    ],
)
async def test_bodies_in_the_wrong_form(connect, path, kind, body):
    async with connect() as api:
        refused(await api.post(path, data=body, headers={"Content-Type": kind}), "invalid_request")


async def test_only_the_documented_client(connect):
    async with connect() as api:
        login = Login(api)
        assert api.sandbox.client_id == CLIENT["client_id"]
        refused(await login.device(client_id="x"), "invalid_client", 401)
        refused(await login.refresh(api.sandbox.refresh_token, client_id="x"), "invalid_client", 401)
