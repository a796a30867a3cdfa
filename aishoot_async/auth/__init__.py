"""Tokens: where they come from, how they are renewed, and how a user logs in and out.

What a session with a token of its own does without is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from ..secret import Secret, scrub_bytes, scrub_error, scrub_text
from ._default import attached, check_not_inside, token_source
from ._means import Means
from ._source import StaticToken, TokenSource

if TYPE_CHECKING:
    from ._credential_file import CredentialFile
    from ._login import login, logout
    from ._refresh_token import RefreshToken
    from ._status import LoginStatus, status
    from ._wire import DevicePrompt

__all__ = [
    "CredentialFile",
    "DevicePrompt",
    "LoginStatus",
    "Means",
    "RefreshToken",
    "Secret",
    "StaticToken",
    "TokenSource",
    "attached",
    "check_not_inside",
    "login",
    "logout",
    "scrub_bytes",
    "scrub_error",
    "scrub_text",
    "status",
    "token_source",
]

_HOMES: Final = {
    "CredentialFile": "_credential_file",
    "DevicePrompt": "_wire",
    "LoginStatus": "_status",
    "RefreshToken": "_refresh_token",
    "login": "_login",
    "logout": "_login",
    "status": "_status",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
