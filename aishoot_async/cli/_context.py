"""What every command is given: the global options, a session made of them, and a place to talk."""

import contextlib
import sys
from collections.abc import AsyncGenerator

import attrs

from aishoot_async import AIShootSession, ConfigurationError, Limits

from ._proxy import proxy_for
from ._streams import read_line
from ._talk import Talk


@attrs.frozen(kw_only=True)
class Context:
    """The global options of one run.

    Attributes:
        sandbox: run against an embedded sandbox with demo data.
        base_url: where the API is; ``None`` for the session's own default.
        proxy: a proxy's URL, which may hold a password; ``"none"``, or ``None`` for what the environment says.
        organization: the organization's id; ``None`` for the environment's.
        max_response: the largest answer in bytes; ``None`` for the session's own default.
        json: one JSON object a line on stdout.
        may_ask: whether a question may be asked on the terminal.
        talk: progress and messages, on stderr.
    """

    sandbox: bool
    base_url: str | None
    proxy: str | None = attrs.field(default=None, repr=False)
    organization: str | None
    max_response: int | None = None
    json: bool
    may_ask: bool
    talk: Talk

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; where there is none, nobody has said yes."""
        if not self.may_ask or not sys.stdin.isatty() or not sys.stderr.isatty():
            return False
        self.talk.ask(question)
        answer = read_line()
        if not answer:
            self.talk.end_line()
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
            msg = "--sandbox and --base-url exclude each other"
            raise ConfigurationError(msg)
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
            self.talk.note("running against an embedded sandbox with demo data: no account, no network")
            yield session
