"""Logging in and out, and looking: what an application does without a session."""

import asyncio
import contextlib
import os
import ssl as tls
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import TypedDict, Unpack

import attrs

from ..callbacks import call_and_await
from ..config import DEFAULT_AUTH_URL, Limits, Timeouts, parse_origin, parse_proxy
from ..errors import AuthError, ConfigurationError, LoginRequiredError
from ..transport import Transport
from ._credential_file import CredentialFile
from ._device import wait_for_tokens
from ._disk import credentials_path, locked, read_file
from ._document import Credentials
from ._server import AuthServer
from ._wire import DevicePrompt, Tokens
from ._writing import open_writer, remove_file

Prompt = Callable[[DevicePrompt], Awaitable[object] | object]
PathLike = str | os.PathLike[str]


class Connection(TypedDict, total=False):
    """How to reach the auth server; each means what it means to a session."""

    auth_url: str | None
    proxy: str | None
    ssl: tls.SSLContext | None
    insecure_http: bool


async def login(prompt: Prompt, path: PathLike | None = None, **connection: Unpack[Connection]) -> CredentialFile:
    """Log in by the device flow: a user confirms a code in any browser. May be cancelled at any moment.

    The tokens go to the credential file, which is also that of the official client; a login that stands there is
    written over, anything else is not. Whether that will be possible is found out before the user is asked.

    Args:
        prompt: is given the `DevicePrompt` to show; an async one is awaited before the first question is asked.
        path: the credential file; ``None`` for ``AUTORETOUCH_CREDENTIALS_PATH``, else the usual one.
        **connection: ``auth_url``, ``proxy``, ``ssl`` and ``insecure_http``, as `AIShootSession` takes them.

    Returns:
        The file, as a source of tokens for a session.

    Raises:
        AuthError: the file cannot be written, or the auth server refuses.
        ConfigurationError: a setting cannot work.
        LockedError: another process holds the file.
        LoginRejectedError: the user has denied it, or has not confirmed it in time.
        RateLimitedError, ServerError, TransportError, UnexpectedResponseError: the auth server gave no code, or in the
            end no access token that can be used; a refresh token that came with it is kept.
    """
    if not callable(prompt):
        msg = "prompt must be a callable that takes a DevicePrompt"
        raise ConfigurationError(msg)
    file = CredentialFile(path)
    await asyncio.to_thread(_make_folder, file.path)
    async with locked(file.path):
        await asyncio.to_thread(_check_replaceable, file.path)
    async with _auth_server(**connection) as server:
        asked_at = time.monotonic()
        device = await server.begin_device_login()
        await call_and_await(prompt, device.prompt)
        tokens = await wait_for_tokens(
            device,
            server.poll,
            ends=asked_at + device.prompt.expires_in,
            clock=time.monotonic,
            sleep=asyncio.sleep,
        )
    async with locked(file.path):
        await asyncio.to_thread(_replace, file.path, tokens)
    if tokens.access is None:
        raise tokens.complaint()
    return file


async def logout(path: PathLike | None = None, *, local: bool = False, **connection: Unpack[Connection]) -> bool:
    """Log out: revoke the login in the credential file, then remove the file; one that cannot be removed is emptied.

    When the login cannot be revoked, the file stays: it holds the only thing with which it can be revoked later.

    Args:
        path: the credential file; ``None`` for ``AUTORETOUCH_CREDENTIALS_PATH``, else the usual one.
        local: remove the file without revoking. Whoever has a copy of its tokens stays logged in.
        **connection: ``auth_url``, ``proxy``, ``ssl`` and ``insecure_http``, as `AIShootSession` takes them.

    Returns:
        Whether there was a login.

    Raises:
        AuthError: the file is no credential file, or cannot be removed; or the auth server refuses.
        ConfigurationError: a setting cannot work.
        LockedError: another process holds the file.
        RateLimitedError, ServerError, TransportError, UnexpectedResponseError: the auth server did not revoke it.
    """
    place = credentials_path(path)
    if not await asyncio.to_thread(os.path.exists, place):
        return False
    async with locked(place):
        try:
            refresh = (await asyncio.to_thread(read_file, place)).refresh
        except LoginRequiredError:
            if not local:
                raise
            refresh = None
        if refresh is not None and not local:
            async with _auth_server(**connection) as server:
                await server.revoke(refresh)
        try:
            await asyncio.to_thread(remove_file, place)
        except AuthError as error:
            if refresh is None or local:
                raise
            problem = f"the login is revoked, but {error}"
        else:
            return True
    raise AuthError(problem)


@contextlib.asynccontextmanager
async def _auth_server(
    *,
    auth_url: str | None = None,
    proxy: str | None = None,
    ssl: tls.SSLContext | None = None,
    insecure_http: bool = False,
) -> AsyncGenerator[AuthServer]:
    named = auth_url if auth_url is not None else os.environ.get("AISHOOT_AUTH_URL") or DEFAULT_AUTH_URL
    transport = Transport(limits=Limits(), timeouts=Timeouts(), proxy=parse_proxy(proxy), tls=ssl)
    try:
        yield AuthServer(parse_origin("auth_url", named, insecure_http=insecure_http), transport)
    finally:
        await transport.aclose()


def _make_folder(path: Path) -> None:
    try:
        Path(os.path.realpath(path)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"there can be no credential file {path}: {error.strerror}"
        raise AuthError(msg) from None


def _nobody(path: Path) -> Credentials:
    """Give the login that a new one fills in: nothing of the old one stays but what others have added to it."""
    nobody = Credentials(access=None, refresh=None)
    try:
        return attrs.evolve(nobody, extra=read_file(path).extra)
    except LoginRequiredError:
        return nobody


def _check_replaceable(path: Path) -> None:
    _nobody(path)
    open_writer(path).discard()


def _replace(path: Path, tokens: Tokens) -> None:
    old = _nobody(path)
    writer = open_writer(path)
    try:
        writer.commit(old.renewed(tokens, time.time()))
    finally:
        writer.discard()
