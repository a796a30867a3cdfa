"""Tokens: where they come from, how they are renewed, and how a user logs in and out."""

from ..secret import Secret, scrub_bytes, scrub_error, scrub_text
from ._credential_file import CredentialFile
from ._default import attached, token_source
from ._keeper import Means
from ._login import login, logout
from ._refresh_token import RefreshToken
from ._server import AuthServer
from ._source import StaticToken, TokenSource
from ._status import LoginStatus, status
from ._wire import DevicePrompt

__all__ = [
    "AuthServer",
    "CredentialFile",
    "DevicePrompt",
    "LoginStatus",
    "Means",
    "RefreshToken",
    "Secret",
    "StaticToken",
    "TokenSource",
    "attached",
    "login",
    "logout",
    "scrub_bytes",
    "scrub_error",
    "scrub_text",
    "status",
    "token_source",
]
