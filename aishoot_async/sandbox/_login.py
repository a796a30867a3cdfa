"""Logins: the OAuth endpoints (RFC 8628, RFC 6749) and the tokens that they give out, in SQLite."""

import json
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from attrs import frozen

from aishoot_async.sandbox._database import take_serials
from aishoot_async.sandbox._settings import LoginSettings
from aishoot_async.sandbox._wire import Answer, Call, LoginError, compact

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@frozen
class TokenPair:
    """What a login gives; `refresh` is None where the scope did not ask for `offline_access`."""

    access: str
    refresh: str | None
    scope: str


@frozen
class RefreshState:
    """What is known of a refresh token; `rotated_at` (Unix time) is None while it is alive."""

    family: int
    scope: str
    rotated_at: float | None


@frozen
class DeviceLogin:
    """A device login on its way; times are Unix times, `poll_interval` is in seconds."""

    device_code: str
    user_code: str
    scope: str
    state: str
    poll_interval: float
    expires_at: float
    polled_at: float | None
    polls: int


class TokenTable:
    """The tokens of one sandbox. A family is one login and all that was refreshed from it."""

    def __init__(
        self, connection: sqlite3.Connection, *, seed: int, clock: Callable[[], float], lifetime: float
    ) -> None:
        """`lifetime` is that of an access token, in seconds."""
        self._db = connection
        self._seed = seed
        self._clock = clock
        self._lifetime = lifetime

    def _make(self, kind: str) -> str:
        serial = take_serials(self._db, "tokens")
        return f"sandbox-{kind}-" + sha256(f"{self._seed}/{kind}/{serial}".encode()).hexdigest()[:40]

    def open_family(self, scope: str) -> TokenPair:
        """Return a new login's tokens."""
        with self._db:
            family = take_serials(self._db, "families")
            refresh = self._new_refresh(family, scope) if "offline_access" in scope.split() else None
            return TokenPair(self._new_access(family), refresh, scope)

    def renew(self, refresh_token: str, state: RefreshState, *, rotate: bool) -> TokenPair:
        """Return a refreshed login's tokens; `rotate` gives a new refresh token, and the old one dies."""
        with self._db:
            access = self._new_access(state.family)
            if not rotate:
                return TokenPair(access, None, state.scope)
            # A second use within the overlap must not make the old token live longer.
            self._db.execute(
                "UPDATE refresh_tokens SET rotated_at = coalesce(rotated_at, ?) WHERE token = ?",
                (self._clock(), refresh_token),
            )
            return TokenPair(access, self._new_refresh(state.family, state.scope), state.scope)

    def _new_access(self, family: int) -> str:
        token = self._make("access")
        expires_at = self._clock() + self._lifetime
        self._db.execute("INSERT INTO access_tokens VALUES (?, ?, ?)", (token, family, expires_at))
        return token

    def _new_refresh(self, family: int, scope: str) -> str:
        token = self._make("refresh")
        self._db.execute("INSERT INTO refresh_tokens VALUES (?, ?, ?, NULL)", (token, family, scope))
        return token

    def accepts(self, access_token: str) -> bool:
        """Whether an access token is known and not expired."""
        row = self._db.execute("SELECT expires_at FROM access_tokens WHERE token = ?", (access_token,)).fetchone()
        return row is not None and row[0] > self._clock()

    def expire_access(self) -> None:
        """Let every access token be expired from now on."""
        with self._db:
            self._db.execute("DELETE FROM access_tokens")

    def refresh_state(self, refresh_token: str) -> RefreshState | None:
        """Return what is known of a refresh token."""
        statement = "SELECT family, scope, rotated_at FROM refresh_tokens WHERE token = ?"
        row = self._db.execute(statement, (refresh_token,)).fetchone()
        return None if row is None else RefreshState(*row)

    def end_family(self, family: int, *, access_too: bool) -> None:
        """Kill every refresh token of a login, and its access tokens too if so wanted."""
        with self._db:
            self._db.execute("DELETE FROM refresh_tokens WHERE family = ?", (family,))
            if access_too:
                self._db.execute("DELETE FROM access_tokens WHERE family = ?", (family,))

    def open_device(self, scope: str, *, expires_in: int, interval: int) -> DeviceLogin:
        """Return a new device login, waiting for approval."""
        with self._db:
            device_code = self._make("device")
            digits = sha256(device_code.encode()).digest()
            letters = "".join(_LETTERS[digit % len(_LETTERS)] for digit in digits[:8])
            user_code = f"{letters[:4]}-{letters[4:]}"
            expires_at = self._clock() + expires_in
            login = DeviceLogin(device_code, user_code, scope, "pending", interval, expires_at, None, 0)
            self._db.execute(
                "INSERT INTO device_codes VALUES (?, ?, ?, ?, ?, ?, NULL, 0)",
                (device_code, user_code, scope, "pending", interval, expires_at),
            )
        return login

    def device(self, device_code: str) -> DeviceLogin | None:
        """Return a device login by the code that its client holds."""
        row = self._db.execute("SELECT * FROM device_codes WHERE device_code = ?", (device_code,)).fetchone()
        return None if row is None else DeviceLogin(*row)

    def note_poll(self, login: DeviceLogin, *, interval: float) -> None:
        """Count a poll, and set the interval that the next one must keep."""
        with self._db:
            self._db.execute(
                "UPDATE device_codes SET polled_at = ?, polls = polls + 1, poll_interval = ? WHERE device_code = ?",
                (self._clock(), interval, login.device_code),
            )

    def decide(self, user_code: str, state: str) -> None:
        """Move a pending device login to `approved`, `denied` or `used`. Raises `KeyError` for an unknown code."""
        with self._db:
            statement = "UPDATE device_codes SET state = ? WHERE user_code = ?"
            if self._db.execute(statement, (state, user_code)).rowcount == 0:
                raise KeyError(user_code)


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
