"""Tokens and device codes in SQLite: opaque, and derived from the seed, so that nothing here is a secret."""

import sqlite3
from collections.abc import Callable
from hashlib import sha256

from attrs import frozen

from aishoot_async.sandbox._database import take_serials

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
