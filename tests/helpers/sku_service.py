"""A service of SKUs that is independent of the client and of the sandbox: a test hooks into every request."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from aiohttp import web

from aishoot_async import AIShootSession, RetryPolicy

FIELDS = ("name", "frontImage", "backImage", "gender", "isInWardrobe", "projectIds", "skuCategoryName")
QUICK = RetryPolicy(attempts=2, backoff=0.001, backoff_max=0.01)
MAX_PAGE_SIZE = 100
Row = dict[str, Any]


def entries(rows: Sequence[Row], _page: int, _size: int, total: int) -> Row:
    return {"entries": rows, "total": total}


class LostError(Exception):
    """Raised by a hook: ends the connection instead of answering."""


class SkuService:
    """SKUs in memory.

    ``show`` renders a row; ``envelope`` wraps a page of rows; ``defaults``: answers show every field. ``hook`` is
    awaited with each request (method, path, body, False), and with True once it has had its effect: it may raise
    `LostError`, or return a response.
    """

    def __init__(
        self,
        *,
        show: Callable[[Row], Row] = lambda fields: fields,
        envelope: Callable[[Sequence[Row], int, int, int], Any] = entries,
        base: int = 1,
        integer_ids: bool = False,
        shuffled: bool = False,
        defaults: bool = True,
    ) -> None:
        self.show, self.envelope, self.base = show, envelope, base
        self.integer_ids, self.shuffled, self.defaults = integer_ids, shuffled, defaults
        self.rows: dict[str, Row] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.hook: Callable[[str, str, Any, bool], Awaitable[web.Response | None]] | None = None
        self.numbers = itertools.count(1)
        self._turn = itertools.count()

    async def __aenter__(self) -> Self:
        await self.listen(0)
        return self

    async def listen(self, port: int) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        host, self.port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{self.port}"

    async def close(self) -> None:
        """End every connection, and refuse new ones."""
        await self._runner.cleanup()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def session(self, **settings: Any) -> AIShootSession:
        settings.setdefault("retry", QUICK)
        return AIShootSession("tok", base_url=self.url, auth_url=self.url, **settings)

    # What happens behind the API's back.

    def put(self, **fields: Any) -> str:
        """Make a SKU that somebody else has made."""
        return self._create({"name": "Alien", "frontImage": "f", **fields})

    def change(self, sku_id: str, **fields: Any) -> None:
        self.rows[sku_id] = {**self.rows[sku_id], **fields}

    def drop(self, sku_id: str) -> None:
        del self.rows[sku_id]

    @property
    def skus(self) -> dict[str, Row]:
        """A copy of all SKUs, by id."""
        return dict(self.rows)

    @property
    def names(self) -> list[str]:
        return sorted(fields["name"] for fields in self.rows.values())

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _, _ in self.requests)

    def bodies(self, method: str) -> list[Row]:
        return [body for asked, _, body in self.requests if asked == method]

    # The API.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        body = json.loads(text) if text else None
        self.requests.append((request.method, request.path_qs, body))
        try:
            return await self._hooked(request, body, after=False) or await self._answer(request, body)
        except LostError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    async def _answer(self, request: web.Request, body: Any) -> web.Response:
        sku_id = request.match_info["tail"].rpartition("/")[2]
        match request.method:
            case "GET":
                answer = self._list(request)
            case "POST":
                answer = web.json_response(self._rendered(self._create(body)), status=201)
            case _ if sku_id not in self.rows:
                answer = web.json_response({"status": 404, "message": "no such SKU"}, status=404)
            case "PUT":
                self.rows[sku_id] = self._complete(body)
                answer = web.Response(status=200)
            case _:
                del self.rows[sku_id]
                answer = web.Response(status=204)
        return await self._hooked(request, body, after=True) or answer

    async def _hooked(self, request: web.Request, body: Any, *, after: bool) -> web.Response | None:
        return await self.hook(request.method, request.path_qs, body, after) if self.hook is not None else None

    def _complete(self, body: Row) -> Row:
        if not self.defaults:
            return dict(body)
        return {**dict.fromkeys(FIELDS), "isInWardrobe": False, "projectIds": [], **body}

    def _create(self, body: Row) -> str:
        number = next(self.numbers)
        sku_id = str(number) if self.integer_ids else f"sku-{number:05d}"
        self.rows[sku_id] = self._complete(body)
        return sku_id

    def _rendered(self, sku_id: str) -> Row:
        return {"id": int(sku_id) if self.integer_ids else sku_id, **self.show(self.rows[sku_id])}

    def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("skuIdFilter", "")
        rows = [self._rendered(sku_id) for sku_id in self.rows if wanted in sku_id]
        if request.path.endswith("/global"):
            return web.json_response({"skus": rows, "total": len(rows)})
        if self.shuffled and len(rows) <= MAX_PAGE_SIZE:
            turn = next(self._turn) % max(1, len(rows))
            rows = rows[turn:] + rows[:turn]
        size = min(int(request.query["pageSize"]), MAX_PAGE_SIZE)
        page = int(request.query["page"]) - self.base
        if page < 0:
            return web.json_response({"status": 400, "message": "page"}, status=400)
        return web.json_response(self.envelope(rows[page * size : (page + 1) * size], page, size, len(rows)))


def lose(*which: int, method: str = "POST", applied: bool = True) -> Callable[..., Awaitable[web.Response | None]]:
    """Make a hook: the answers to these requests of a method, counted from 0, are lost; of none named, all."""
    count = itertools.count()

    async def hook(asked: str, _path: str, _body: Any, after: bool) -> web.Response | None:  # noqa: FBT001
        if asked == method and after == applied and (not which or next(count) in which):
            raise LostError
        return None

    return hook


async def until(wanted: Callable[[], bool]) -> None:
    """Wait until it is so."""
    while not wanted():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
