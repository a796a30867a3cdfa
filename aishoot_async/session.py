"""The session: it puts the parts together, and lives and ends with them. No logic stands here."""

import asyncio
import os
import ssl as tls
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import attrs

from .auth import Means, TokenSource, attached, token_source
from .calls import ApiClient, Hook, SessionLifecycle, Throttle, Traffic, check_hooks
from .config import (
    DEFAULT_AUTH_URL,
    DEFAULT_BASE_URL,
    Limits,
    RetryPolicy,
    SessionSettings,
    Timeouts,
    parse_origin,
    parse_proxy,
)
from .errors import ConfigurationError
from .resources import BriefResource, ImageResource, SkuResource
from .transport import Transport


class AIShootSession:
    """Owns the token and the pool of connections. It makes no I/O before the first call.

    Use it with ``async with``, or await `aclose` yourself. It belongs to the event loop of its first call.

    If the environment variable ``AISHOOT_DOCUMENTED_HTTP`` is 1, requests go only through what aiohttp documents. This
    is slower: each request opens a connection of its own.

    Attributes:
        skus: the SKUs.
        briefs: the briefs and their results.
        images: the images that SKUs are made of.
    """

    skus: SkuResource
    briefs: BriefResource
    images: ImageResource

    def __init__(
        self,
        auth: str | TokenSource | None = None,
        *,
        base_url: str | None = None,
        auth_url: str | None = None,
        organization: str | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen
        limits: Limits = Limits(),  # noqa: B008  # frozen
        hooks: Sequence[Hook] = (),
        proxy: str | None = None,
        ssl: tls.SSLContext | None = None,
        insecure_http: bool = False,
    ) -> None:
        """Check the settings; connect to nothing.

        Args:
            auth: a bearer token, or what gives one; ``None`` for ``AISHOOT_TOKEN``, ``AUTORETOUCH_REFRESH_TOKEN`` or
                the credential file, looked at on the first call.
            base_url: where the API is; ``None`` for ``AISHOOT_BASE_URL``, else https://api.autoretouch.com.
            auth_url: where the auth server is; ``None`` for ``AISHOOT_AUTH_URL``, else https://auth.autoretouch.com.
            organization: the organization's id; ``None`` for ``AUTORETOUCH_ORGANIZATION_ID``.
            timeouts: how long to wait for what.
            retry: when to repeat what may be repeated.
            limits: how much of the network and of memory to take.
            hooks: told of each attempt.
            proxy: a proxy's URL; ``"environment"`` for HTTPS_PROXY, ALL_PROXY and NO_PROXY; ``None`` for none.
            ssl: how to check certificates; ``None`` for the system's way.
            insecure_http: allow ``http://`` off this machine, where anybody on the way can read the token.

        Raises:
            ConfigurationError: a setting cannot work.
        """
        try:
            tokens = token_source(auth)
        finally:
            del auth  # a traceback may show this frame's variables
        for name, value, kind in (
            ("timeouts", timeouts, Timeouts),
            ("retry", retry, RetryPolicy),
            ("limits", limits, Limits),
            ("ssl", ssl, tls.SSLContext | None),
            ("organization", organization, str | None),
            ("insecure_http", insecure_http, bool),
        ):
            if not isinstance(value, kind):
                msg = f"{name} must be {kind}, not {value!r}"
                raise ConfigurationError(msg)
        base = base_url if base_url is not None else os.environ.get("AISHOOT_BASE_URL") or DEFAULT_BASE_URL
        auth_base = auth_url if auth_url is not None else os.environ.get("AISHOOT_AUTH_URL") or DEFAULT_AUTH_URL
        self._lifecycle = SessionLifecycle()
        limited_by = "in_flight" if limits.in_flight < limits.connections else "connections"
        self._throttle = Throttle(self._lifecycle, limit=limits.in_flight, rate=limits.rate, limited_by=limited_by)
        self._base_url = parse_origin("base_url", base, insecure_http=insecure_http)
        self._settings = SessionSettings(
            timeouts=timeouts, retry=retry, limits=limits, proxy=parse_proxy(proxy), has_own_tls=ssl is not None
        )
        self._transport = Transport(limits=limits, timeouts=timeouts, proxy=self._settings.proxy, tls=ssl)
        # A renewal must not wait for calls, nor calls that have a good token for it.
        self._auth_transport = Transport(
            limits=attrs.evolve(limits, connections=1, in_flight=1),
            timeouts=timeouts,
            proxy=self._settings.proxy,
            tls=ssl,
        )
        means = Means(
            auth_url=parse_origin("auth_url", auth_base, insecure_http=insecure_http),
            transport=self._auth_transport,
            pause=retry.backoff,
            spawn=self._lifecycle.spawn_shielded,
            spawn_until_closed=self._lifecycle.spawn,
            closed=lambda: self._lifecycle.closed,
        )
        self._tokens = attached(tokens, means)
        self._closing: asyncio.Task[None] | None = None
        self._caller = caller = ApiClient(
            base_url=self._base_url,
            transport=self._transport,
            tokens=self._tokens,
            lifecycle=self._lifecycle,
            throttle=self._throttle,
            timeouts=timeouts,
            retry=retry,
            hooks=check_hooks(hooks),
        )
        self.skus = SkuResource(caller)
        self.briefs = BriefResource(caller)
        self.images = ImageResource(caller, organization or os.environ.get("AUTORETOUCH_ORGANIZATION_ID") or None)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return str(self._base_url)

    @property
    def traffic(self) -> Traffic:
        """What is on its way, and what has been repeated: a snapshot."""
        throttle = self._throttle
        return Traffic(
            in_flight=throttle.in_flight, waiting=throttle.waiting, limit=throttle.limit, retries=self._caller.retries
        )

    async def __aenter__(self) -> Self:
        """Enter; connect to nothing yet."""
        self._lifecycle.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close. Calls that wait or are on their way end with `SessionClosedError`; closing twice is closing once.

        A create that is on its way may still happen, and ends with `AmbiguousWriteError`. A login that is being renewed
        is waited for: to cut that off could lose it.

        Raises:
            WrongLoopError: the session is in use on another event loop.
        """
        if self._lifecycle.close():
            self._throttle.close()
            try:
                await self._lifecycle.cancel_all()
            finally:
                # In a task of its own, so that a renewal outlasts a caller who is cancelled here.
                self._closing = asyncio.create_task(self._close_pool())
                await asyncio.shield(self._closing)

    async def _close_pool(self) -> None:
        await self._lifecycle.drain()
        try:
            await self._transport.aclose()
        finally:
            await self._auth_transport.aclose()
