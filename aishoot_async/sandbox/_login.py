"""The auth server's endpoints: device code, token, refresh, revoke (RFC 8628, RFC 6749, RFC 7009)."""

import json
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from aishoot_async.sandbox._settings import LoginSettings
from aishoot_async.sandbox._token_table import DeviceLogin, TokenPair, TokenTable
from aishoot_async.sandbox._wire import Answer, Call, LoginError, compact

CLIENT_ID: Final = "V8EkfbxtBi93cAySTVWAecEum4d6pt4J"
"""The documented client id; no other is accepted."""
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
SLOW_DOWN_SECONDS: Final = 5
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_AUTH0_STATUS: Final = {
    "authorization_pending": 403,
    "slow_down": 429,
    "expired_token": 403,
    "access_denied": 403,
    "invalid_grant": 403,
}


def read_form(call: Call) -> dict[str, str]:
    """Return the form of a call; empty when it is not form-encoded UTF-8."""
    if call.content_type != _FORM_TYPE:
        return {}
    try:
        return dict(parse_qsl(call.body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        return {}


class LoginEndpoints:
    """What the auth server does with a call."""

    def __init__(self, tokens: TokenTable, settings: LoginSettings) -> None:
        """Work on the sandbox's tokens."""
        self._tokens = tokens
        self._settings = settings

    def _error(self, error: str, description: str) -> LoginError:
        auth0 = self._settings.login_statuses == "auth0"
        return LoginError(_AUTH0_STATUS.get(error, 400) if auth0 else 400, error, description)

    def _form(self, call: Call) -> dict[str, str]:
        form = read_form(call)
        if not form:
            raise self._error("invalid_request", f"The request body must be {_FORM_TYPE}")
        self._check_client(form.get("client_id"))
        return form

    def _check_client(self, client_id: object) -> None:
        if client_id != CLIENT_ID:
            raise LoginError(401, "invalid_client", "Unknown client")

    def device_code(self, call: Call) -> Answer:
        """`POST /oauth/device/code`: start a device login."""
        form = self._form(call)
        login = self._tokens.open_device(
            form.get("scope", ""),
            expires_in=self._settings.device_expires_in,
            interval=self._settings.device_interval,
        )
        page = f"{call.base_url}/activate"
        document = {
            "device_code": login.device_code,
            "user_code": login.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={login.user_code}",
            "expires_in": self._settings.device_expires_in,
            "interval": self._settings.device_interval,
        }
        return Answer.json(compact(document))

    def activate(self, call: Call) -> Answer:
        """`GET /activate?user_code=…`: what the user opens in a browser. Opening it approves."""
        try:
            self._tokens.decide(call.query.get("user_code", ""), "approved")
        except KeyError:
            return Answer(404, b"There is no such login.\n", "text/plain; charset=utf-8")
        return Answer(
            200, b"You are logged in to the sandbox. Go back to your terminal.\n", "text/plain; charset=utf-8"
        )

    def token(self, call: Call) -> Answer:
        """`POST /oauth/token` for a device code: one poll."""
        form = self._form(call)
        if form.get("grant_type") != DEVICE_GRANT:
            raise self._error("unsupported_grant_type", "Unknown grant_type")
        login = self._tokens.device(form.get("device_code", ""))
        if login is None or login.state == "used":
            raise self._error("invalid_grant", "Invalid or expired device code")
        if login.expires_at <= self._settings.clock():
            raise self._error(self._settings.expired_device_error, "The device code has expired")
        self._keep_pace(login)
        if login.state == "denied":
            raise self._error("access_denied", "User has denied access")
        if login.state != "approved" and not self._approves_itself(login):
            raise self._error("authorization_pending", "User has yet to authorize device code")
        self._tokens.decide(login.user_code, "used")
        return self._tokens_answer(self._tokens.open_family(login.scope))

    def _keep_pace(self, login: DeviceLogin) -> None:
        # RFC 8628, section 3.5: every slow_down lengthens the interval for good.
        early = login.polled_at is not None and self._settings.clock() - login.polled_at < login.poll_interval
        self._tokens.note_poll(login, interval=login.poll_interval + SLOW_DOWN_SECONDS * early)
        if early:
            raise self._error("slow_down", "You are polling too fast")

    def _approves_itself(self, login: DeviceLogin) -> bool:
        wanted = self._settings.auto_approve_after
        return wanted is not None and login.polls + 1 >= wanted

    def refresh(self, call: Call) -> Answer:
        """`POST /oauth/token` for a refresh token, with or without rotation."""
        token = self._form(call).get("refresh_token", "")
        state = self._tokens.refresh_state(token)
        if state is None:
            raise self._error("invalid_grant", "Unknown or invalid refresh token")
        age = 0.0 if state.rotated_at is None else self._settings.clock() - state.rotated_at
        if state.rotated_at is not None and age >= self._settings.refresh_token_overlap:
            if self._settings.forbid_refresh_token_reuse:
                self._tokens.end_family(state.family, access_too=False)
            raise self._error("invalid_grant", "Unknown or invalid refresh token")
        return self._tokens_answer(
            self._tokens.renew(token, state, rotate=self._settings.rotate_refresh_tokens),
        )

    def _tokens_answer(self, pair: TokenPair) -> Answer:
        lifetime = self._settings.token_lifetime
        document = {
            "access_token": pair.access,
            **({} if pair.refresh is None else {"refresh_token": pair.refresh}),
            "scope": pair.scope,
            "expires_in": int(lifetime) if float(lifetime).is_integer() else lifetime,
            "token_type": "Bearer",
        }
        return Answer.json(compact(document))

    def revoke(self, call: Call) -> Answer:
        """`POST /oauth/revoke` (JSON): end a login. A token that nobody knows is revoked already (RFC 7009)."""
        try:
            document: Any = json.loads(call.body)
        except ValueError:
            document = None
        if call.content_type != "application/json" or not isinstance(document, dict):
            raise self._error("invalid_request", "The request body must be a JSON object")
        said = cast("dict[str, Any]", document)
        self._check_client(said.get("client_id"))
        token = said.get("token")
        if not isinstance(token, str):
            raise self._error("invalid_request", "Missing required parameter: token")
        if state := self._tokens.refresh_state(token):
            self._tokens.end_family(state.family, access_too=True)
        return Answer(200, b"", None)
