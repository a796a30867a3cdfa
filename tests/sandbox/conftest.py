"""A raw HTTP client for the sandbox: nothing between a test and the wire but aiohttp."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from attrs import frozen
from yarl import URL

from aishoot_async.sandbox import Sandbox


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Calls a sandbox with its own token; `token=None` leaves it out."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def call(self, method: str, path: str, *, token: str | None = "", **options: Any) -> Reply:
        headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.sandbox.token}"
        url = URL(self.sandbox.url + path, encoded=True)
        async with self.http.request(method, url, headers=headers, **options) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        return await self.call("POST", path, **options)


Connect = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture
def connect() -> Connect:
    @asynccontextmanager
    async def connected(**options: Any) -> AsyncIterator[Api]:
        async with (
            Sandbox(**options) as sandbox,
            aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            yield Api(sandbox, http)

    return connected
