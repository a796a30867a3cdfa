"""What every command is given: the global options, a session made of them, and a place to talk."""

import contextlib
from collections.abc import AsyncGenerator

import attrs

from aishoot_async import AIShootSession

from ._talk import Talk


@attrs.frozen(kw_only=True)
class Context:
    """The global options of one run.

    Attributes:
        sandbox: run against an embedded sandbox with demo data.
        base_url: where the API is; ``None`` for the session's own default.
        organization: the organization's id; ``None`` for the environment's.
        json: one JSON object a line on stdout.
        talk: progress and messages, on stderr.
    """

    sandbox: bool
    base_url: str | None
    organization: str | None
    json: bool
    talk: Talk

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncGenerator[AIShootSession]:
        """Open the session that the options describe."""
        if not self.sandbox:
            async with AIShootSession(base_url=self.base_url, organization=self.organization) as session:
                yield session
            return
        from aishoot_async.sandbox import Sandbox  # noqa: PLC0415  # a server that most runs do without

        async with (
            Sandbox(skus=24, briefs={1: 250, 2: 40, 3: 1200}) as sandbox,
            AIShootSession(
                sandbox.token, base_url=sandbox.url, auth_url=sandbox.url, organization=self.organization
            ) as session,
        ):
            self.talk.note("running against an embedded sandbox with demo data: no account, no network")
            yield session
