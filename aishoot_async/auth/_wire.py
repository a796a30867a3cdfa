"""Pure: what goes to the auth server and what comes back.

RFC 6749 for tokens, RFC 7009 for revoking, RFC 8628 for devices. No text of an answer ever gets into an error: it may
hold a token that nobody knows yet. Of its error names, only those that OAuth knows are repeated.
"""

import enum
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode

import attrs
from yarl import URL

from .. import jsontext
from ..errors import AuthError, RateLimitedError, ServerError, UnexpectedResponseError
from ..secret import Secret
from ..transport import JSON, Request, Response
from ._values import seconds, usable

T = TypeVar("T")
CLIENT_ID: Final = "V8EkfbxtBi93cAySTVWAecEum4d6pt4J"
SCOPE: Final = "offline_access"
AUDIENCE: Final = "https://api.autoretouch.com"
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_FORM: Final = "application/x-www-form-urlencoded"
_USER_CODE_LENGTH: Final = 64
_DEVICE_SECONDS: Final = 900.0  # documented, where an answer does not say
_INTERVAL: Final = 5.0  # RFC 8628, 3.2: where an answer does not say
_SHORTEST_INTERVAL: Final = 0.1
# What needs more than the token in a header. Any other name of a type is taken for a way to spell Bearer.
_OTHER_TYPES: Final = {"mac", "dpop", "pop"}


class Refusal(enum.StrEnum):
    """The errors of RFC 6749 (5.2) and RFC 8628 (3.5)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"
    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    ACCESS_DENIED = "access_denied"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105  # an error's name


@attrs.frozen(kw_only=True)
class Tokens:
    """What a login or a refresh brings.

    At least one of the tokens is there. A new refresh token must be kept, whatever the rest of the answer is like: the
    old one may be dead.

    Attributes:
        access: the access token; ``None`` when the answer holds none that can be used.
        refresh: the refresh token; ``None`` when the one that was sent stays good.
        scope: what they are good for, if the server says so.
        token_type: ``Bearer``, as the server spells it.
        expires_in: seconds that the access token lives; ``None`` when the server does not say.
        is_refresh_unreadable: whether there is something in the refresh token's place that cannot be one.
    """

    access: Secret | None
    refresh: Secret | None
    scope: str | None
    token_type: str
    expires_in: float | None
    is_refresh_unreadable: bool = False

    def complaint(self) -> UnexpectedResponseError:
        """Make the error of an answer without an access token; for after its refresh token was kept."""
        return _no_access_token()


def _no_access_token() -> UnexpectedResponseError:
    return UnexpectedResponseError("the auth server's answer holds none that can be used", where="access_token")


@attrs.frozen(kw_only=True)
class DevicePrompt:
    """What a user must be shown to log in: where to go, and which code to confirm there.

    Attributes:
        verification_uri: the page where the code is entered.
        verification_uri_complete: the page with the code filled in; ``None`` when there is none.
        user_code: the code.
        expires_in: seconds that are left for it.
    """

    verification_uri: str
    verification_uri_complete: str | None
    user_code: str
    expires_in: float


@attrs.frozen(kw_only=True)
class Device:
    """A device login under way.

    Attributes:
        code: what the tokens are asked for with; the user never sees it.
        prompt: what the user sees.
        interval: seconds to wait between two questions.
    """

    code: Secret
    prompt: DevicePrompt
    interval: float


class Endpoints:
    """Makes the requests of one auth server."""

    def __init__(self, auth_url: URL) -> None:
        """Keep where it is."""
        self._origin = auth_url.origin()
        self._path = auth_url.raw_path.rstrip("/")

    def _post(self, path: str, form: Mapping[str, str]) -> Request:
        return self._request(path, urlencode(form).encode(), _FORM)

    def _request(self, path: str, body: bytes, content_type: str) -> Request:
        return Request(
            method="POST", origin=self._origin, target=self._path + path, body=body, content_type=content_type
        )

    def device(self) -> Request:
        """``POST /oauth/device/code``."""
        return self._post("/oauth/device/code", {"client_id": CLIENT_ID, "scope": SCOPE, "audience": AUDIENCE})

    def poll(self, code: Secret) -> Request:
        """``POST /oauth/token`` with a device code."""
        return self._post(
            "/oauth/token", {"grant_type": DEVICE_GRANT, "device_code": code.reveal(), "client_id": CLIENT_ID}
        )

    def refresh(self, token: Secret) -> Request:
        """``POST /oauth/token`` with a refresh token."""
        return self._post(
            "/oauth/token", {"grant_type": "refresh_token", "refresh_token": token.reveal(), "client_id": CLIENT_ID}
        )

    def revoke(self, token: Secret) -> Request:
        """``POST /oauth/revoke``; the one that takes JSON."""
        body = jsontext.encode({"client_id": CLIENT_ID, "token": token.reveal()})
        return self._request("/oauth/revoke", body, JSON)


def read_tokens(response: Response) -> Tokens | Refusal:
    """Read the answer to a poll or a refresh.

    Raises:
        AuthError: the status is one that no OAuth server answers with.
        RateLimitedError, ServerError: 429, 5xx.
        UnexpectedResponseError: it holds no token.
    """
    return _read(response, "/oauth/token", _tokens)


def read_device(response: Response) -> Device | Refusal:
    """Read the answer that begins a device login; raises as `read_tokens` does."""
    return _read(response, "/oauth/device/code", _device)


def read_revoked(response: Response) -> Refusal | None:
    """Read the answer to revoking; raises as `read_tokens` does."""
    if response.status == 200 and not response.body.strip():  # noqa: PLR2004  # RFC 7009, 2.2
        return None
    # A page with status 200 is a proxy's, and nothing has been revoked.
    return _read(response, "/oauth/revoke", lambda _: None)


def _read(response: Response, path: str, read: Callable[[Mapping[str, Any]], T]) -> T | Refusal:
    said = _object(response.body)
    refusal = _refusal(said)
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004  # as RFC 9110, 15.3 has it
        if said is None:
            msg = f"the auth server's answer to POST {path} is no JSON object"
            raise UnexpectedResponseError(msg)
        return read(said) if refusal is None or _has_token(said) else refusal
    if status >= 500:  # noqa: PLR2004
        raise ServerError(status, method="POST", path=path, message="the auth server has a problem; try again later")
    if refusal is not None:
        return refusal
    if status == 429:  # noqa: PLR2004
        raise RateLimitedError(status, method="POST", path=path, message="the auth server wants fewer requests")
    where = ", a redirect, which a token does not follow" if 300 <= status < 400 else ""  # noqa: PLR2004
    msg = f"POST {path} answered {status}{where}: is AISHOOT_AUTH_URL (auth_url) that of an auth server?"
    raise AuthError(msg)


def _has_token(said: Mapping[str, Any]) -> bool:
    return any(usable(said.get(name)) for name in ("access_token", "refresh_token"))


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        said = jsontext.value(body)
    except UnexpectedResponseError:
        said = _lenient(body)
    return cast("Mapping[str, Any]", said) if isinstance(said, dict) else None


def _lenient(body: bytes) -> object:
    """Read what is almost JSON: NaN, a member that is there twice, bytes that are no UTF-8.

    A token in it must not be lost for that. What cannot be a number of seconds anyway is read as ``None``.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None, parse_int=float)
    except (ValueError, RecursionError):
        return None
    finally:
        del text, body  # a traceback may show this frame's variables


