"""``aishoot login``, ``aishoot logout`` and ``aishoot status``."""

import contextlib
import os
import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs
from cyclopts import App
from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from aishoot_async import (
    AIShootError,
    AIShootSession,
    APIStatusError,
    AuthenticationError,
    AuthError,
    CredentialFile,
    RetryPolicy,
    Timeouts,
    TransportError,
    UnexpectedResponseError,
)
from aishoot_async import auth as tokens

from ._context import Context, ContextArg, proxy_for
from ._errors import DONE, FAILED
from ._output import print_done, print_json, print_rows

login = App(name="login")
logout = App(name="logout")
status = App(name="status")
_TAKES_PRECEDENCE: Final = ("AISHOOT_TOKEN", "AUTORETOUCH_REFRESH_TOKEN")


@login.default
async def log_in(*, no_browser: bool = False, context: ContextArg) -> int:
    """Log in: confirm a code in a browser, on this machine or any other.

    The login is kept in ~/.config/autoretouch-credentials.json, or where AUTORETOUCH_CREDENTIALS_PATH says. Every
    process on this machine can use it at once; the official client uses the same file.

    Example: aishoot login --no-browser

    Parameters
    ----------
    no_browser
        Open no browser; only print the link.
    """
    with contextlib.ExitStack() as shown:

        def show(prompt: tokens.DevicePrompt) -> None:
            page = prompt.verification_uri_complete
            confirm = f"and confirm the code {prompt.user_code}" if page else f"and enter the code {prompt.user_code}"
            page = page or prompt.verification_uri
            if context.console.as_json:
                context.console.warn(
                    "confirm the login", page=page, code=prompt.user_code, expires_in=prompt.expires_in
                )
                return
            context.console.show(f"Open {page}", f"{confirm}.")
            if context.console.terminal.is_terminal:
                if not no_browser and _has_browser():
                    threading.Thread(target=_open_browser, args=(page,), daemon=True).start()
                shown.enter_context(_countdown(context.console.terminal, prompt.expires_in))

        async with _login_target(context) as target:
            file = await tokens.login(show, target.path, auth_url=target.auth_url, proxy=target.proxy)
            found = await tokens.status(file.path)
    said = f"logged in; the login is kept in {file.path}"
    context.console.note(said)
    code = DONE
    if context.json:
        facts = {"path": str(file.path), "expires_at": _iso(found.expires_at)}
        code = print_done(lambda: print_json(facts), said, "that", context.console)
    _warn_of_variables(context)
    return code


@logout.default
async def log_out(*, local: bool = False, context: ContextArg) -> int:
    """Log out: revoke the login, then remove its file; one that cannot be removed is emptied.

    When it cannot be revoked, the file stays, and you stay logged in.

    Example: aishoot logout

    Parameters
    ----------
    local
        Remove the file without revoking the login; copies of it go on working.
    """
    async with _login_target(context, logged_in=True) as target:
        try:
            was_there = await tokens.logout(target.path, local=local, auth_url=target.auth_url, proxy=target.proxy)
        except (TransportError, APIStatusError, UnexpectedResponseError) as error:
            context.console.error(
                f"still logged in: the login could not be revoked: {error}",
                advice="Run it again later, or remove the file alone with: aishoot logout --local",
            )
            return FAILED
        path = CredentialFile(target.path).path
        gone = "emptied" if path.exists() else "removed"
    if not was_there:
        context.console.note(f"not logged in: there is no {path}")
    elif local:
        context.console.warn(f"{gone} {path}; the login itself was not revoked, and copies of it go on working")
    else:
        context.console.note(f"logged out: the login is revoked, and {path} is {gone}")
    _warn_of_variables(context)
    return DONE


