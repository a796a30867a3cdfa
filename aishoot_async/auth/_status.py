"""Who is logged in, from where, and until when: what can be known without asking anybody."""

import base64
import binascii
import os
from asyncio import to_thread
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

import attrs

from .. import jsontext
from ..errors import AuthError, LockedError, LoginRequiredError, UnexpectedResponseError
from ..secret import Secret
from ._disk import credentials_path, locked, nothing_there, read_file
from ._document import Credentials

Origin = Literal["AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN", "credential file"]
_CLAIMS: Final = ("email", "name", "sub")


@attrs.frozen(kw_only=True)
class LoginStatus:
    """What a session without an ``auth`` of its own would log in with. It holds no token.

    Attributes:
        origin: where the login comes from.
        path: the credential file, where it comes from there.
        account: whom the access token names; ``None`` where it cannot be read, as most need not be.
        expires_at: when the access token ends; ``None`` when that is not known.
        renewable: whether it can be renewed without logging in again.
    """

    origin: Origin
    path: Path | None = None
    account: str | None = None
    expires_at: datetime | None = None
    renewable: bool = False


async def status(path: str | os.PathLike[str] | None = None) -> LoginStatus:
    """Look at the login, in the order in which a session does; a path that is given means that file alone.

    Raises:
        AuthError: the credential file cannot be read, or is something else.
        ConfigurationError: it is no path, or a variable holds what cannot be a token.
        LoginRequiredError: there is no login.
    """
    if path is None and os.environ.get("AISHOOT_TOKEN"):
        token = Secret(os.environ["AISHOOT_TOKEN"])
        return LoginStatus(origin="AISHOOT_TOKEN", account=_account(token))
    if path is None and os.environ.get("AUTORETOUCH_REFRESH_TOKEN"):
        Secret(os.environ["AUTORETOUCH_REFRESH_TOKEN"])
        return LoginStatus(origin="AUTORETOUCH_REFRESH_TOKEN", renewable=True)
    place = credentials_path(path)
    if not await to_thread(os.path.lexists, place):
        raise LoginRequiredError(nothing_there(place))
    stored = await _read_settled(place)
    now = datetime.now(UTC).timestamp()
    left = stored.left(now)
    return LoginStatus(
        origin="credential file",
        path=place,
        account=None if stored.access is None else _account(stored.access),
        # A file's own time may lie before any date.
        expires_at=None if left is None else datetime.fromtimestamp(max(0.0, now + left), UTC),
        renewable=stored.refresh is not None,
    )


async def _read_settled(path: Path) -> Credentials:
    """Read the file; what looks damaged is read again under the lock: another process may be writing it in place."""
    try:
        return await to_thread(read_file, path, warn=True)
    except LoginRequiredError as error:
        damaged = error
    try:
        async with locked(path):
            return await to_thread(read_file, path)
    except LoginRequiredError:
        raise
    except (AuthError, LockedError):
        raise damaged from None


def _account(token: Secret) -> str | None:
    """Read whom a token names, where it is a JSON Web Token (RFC 7519); nothing depends on that."""
    parts = token.reveal().split(".")
    if len(parts) != 3:  # noqa: PLR2004  # header, claims, signature
        return None
    try:
        claims: Any = jsontext.value(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (UnexpectedResponseError, binascii.Error, ValueError):
        return None
    if not isinstance(claims, dict):
        return None
    found = (cast("dict[str, Any]", claims).get(claim) for claim in _CLAIMS)
    return next((name for name in found if isinstance(name, str) and name and name.isprintable()), None)
