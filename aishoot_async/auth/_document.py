"""Pure: the text of a credential file, in the form of the official synchronous client.

That client reads it as ``Credentials(**json.load(file))``: all of the first five fields must be there, and a field
that it does not know is an error to it. So nothing is added; what others have added is kept, byte for byte.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from .. import jsontext
from ..errors import UnexpectedResponseError
from ..secret import Secret
from ._life import left_on_disk
from ._values import seconds, usable
from ._wire import SCOPE, Tokens

LIFE: Final = 86_400.0  # seconds, as documented, where nothing else says it
_BEGINNING: Final = re.compile(rb'\s*\{\s*(?:"[a-z_]{0,13})?')  # cut short within its first member's name
_OURS: Final = ("access_token", "refresh_token", "scope", "expires_in", "token_type", "expires_at")


class UnreadableError(Exception):
    """The text holds no login. ``damaged``: it seems to have been one."""

    def __init__(self, problem: str, *, damaged: bool) -> None:
        """Say what is wrong with it; never what stands there."""
        super().__init__(problem)
        self.damaged = damaged


@attrs.frozen(kw_only=True)
class Credentials:
    """What a credential file holds.

    Attributes:
        access: the access token, if there is one that can be used.
        refresh: the refresh token, likewise.
        scope: what they are good for.
        token_type: ``Bearer``.
        expires_in: seconds that the access token lives in all.
        expires_at: when it ends, in Unix seconds.
        written_at: when the file was written, in Unix seconds.
        extra: the JSON texts of the members that we do not know.
    """

    access: Secret | None
    refresh: Secret | None
    scope: str = SCOPE
    token_type: str = "Bearer"  # noqa: S105  # the name of a kind of token
    expires_in: float | None = None
    expires_at: float | None = None
    written_at: float | None = None
    extra: Mapping[str, bytes] = attrs.field(factory=dict[str, bytes], repr=False)

    def left(self, now: float) -> float | None:
        """Give the seconds that the access token is good for, by the wall clock; ``None`` when nothing says so."""
        return left_on_disk(expires_in=self.expires_in, expires_at=self.expires_at, written_at=self.written_at, now=now)

    def renewed(self, tokens: Tokens, now: float) -> "Credentials":
        """Give what must stand there after a refresh; an old access token stays until there is a new one."""
        if tokens.access is None:
            # With times, because that client cannot read a login without them; such a one counts as over.
            return attrs.evolve(
                self,
                refresh=tokens.refresh or self.refresh,
                expires_in=self.expires_in or LIFE,
                expires_at=self.expires_at or 0.0,
            )
        life = tokens.expires_in or LIFE
        return attrs.evolve(
            self,
            access=tokens.access,
            refresh=tokens.refresh or self.refresh,
            scope=self.scope if tokens.scope is None else tokens.scope,
            token_type=tokens.token_type,
            expires_in=life,
            expires_at=now + life,
            written_at=now,
        )

    def text(self) -> bytes:
        """Write it as that client does, indented by four spaces."""
        values: tuple[object, ...] = (
            None if self.access is None else self.access.reveal(),
            None if self.refresh is None else self.refresh.reveal(),
            self.scope,
            None if self.expires_in is None else int(self.expires_in),
            self.token_type,
            None if self.expires_at is None else int(self.expires_at),
        )
        members = {name: jsontext.encode(value) for name, value in zip(_OURS, values, strict=True)} | dict(self.extra)
        lines = ",\n".join(f"    {jsontext.encode(name).decode()}: {raw.decode()}" for name, raw in members.items())
        return f"{{\n{lines}\n}}\n".encode()


def read_credentials(text: bytes, written_at: float | None = None) -> Credentials:
    """Read the text of a credential file; ``written_at`` is when that was written, in Unix seconds.

    Raises:
        UnreadableError: it holds no login.
    """
    members = _members(text)
    known = {name: _value(members[name]) for name in _OURS if name in members}
    access, refresh = usable(known.get("access_token")), usable(known.get("refresh_token"))
    if access is None and refresh is None:
        problem = "holds neither an access token nor a refresh token"
        raise UnreadableError(problem, damaged="access_token" in members or "refresh_token" in members)
    scope, token_type = known.get("scope"), known.get("token_type")
    return Credentials(
        access=access,
        refresh=refresh,
        scope=scope if isinstance(scope, str) else SCOPE,
        token_type=token_type if isinstance(token_type, str) else "Bearer",
        expires_in=seconds(known.get("expires_in")) or None,
        expires_at=seconds(known.get("expires_at")),
        written_at=written_at,
        extra={name: raw for name, raw in members.items() if name not in _OURS},
    )


def _members(text: bytes) -> dict[str, bytes]:
    if not text.strip():
        problem = "is empty"
        raise UnreadableError(problem, damaged=True)
    try:
        return jsontext.members(text.removeprefix(b"\xef\xbb\xbf"))
    except UnexpectedResponseError:
        pass  # it holds the text, which may hold tokens
    # Only what looks like the beginning of a login may be written over by a new one.
    damaged = _BEGINNING.match(text) is not None and (
        _BEGINNING.fullmatch(text) is not None or b"access_token" in text or b"refresh_token" in text
    )
    problem = "is cut short or damaged" if damaged else "holds no JSON object"
    raise UnreadableError(problem, damaged=damaged)


def _value(text: bytes) -> Any:
    try:
        return jsontext.value(text)
    except UnexpectedResponseError:  # nested too deeply
        return None