@status.default
async def show_status(*, context: ContextArg) -> int:
    """Say who is logged in, from where and until when, and whether the API takes it. Exit code 4: nobody.

    Example: aishoot status --json
    """
    async with _login_target(context, logged_in=True) as target:
        try:
            found = await tokens.status(target.path)
            accepted = await _is_accepted(context, target, found)
            # The check may have renewed it.
            found = await tokens.status(target.path)
        except (AuthError, AuthenticationError) as error:
            if context.json:
                print_json({"logged_in": False, "reason": str(error)})
            raise
    organization = context.organization or os.environ.get("AUTORETOUCH_ORGANIZATION_ID") or None
    path = None if found.path is None else str(found.path)
    if context.json:
        facts = {"account": found.account, "organization": organization, "origin": found.origin, "path": path}
        until = {"expires_at": _iso(found.expires_at), "renewable": found.renewable, "accepted": accepted}
        print_json({"logged_in": True, **facts, **until})
        return DONE
    lines = {
        "account": found.account,
        "organization": organization,
        "from": found.origin if path is None else path,
        "until": _until(found),
        "accepted": {True: "yes", None: "not checked"}[accepted],
    }
    print_rows([{"login": name, "": text} for name, text in lines.items() if text], ["login", ""])
    return DONE


@attrs.frozen(kw_only=True)
class _LoginTarget:
    """The file and the servers of a login; ``None`` for what the environment says."""

    path: Path | None = None
    auth_url: str | None = None
    base_url: str | None = None
    proxy: str | None = attrs.field(default=None, repr=False)


@contextlib.asynccontextmanager
async def _login_target(context: Context, *, logged_in: bool = False) -> AsyncGenerator[_LoginTarget]:
    if not context.sandbox:
        yield _LoginTarget(base_url=context.base_url, proxy=proxy_for(context.proxy, None, "AISHOOT_AUTH_URL"))
        return
    from aishoot_async.sandbox import Sandbox  # noqa: PLC0415  # a server that most runs do without

    with TemporaryDirectory() as folder:
        # It confirms by itself after a moment, and whoever opens the link confirms at once.
        async with Sandbox(device_interval=0 if logged_in else 1, auto_approve_after=1 if logged_in else 2) as sandbox:
            context.console.note("running against an embedded sandbox: no account, and your own login is not touched")
            target = _LoginTarget(path=Path(folder) / "credentials.json", auth_url=sandbox.url, base_url=sandbox.url)
            if logged_in:
                await tokens.login(lambda _: None, target.path, auth_url=target.auth_url)
            yield target


async def _is_accepted(context: Context, target: _LoginTarget, found: tokens.LoginStatus) -> bool | None:
    """Ask the API for one page; ``None`` when that could not be found out.

    Raises:
        AuthError, AuthenticationError: it is not accepted.
    """
    if found.origin == "AUTORETOUCH_REFRESH_TOKEN":
        context.console.note("not checked: that could use up the refresh token")
        return None
    auth = CredentialFile(target.path) if found.origin == "credential file" else None
    proxy = None if context.sandbox else proxy_for(context.proxy, target.base_url, "AISHOOT_BASE_URL")
    session = AIShootSession(
        auth,
        proxy=proxy,
        base_url=target.base_url,
        auth_url=target.auth_url,
        timeouts=Timeouts(connect=5.0, call=20.0),
        retry=RetryPolicy(attempts=1),
    )
    async with session:
        try:
            await session.skus.list()
        except (AuthError, AuthenticationError):
            raise
        except AIShootError as error:
            context.console.warn(f"not checked: {error}")
            return None
    return True


class _Left(ProgressColumn):
    """The time that is left."""

    def render(self, task: Task) -> Text:
        """Return it as minutes and seconds."""
        left = max(0, round((task.total or 0.0) - (task.elapsed or 0.0)))
        return Text(f"{left // 60}:{left % 60:02} left")


@contextlib.contextmanager
def _countdown(console: Console, seconds: float) -> Any:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), _Left())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task("waiting for you to confirm (Ctrl-C to stop)", total=seconds)
        yield


def _has_browser() -> bool:
    # Elsewhere Python may find one that takes over the terminal.
    return sys.platform == "darwin" or any(map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")))


def _open_browser(page: str) -> None:
    # On a thread, because some browsers only return when they are closed.
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(page)


def _warn_of_variables(context: Context) -> None:
    for name in _TAKES_PRECEDENCE:
        if os.environ.get(name) and not context.sandbox:
            context.console.warn(f"{name} is set, and goes before the login in the file")


def _until(found: tokens.LoginStatus) -> str | None:
    if found.expires_at is None:
        return "it is refused; then it is renewed" if found.renewable else None
    text = found.expires_at.astimezone().isoformat(sep=" ", timespec="minutes")
    over = found.expires_at <= datetime.now(UTC)
    return f"{text}{' (over)' if over else ''}{', renewed by itself' if found.renewable else ''}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