def _refusal(said: Mapping[str, Any] | None) -> Refusal | None:
    name = None if said is None else said.get("error")
    return Refusal(name) if isinstance(name, str) and name in list(Refusal) else None


def _tokens(said: Mapping[str, Any]) -> Tokens:
    given, scope = said.get("token_type"), said.get("scope")
    token_type = given.strip() if isinstance(given, str) else ""
    access = None if token_type.lower() in _OTHER_TYPES else usable(said.get("access_token"))
    refresh = usable(said.get("refresh_token"))
    is_blank = said.get("refresh_token") is None or not str(said.get("refresh_token")).strip()
    if access is None and refresh is None:
        raise _no_access_token()
    return Tokens(
        access=access,
        refresh=refresh,
        scope=scope if isinstance(scope, str) else None,
        token_type=token_type if token_type.lower() == "bearer" else "Bearer",
        expires_in=seconds(said.get("expires_in")) or None,  # 0 would be renewed for ever
        is_refresh_unreadable=refresh is None and not is_blank,
    )


def _device(said: Mapping[str, Any]) -> Device:
    user_code, interval = said.get("user_code"), seconds(said.get("interval"))
    # It is shown on a terminal, which a control could steer.
    if not isinstance(user_code, str) or not user_code.isprintable() or not 0 < len(user_code) <= _USER_CODE_LENGTH:
        msg = "the auth server gives no code that can be shown"
        raise UnexpectedResponseError(msg, where="user_code")
    complete = said.get("verification_uri_complete")
    expires_in = seconds(said.get("expires_in")) or _DEVICE_SECONDS
    if interval is None or interval >= expires_in:  # the second may be in milliseconds: nothing would ever be asked
        interval = _INTERVAL
    return Device(
        code=_secret(said, "device_code"),
        prompt=DevicePrompt(
            verification_uri=_page(said, "verification_uri"),
            verification_uri_complete=None if complete is None else _page(said, "verification_uri_complete"),
            user_code=user_code,
            expires_in=expires_in,
        ),
        interval=max(interval, _SHORTEST_INTERVAL),
    )


def _secret(said: Mapping[str, Any], name: str) -> Secret:
    if secret := usable(said.get(name)):
        return secret
    msg = "the auth server's answer holds none that can be used"
    raise UnexpectedResponseError(msg, where=name)


def _page(said: Mapping[str, Any], name: str) -> str:
    text = said.get(name)
    if isinstance(text, str) and text.isprintable() and " " not in text:
        try:
            url = URL(text)
        except ValueError:
            url = URL()
        if url.scheme in {"http", "https"} and url.host:
            return text
    msg = "the auth server names no web page to log in on"
    raise UnexpectedResponseError(msg, where=name)
