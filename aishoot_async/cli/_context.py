"""What every command is given: the global options, the session that they describe, and the console."""

import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

import attrs
from cyclopts import Parameter

from aishoot_async import AIShootSession, ConfigurationError, Limits
from aishoot_async.config import is_loopback, parse_proxy

from ._console import Console
from ._options import GlobalOptions
from ._streams import read_line

_NO_PROXY: Final = "none"
_FROM_ENVIRONMENT: Final = "environment"


@attrs.frozen(kw_only=True)
class Context(GlobalOptions):
    """The global options of one run, and where it says what is going on."""

    console: Console

    @classmethod
    def from_options(cls, options: GlobalOptions, command: str) -> Self:
        """Make the context of a command, which is named as it is typed."""
        as_json = options.log_format == "json"
        console = Console(quiet=options.quiet, verbose=options.verbose, as_json=as_json, command=command)
        return cls(**attrs.asdict(options), console=console)

    @property
    def interactive(self) -> bool:
        """Whether a question can be asked and answered on the terminal."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; without one, the answer is no."""
        if not self.interactive:
            return False
        self.console.ask(question)
        answer = read_line()
        if not answer:
            self.console.end_line()
        return answer.strip().lower() in {"y", "yes"}

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncGenerator[AIShootSession]:
        """Open the session that the options describe."""
        limits = Limits() if self.max_response is None else Limits(response_bytes=self.max_response)
        if not self.sandbox:
            proxy = proxy_for(self.proxy, self.base_url, "AISHOOT_BASE_URL")
            async with AIShootSession(
                base_url=self.base_url, organization=self.organization, limits=limits, proxy=proxy
            ) as session:
                yield session
            return
        if self.base_url is not None:
            raise ConfigurationError("--sandbox and --base-url exclude each other")
        from aishoot_async.sandbox import Sandbox  # noqa: PLC0415  # a server that most runs do without

        async with (
            Sandbox(skus=24, briefs={1: 250, 2: 40, 3: 1200}) as sandbox,
            AIShootSession(
                sandbox.token,
                base_url=sandbox.url,
                auth_url=sandbox.url,
                organization=self.organization or "sandbox",
                limits=limits,
            ) as session,
        ):
            self.console.note("running against an embedded sandbox with demo data: no account, no network")
            yield session


ContextArg = Annotated[Context, Parameter(parse=False)]
"""The context as an argument of a command, which no option sets."""


def proxy_for(named: str | None, url: str | None, variable: str) -> str | None:
    """Return a session's ``proxy``: the one that is named, or the environment's, as with curl and pip; never netrc's.

    A server on this machine is reached without any.

    Args:
        named: what ``--proxy`` says.
        url: the server that an option names.
        variable: the variable that names the server where no option does.
    """
    if named == _NO_PROXY or _is_local(url or os.environ.get(variable) or ""):
        return None
    return _FROM_ENVIRONMENT if named is None else _with_scheme(named)


def _with_scheme(named: str) -> str | None:
    """Read ``proxy.example:3128`` too, as it is often written.

    Raises:
        ConfigurationError: it is no proxy's URL; it may hold a password, so it is not shown.
    """
    try:
        return parse_proxy(named if "://" in named else f"http://{named}")
    except ConfigurationError:
        msg = "--proxy must be an http:// or https:// URL, or none"
    raise ConfigurationError(msg)


def _is_local(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:  # the session says what is wrong with it
        return False
